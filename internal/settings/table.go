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

	{Name: "http-listen", Uses: Server, Default: "127.0.0.1:8462", field: func(s *Settings) any { return &s.HTTPListen },
		About: "The host and port on which gateways ask over HTTP (forward-auth, AuthZEN), the dashboard's calls are answered, and `/authz/` has the " +
			"API Access page and the API in JSON, with the same certificate as listen; port 0 picks a free one, and off switches all of it off."},
	{Name: "http-peers", Uses: Server, Default: loopbackPeers, field: func(s *Settings) any { return &s.HTTPPeers },
		About: "The addresses of the gateways that may use forward-auth without a token, as addresses or networks separated by commas; " +
			"none: every gateway must show a token."},
	{Name: "http-url", Uses: Server, field: func(s *Settings) any { return &s.HTTPURL },
		About: "Where callers reach http-listen, such as https://authz.internal:8462, for links to the API Access page, and for the metadata of AuthZEN, which empty does not publish."},
	{Name: "ext-authz-remove-credential", Uses: Server, Default: "false",
		field: func(s *Settings) any { return &s.ExtAuthzRemoveCredential },
		About: "Whether gateways that ask by ext_authz are told to remove the key, or the session's cookie, from a request that may pass."},

	{Name: "postgres-url", Uses: Server, field: func(s *Settings) any { return &s.PostgresURL }, redact: redactURL,
		About: "The Postgres to store on, as postgres://user@host:5432/database?sslmode=verify-full, without a password; " +
			"empty stores on the embedded database."},
	{Name: "postgres-password", Uses: Server, field: func(s *Settings) any { return &s.PostgresPassword },
		About: "The password for Postgres."},
	{Name: "postgres-password-file", Uses: Server, field: func(s *Settings) any { return &s.PostgresPasswordFile },
		About: "A file that holds the password for Postgres."},
	{Name: "postgres-max-conns", Uses: Server, Default: "16", field: func(s *Settings) any { return &s.PostgresMaxConns },
		About: "How many connections to Postgres calls may use, half of them at most to read records. Up to that half again are open for " +
			"moments, when records change while they are read, and four more follow the history."},
	{Name: "postgres-statement-timeout", Uses: Server, Default: "5s",
		field: func(s *Settings) any { return &s.PostgresStatementTimeout },
		About: "How long Postgres may work on one statement."},
	{Name: "postgres-require-standby", Uses: Server, Default: "false",
		field: func(s *Settings) any { return &s.PostgresRequireStandby },
		About: "Whether to refuse a Postgres that confirms commits without waiting for a standby: whose synchronous_standby_names is " +
			"empty when a connection is made."},
	{Name: "lease", Uses: Server, Default: "4s", field: func(s *Settings) any { return &s.Lease },
		About: "How long a replica goes on deciding after Postgres last confirmed that it may, 500ms to 5s: longer rides out longer " +
			"outages, and makes a revocation wait longer for a replica that was killed. On the embedded database there is none."},
	{Name: "migrate", Uses: Server, Default: "true", field: func(s *Settings) any { return &s.Migrate },
		About: "Whether serve brings an older database schema up to date; if false, it refuses to start on one."},

	{Name: "redis", Uses: Server, field: func(s *Settings) any { return &s.Redis }, redact: redactAddresses,
		About: "The Redis in which replicas on one Postgres share what they have read, as host:port, several separated by commas " +
			"if redis-mode is sentinel or cluster; empty uses none."},
	{Name: "redis-mode", Uses: Server, Default: "single", OneOf: []string{"single", "sentinel", "cluster"},
		field: func(s *Settings) any { return &s.RedisMode },
		About: "Whether redis names a single server, Sentinels that know which server to use, or some servers of a cluster."},
	{Name: "redis-master", Uses: Server, field: func(s *Settings) any { return &s.RedisMaster },
		About: "The name that Sentinels know the server by."},
	{Name: "redis-user", Uses: Server, field: func(s *Settings) any { return &s.RedisUser },
		About: "The user of Redis to be, and of Sentinels that know that user; empty is Redis' default user."},
	{Name: "redis-password", Uses: Server, field: func(s *Settings) any { return &s.RedisPassword },
		About: "The password for Redis."},
	{Name: "redis-password-file", Uses: Server, field: func(s *Settings) any { return &s.RedisPasswordFile },
		About: "A file that holds the password for Redis."},
	{Name: "redis-db", Uses: Server, Default: "0", fromZero: true, field: func(s *Settings) any { return &s.RedisDB },
		About: "The number of the database in Redis; a cluster has but 0."},
	{Name: "redis-tls", Uses: Server, Default: "false", field: func(s *Settings) any { return &s.RedisTLS },
		About: "Whether to call Redis, and Sentinels, over TLS."},
	{Name: "redis-tls-ca", Uses: Server, field: func(s *Settings) any { return &s.RedisTLSCA },
		About: "A PEM file with the authorities to trust instead of the system's; needs redis-tls."},
	{Name: "redis-tls-cert", Uses: Server, field: func(s *Settings) any { return &s.RedisTLSCert },
		About: "A PEM file with the certificate chain to show to a Redis that wants one, as it does by default; needs redis-tls."},
	{Name: "redis-tls-key", Uses: Server, field: func(s *Settings) any { return &s.RedisTLSKey },
		About: "A PEM file with the private key of redis-tls-cert."},
	{Name: "redis-tls-server-name", Uses: Server, field: func(s *Settings) any { return &s.RedisTLSServerName },
		About: "The name to expect in the certificate of every Redis server instead of the host of its address; needs redis-tls."},
	{Name: "redis-entry-keys", Uses: Server, field: func(s *Settings) any { return &s.RedisEntryKeys },
		About: "One or two keys, one a line or separated by commas, that seal what is kept in Redis, each as `openssl rand -base64 32` " +
			"makes it: the first one seals, both open."},
	{Name: "redis-entry-keys-file", Uses: Server, field: func(s *Settings) any { return &s.RedisEntryKeysFile },
		About: "A file of redis-entry-keys, one a line."},

	{Name: "aeroplane-file", Uses: Server, field: func(s *Settings) any { return &s.AeroplaneFile },
		About: "The database of an Aeroplane on this machine, deploy.db in its data directory, to keep in step with; empty keeps in step with none."},

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
		About: "How long keys stay on record after they were revoked or expired; 0 keeps them for ever, as those that came from Aeroplane and were revoked " +
			"are kept in any case, lest they come again."},
	{Name: "retain-sessions", Uses: Server, Default: "30d", field: func(s *Settings) any { return &s.RetainSessions },
		About: "How long sessions stay on record after the time of their expiry; 0 keeps them for ever."},
	{Name: "retain-request-ids", Uses: Server, Default: "24h", field: func(s *Settings) any { return &s.RetainRequestIDs },
		About: "How long the request ids of created keys are remembered; 0 remembers them for ever."},

	{Name: "ops-listen", Uses: Server, Default: "127.0.0.1:8461", field: func(s *Settings) any { return &s.OpsListen },
		About: "The host and port of the metrics and the probes, in plain HTTP; port 0 picks a free one, and off switches them off."},
	{Name: "insecure-ops", Uses: Server, Default: "false", field: func(s *Settings) any { return &s.InsecureOps },
		About: "Allow ops-listen beyond this machine, where anybody on the network can read how much is asked and refused, how " +
			"the databases fare and which version runs."},

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
