// SPDX-License-Identifier: Apache-2.0

package settings

// table is the one table. docs/configuration.md is made from it: run go generate after a change.
//
//go:generate go test -run ^TestDocumentation$ -update .
var table = []Setting{
	{Name: "listen", Uses: Server, Default: "127.0.0.1:8460", field: func(s *Settings) any { return &s.Listen },
		About: "The host and port to listen on; port 0 picks a free one."},
	{Name: "data-dir", Uses: Server | Client, field: func(s *Settings) any { return &s.DataDir },
		defaultAbout: "`$XDG_DATA_HOME/aeroplane-authz`, else `~/.local/share/aeroplane-authz`, " +
			"else `/var/lib/aeroplane-authz`",
		About: "The directory of the embedded database and of generated tokens."},

	{Name: "postgres-url", Uses: Server, field: func(s *Settings) any { return &s.PostgresURL }, redact: redactURL,
		About: "The Postgres to store on, as postgres://user@host:5432/database?sslmode=verify-full, without a password; " +
			"empty stores on the embedded database."},
	{Name: "postgres-password", Uses: Server, field: func(s *Settings) any { return &s.PostgresPassword },
		About: "The password for Postgres."},
	{Name: "postgres-password-file", Uses: Server, field: func(s *Settings) any { return &s.PostgresPasswordFile },
		About: "A file that holds the password for Postgres."},
	{Name: "postgres-max-conns", Uses: Server, Default: "16", field: func(s *Settings) any { return &s.PostgresMaxConns },
		About: "How many connections to Postgres may be open at once."},
	{Name: "postgres-statement-timeout", Uses: Server, Default: "5s",
		field: func(s *Settings) any { return &s.PostgresStatementTimeout },
		About: "How long Postgres may work on one statement."},
	{Name: "migrate", Uses: Server, Default: "true", field: func(s *Settings) any { return &s.Migrate },
		About: "Whether serve brings an older database schema up to date; if false, it refuses to start on one."},

	{Name: "routes", Uses: Server, field: func(s *Settings) any { return &s.Routes },
		About: "A file with the route table; empty uses the one that is built in."},

	{Name: "tls-cert", Uses: Server, field: func(s *Settings) any { return &s.TLSCert },
		About: "A PEM file with the server's certificate chain, read again when it changes."},
	{Name: "tls-key", Uses: Server, field: func(s *Settings) any { return &s.TLSKey },
		About: "A PEM file with the private key of tls-cert, read again when it changes."},
	{Name: "insecure-plaintext", Uses: Server | Client, Default: "false",
		field: func(s *Settings) any { return &s.InsecurePlaintext },
		About: "DANGEROUS: allow connections without TLS beyond this machine, where anybody on the network can read " +
			"the tokens and API keys that cross it."},

	{Name: "admin-tokens", Uses: Server, field: func(s *Settings) any { return &s.AdminTokens },
		About: "The tokens that administrators call with: \"name token\" pairs, one a line or separated by commas."},
	{Name: "admin-tokens-file", Uses: Server, field: func(s *Settings) any { return &s.AdminTokensFile },
		About: "A file of admin-tokens, one \"name token\" pair a line."},
	{Name: "gateway-tokens", Uses: Server, field: func(s *Settings) any { return &s.GatewayTokens },
		About: "The tokens that gateways call with: \"name token\" pairs, one a line or separated by commas."},
	{Name: "gateway-tokens-file", Uses: Server, field: func(s *Settings) any { return &s.GatewayTokensFile },
		About: "A file of gateway-tokens, one \"name token\" pair a line."},

	{Name: "retain-audit", Uses: Server, Default: "365d", field: func(s *Settings) any { return &s.RetainAudit },
		About: "How long audit records are kept; 0 keeps them for ever."},
	{Name: "retain-keys", Uses: Server, Default: "365d", field: func(s *Settings) any { return &s.RetainKeys },
		About: "How long keys stay on record after they were revoked or expired; 0 keeps them for ever."},
	{Name: "retain-sessions", Uses: Server, Default: "30d", field: func(s *Settings) any { return &s.RetainSessions },
		About: "How long sessions stay on record after the time of their expiry; 0 keeps them for ever."},
	{Name: "retain-request-ids", Uses: Server, Default: "24h", field: func(s *Settings) any { return &s.RetainRequestIDs },
		About: "How long the request ids of created keys are remembered; 0 remembers them for ever."},

	{Name: "log-level", Uses: Server, Default: "info", OneOf: []string{"debug", "info", "warn", "error"},
		field: func(s *Settings) any { return &s.LogLevel },
		About: "The least level that is logged."},
	{Name: "log-format", Uses: Server, Default: "text", OneOf: []string{"text", "json"},
		field: func(s *Settings) any { return &s.LogFormat },
		About: "The form of log records."},
	{Name: "shutdown-grace", Uses: Server, Default: "10s", field: func(s *Settings) any { return &s.ShutdownGrace },
		About: "How long calls that are under way may take to finish after SIGTERM."},

	{Name: "address", Uses: Client, Default: "127.0.0.1:8460", field: func(s *Settings) any { return &s.Address },
		About: "The host and port of the server to call."},
	{Name: "token", Uses: Client, field: func(s *Settings) any { return &s.Token },
		About: "The token to call with."},
	{Name: "token-file", Uses: Client, field: func(s *Settings) any { return &s.TokenFile },
		defaultAbout: "`admin.token`, for `authorize` `gateway.token`, in the data directory",
		About:        "A file that holds the token to call with, alone or as a \"name token\" pair."},
	{Name: "tls", Uses: Client, Default: "false", field: func(s *Settings) any { return &s.TLS },
		About: "Whether to call the server over TLS."},
	{Name: "tls-ca", Uses: Client, field: func(s *Settings) any { return &s.TLSCA },
		About: "A PEM file with the authorities to trust instead of the system's; needs tls."},
	{Name: "tls-server-name", Uses: Client, field: func(s *Settings) any { return &s.TLSServerName },
		About: "The name to expect in the server's certificate instead of the address's host; needs tls."},
	{Name: "timeout", Uses: Client, Default: "10s", field: func(s *Settings) any { return &s.Timeout },
		About: "How long to wait for the answer to one call."},
	{Name: "acting-user", Uses: Client, field: func(s *Settings) any { return &s.ActingUser },
		About: "The user on whose behalf changes are made, for the audit record."},
	{Name: "output", Uses: Client, Default: "table", OneOf: []string{"table", "json"},
		field: func(s *Settings) any { return &s.Output },
		About: "The form of what is printed."},
	{Name: "key", Uses: Client, field: func(s *Settings) any { return &s.Key },
		About: "The API key that the authorize command asks about."},
	{Name: "session", Uses: Client, field: func(s *Settings) any { return &s.Session },
		About: "The session token that the authorize command asks about."},
}
