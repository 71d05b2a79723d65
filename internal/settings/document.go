// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"fmt"
	"io"
	"strings"
)

// Document writes the table as a page in Markdown: docs/configuration.md.
func Document(w io.Writer) error {
	var b strings.Builder
	b.WriteString(introduction)
	for _, half := range []struct {
		title string
		group Group
	}{
		{"The server", Server},
		{"The commands that call it", Client},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n| setting | value | default | what it is |\n|---|---|---|---|\n", half.title)
		for _, s := range Of(half.group) {
			fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", s.names(), s.Kind(), s.defaults(), cell(s.About))
		}
	}
	b.WriteString(refusals)
	_, err := io.WriteString(w, b.String())
	return err
}

func (s *Setting) names() string {
	if s.Secret() {
		return fmt.Sprintf("`%s`<br>`%s`", s.Name, s.Env())
	}
	return fmt.Sprintf("`%s`<br>`--%s`<br>`%s`", s.Name, s.Name, s.Env())
}

func (s *Setting) defaults() string {
	switch {
	case s.defaultAbout != "":
		return s.defaultAbout
	case s.Default == "":
		return ""
	}
	return "`" + s.Default + "`"
}

func cell(text string) string { return strings.ReplaceAll(text, "|", `\|`) }

const introduction = `<!-- Made from internal/settings/table.go by go generate ./internal/settings. Do not edit. -->

# Configuration

Every setting has one name. It can be given in three places, and the first that gives it wins:

1. as a flag: ` + "`--listen 127.0.0.1:8460`" + `;
2. as a variable of the environment: ` + "`AEROPLANE_AUTHZ_LISTEN=127.0.0.1:8460`" + `. An empty variable counts as unset;
3. in a settings file, which ` + "`--config FILE` or `AEROPLANE_AUTHZ_CONFIG`" + ` names. It is flat TOML: ` +
	"`listen = \"127.0.0.1:8460\"`, `migrate = false`, `postgres-max-conns = 16`" + `.

Settings are read once, at start; only the files of ` + "`tls-cert` and `tls-key`" + ` are read again when they change, and
that of ` + "`postgres-password-file`" + ` for each new connection. To replace a file for Redis takes a restart. What
` + "`postgres-url`" + ` does not say comes from libpq's variables, such as ` + "`PGSSLROOTCERT`" + ` and ` + "`PGUSER`" + `. What is no
setting is an error: an unknown flag, an unknown name in the file, an unknown variable that begins with
` + "`AEROPLANE_AUTHZ_`" + ` (but for those that Kubernetes sets for a Service called aeroplane-authz, and ` +
	"`AEROPLANE_AUTHZ_TEST_`" + `, which
this project's own tests use).

A duration is such as ` + "`90d`, `36h` or `1m30s`" + `. A secret has no flag, because flags show in the process list: give it in the
environment, in the settings file, or in a file of its own where there is a setting that ends in ` + "`-file`" + `. A file that holds
a secret is refused when others than its owner may write it, and the log warns when they may read it.

` + "`aeroplane-authz settings print`" + ` shows every value in force and where it comes from, secrets redacted;
` + "`aeroplane-authz settings check`" + ` says whether a server would start with them, as far as that shows without connecting to
Postgres or Redis, or opening a port.
`

const refusals = `
## What is refused

A server does not start, and ` + "`settings check`" + ` fails, with:

- ` + "`tls-cert` without `tls-key`" + `, or the other way round;
- a password, or a list of tokens or keys, given twice: in the environment or the settings file, and in a file of its own;
- a password inside ` + "`postgres-url`" + `, or a password without a ` + "`postgres-url`" + `;
- a ` + "`postgres-url`" + ` that names another machine and does not say ` + "`sslmode=verify-full`, `verify-ca` or `require`" + `,
  unless ` + "`insecure-plaintext`" + ` is set;
- a ` + "`postgres-url`" + ` that names its host twice, or a service; ` + "`postgres-require-standby` without `postgres-url`" + `; a
  ` + "`postgres-statement-timeout`" + ` that is not longer than 0; a ` + "`lease`" + ` that is not 500 ms to 5 s;
- ` + "`redis`" + ` without ` + "`postgres-url`" + `: the embedded database has one reader, which keeps what it has read by itself;
- ` + "`redis`" + ` without entry keys, entry keys that are not one or two different ones of 32 bytes each, or any other setting for
  Redis without ` + "`redis`" + `;
- ` + "`redis`" + ` that is a URL, or several addresses of a single server; ` + "`redis-master`" + ` with another ` + "`redis-mode`" + ` than
  ` + "`sentinel`" + `, which needs it; ` + "`redis-db`" + ` with a cluster; ` + "`redis-user`" + ` without a password;
- ` + "`redis`" + ` that names another machine without ` + "`redis-tls`, unless `insecure-plaintext`" + ` is set;
- ` + "`redis-tls-ca`, `redis-tls-cert` or `redis-tls-server-name` without `redis-tls`, or `redis-tls-cert` without `redis-tls-key`" + `, or the
  other way round;
- ` + "`listen` or `http-listen`" + ` on an address that is not loopback without ` + "`tls-cert`, unless `insecure-plaintext`" + ` is set; a
  host name counts as loopback if all its addresses are;
- ` + "`http-peers`" + ` that are everybody, ` + "`0.0.0.0/0`" + `, or link-local ones of IPv6, or neither addresses nor networks; ` + "`http-url`" + ` that is no URL;
  either of them without ` + "`http-listen`" + `; an ` + "`http-listen` that is `listen`" + `;
- ` + "`listen` or `http-listen`" + ` on an address that is not loopback without tokens configured for both roles. On loopback, tokens that are
  missing are generated, into ` + "`admin.token` and `gateway.token`" + ` in the data directory, where the commands find them;
- a data directory in use by another process, or in which nothing can be made;
- ` + "`retain-keys` shorter than `retain-request-ids`" + `: a call that is repeated could not be told of the key that it created;
- ` + "`ops-listen`" + ` on an address that is not loopback, unless ` + "`insecure-ops`" + ` is set, which is refused where nothing needs
  it; and an ` + "`ops-listen` that is `listen` or `http-listen`" + `;
- ` + "`routes`" + ` that is ` + "`-`" + `, standard input;
- ` + "`insecure-plaintext`" + ` beside ` + "`tls-cert`" + ` when neither Postgres nor Redis needs it.

Found at start only, because ` + "`settings check`" + ` connects to nothing:

- a Postgres that cannot be reached, or refuses the user; Redis is not waited for;
- a Postgres that is set so that it could lose what it has confirmed, or cannot hold what is to be stored: ` + "`fsync`" + ` off,
  ` + "`synchronous_commit` other than `on` or `remote_apply`, `server_encoding` other than `UTF8`" + `, and with
  ` + "`postgres-require-standby`" + ` no ` + "`synchronous_standby_names`" + `; or behind a pooler, which loses the time limits of a connection;
- a database that is damaged, or whose schema is of another version, if it is newer or ` + "`migrate`" + ` is false;
- an address to listen on that another process has.

The commands refuse ` + "`token` beside `token-file`, `tls-ca` or `tls-server-name` without `tls`" + `, and, unless
` + "`insecure-plaintext`" + ` is set, an address that is not loopback without ` + "`tls`" + `.

` + "`migrate` and `migrate status`" + ` need the database alone, and refuse only what is wrong with its settings.

` + "`health` and `doctor`" + ` run with the settings of a server as well, as a container's probe does. Without an ` + "`address`" + ` they call the one of
` + "`listen`" + `; and if there is a ` + "`tls-cert`, but none of `tls`, `tls-ca` and `tls-server-name`" + `, they call over TLS, and expect
exactly the certificate in that file.
`
