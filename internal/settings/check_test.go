// SPDX-License-Identifier: Apache-2.0

package settings_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"aeroplane.run/authz/internal/settings"
)

// lookup is a small world of names.
func lookup(_ context.Context, host string) ([]netip.Addr, error) {
	addrs, ok := map[string][]netip.Addr{
		"here":  {netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("::1")},
		"there": {netip.MustParseAddr("192.0.2.1")},
		"both":  {netip.MustParseAddr("127.0.0.1"), netip.MustParseAddr("192.0.2.1")},
		"empty": {},
	}[host]
	if !ok {
		return nil, errors.New("no such host")
	}
	return addrs, nil
}

const (
	tokens = "admin-tokens-file=/a gateway-tokens-file=/b "
	tls    = "tls-cert=/c tls-key=/k "
)

// TestCheckServer lists what a server starts with, and what it refuses, as "setting=value" pairs.
func TestCheckServer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ set, want string }{
		{"", ""},
		{"lease=500ms", ""},
		{"lease=5s", ""},
		{"lease=499ms", "lease must be 500ms to 5s"},
		{"lease=5001ms", "lease must be 500ms to 5s"},
		{"postgres-require-standby=true", "set without postgres-url"},
		{"listen=127.0.0.1:0", ""},
		{"listen=127.8.9.1:1", ""},
		{"listen=[::1]:8460", ""},
		{"listen=[::ffff:127.0.0.1]:8460", ""},
		{"listen=here:8460", ""},
		{"listen=127.0.0.1", "listen must be a host and a port"},
		{"listen=127.0.0.1:http", "listen must end in a port"},
		{"listen=127.0.0.1:65536", "listen must end in a port"},
		{"listen=nowhere:1", "listen names the host nowhere, which has no address"},
		{"listen=empty:1", "listen names the host empty, which has no address"},

		// Beyond this machine: TLS, or the danger named; and tokens of one's own, for both roles.
		{"listen=:8460", "needs tls-cert and tls-key"},
		{"listen=0.0.0.0:8460 " + tokens, "needs tls-cert and tls-key"},
		{"listen=:8460 " + tokens, "needs tls-cert and tls-key"},
		{"listen=there:8460 " + tokens, "needs tls-cert and tls-key"},
		{"listen=both:8460 " + tokens, "needs tls-cert and tls-key"},
		{"listen=[::]:8460 " + tokens, "needs tls-cert and tls-key"},
		{"listen=:8460 " + tokens + tls, ""},
		{"listen=:8460 " + tokens + "insecure-plaintext=true", ""},
		{"listen=:8460 " + tls, "set admin-tokens-file"},
		{"listen=:8460 insecure-plaintext=true", "set admin-tokens-file"},
		{"listen=:8460 admin-tokens-file=/a " + tls, "set gateway-tokens-file"},
		{"listen=:8460 gateway-tokens=g admin-tokens=a " + tls, ""},

		// Contradictions.
		{"tls-cert=/c", "tls-cert is set without tls-key"},
		{"tls-key=/c", "tls-key is set without tls-cert"},
		{tls, ""},
		{tls + "insecure-plaintext=true", "insecure-plaintext is set although nothing needs it"},
		{"admin-tokens=a admin-tokens-file=/a", "admin-tokens and admin-tokens-file are both set"},
		{"gateway-tokens=a gateway-tokens-file=/a", "gateway-tokens and gateway-tokens-file are both set"},

		// What is for those who operate it stays on this machine, unless that is meant.
		{"ops-listen=off", ""},
		{"ops-listen=127.0.0.1:0", ""},
		{"ops-listen=127.0.0.1:0 listen=127.0.0.1:0", ""},
		{"ops-listen=here:1", ""},
		{"ops-listen=127.0.0.1:8460", "ops-listen and listen are the same address"},
		{"ops-listen=0", "ops-listen must be a host and a port, such as 127.0.0.1:9000, not \"0\"; off switches it off"},
		{"ops-listen=nowhere:1", "ops-listen names the host nowhere"},
		{"ops-listen=:8461", "ops-listen :8461 is beyond this machine"},
		{"ops-listen=0.0.0.0:8461 insecure-plaintext=true", "which insecure-ops allows"},
		{"ops-listen=both:8461", "which insecure-ops allows"},
		{"ops-listen=0.0.0.0:8461 insecure-ops=true", ""},
		{"ops-listen=0.0.0.0:8461 insecure-ops=true listen=:8460 " + tokens + tls, ""},
		{"ops-listen=0.0.0.0:8461 insecure-ops=true listen=:8460 " + tokens, "needs tls-cert and tls-key"},
		{"insecure-ops=true", "insecure-ops is set although nothing needs it"},
		{"ops-listen=off insecure-ops=true", "insecure-ops is set although nothing needs it"},

		// Gateways that ask over HTTP.
		{"http-listen=off", ""},
		{"http-listen=127.0.0.1:0 listen=127.0.0.1:0", ""},
		{"http-listen=127.0.0.1:8460", "http-listen and listen are the same address"},
		{"http-listen=127.0.0.1:8461", "ops-listen and http-listen are the same address"},
		{"http-listen=off ops-listen=off", ""},
		{"http-listen=0", "http-listen must be a host and a port, such as 127.0.0.1:9000, not \"0\"; off switches it off"},
		{"http-listen=:8462", "listening on :8462, beyond this machine, needs tls-cert and tls-key"},
		{"http-listen=:8462 insecure-plaintext=true", "listening on :8462, beyond this machine, needs tokens of your own"},
		{"http-listen=:8462 insecure-plaintext=true " + tokens, ""},
		{"http-listen=:8462 " + tls + tokens, ""},
		{"http-listen=off http-peers=10.0.0.7", "http-peers is set although http-listen is off"},
		{"http-peers=none", ""},
		{"http-peers=10.0.0.7,10.1.0.0/28,::1,fd00::/8", ""},
		{"http-peers=::ffff:10.0.0.7", ""},
		{"http-peers=0.0.0.0/0", "http-peers: 0.0.0.0/0 is everybody"},
		{"http-peers=10.0.0.7,::/0", "http-peers: ::/0 is everybody"},
		{"http-peers=10.0.0.7/8", "http-peers: 10.0.0.7/8 is an address in the network 10.0.0.0/8: write the one or the other"},
		{"http-peers=::ffff:10.0.0.0/104", "http-peers: write ::ffff:10.0.0.0/104 as the IPv4 network that it is"},
		{"http-peers=gateway.internal", "http-peers must be addresses or networks, such as 10.0.0.7 or 10.0.0.0/28, separated by commas, or none, not \"gateway.internal\""},
		{"http-peers=10.0.0.7,", "or none, not \"\""},
		{"http-peers=fe80::1", "http-peers: fe80::1 is another machine on each"},
		{"http-peers=fe80::/64", "http-peers: fe80::/64 is another machine on each"},
		{"http-peers=fe80::1%eth0", "http-peers must be addresses or networks"},
		{"http-url=https://authz.internal:8462", ""},
		{"http-url=http://authz.internal/pdp", ""},
		{"http-url=https://authz.internal/", "http-url must be a URL such as https://authz.internal:8462, without a slash at its end"},
		{"http-url=authz.internal", "http-url must be a URL"},
		{"http-url=ftp://authz.internal", "http-url must be a URL"},
		{"http-url=https://u:p@authz.internal", "http-url must be a URL"},
		{"http-url=https://authz.internal?a", "http-url must be a URL"},
		{"http-url=https://authz.internal http-listen=off", "http-url is set although http-listen is off"},

		{"routes=-", "routes must name a file, not standard input"},
		{"routes=/r", ""},

		// A request id is worth remembering for as long as there is the key to tell of.
		{"retain-keys=1h", "retain-keys is shorter than retain-request-ids"},
		{"retain-keys=365d retain-request-ids=0", "retain-keys is shorter than retain-request-ids"},
		{"retain-keys=24h retain-request-ids=24h", ""},
		{"retain-keys=0 retain-request-ids=0", ""},
		{"retain-keys=0 retain-request-ids=999d", ""},

		// Postgres.
		{"postgres-url=postgres://u@127.0.0.1/db", ""},
		{"postgres-url=postgresql://u@here:5432/db?sslmode=disable", ""},
		{"postgres-url=postgres://u@[::1]:5432/db", ""},
		{"postgres-url=postgres:///db?host=/run/postgresql", ""},
		{"postgres-url=postgres://u@there/db?sslmode=verify-full", ""},
		{"postgres-url=postgres://u@there/db?sslmode=require", ""},
		{"postgres-url=postgres://u@there/db?sslmode=disable", "needs sslmode=verify-full"},
		{"postgres-url=postgres://u@there/db?sslmode=prefer", "needs sslmode=verify-full"},
		{"postgres-url=postgres://u@there/db", "needs sslmode=verify-full"},
		{"postgres-url=postgres://u@127.0.0.1,there/db", "needs sslmode=verify-full"},
		{"postgres-url=postgres://u@127.0.0.1/db?host=there", "must name its host once"},
		{"postgres-url=postgres://u@there/db?sslmode=disable insecure-plaintext=true", ""},
		{"postgres-url=postgres://u@there/db?sslmode=disable insecure-plaintext=true " + tls, ""},
		{"postgres-url=postgres://u@there/db?sslmode=require insecure-plaintext=true " + tls, "although nothing needs it"},
		{"postgres-url=postgres://u@nowhere/db", "postgres-url names the host nowhere"},
		{"postgres-url=postgres:///db", "postgres-url must name a host"},
		{"postgres-url=host=127.0.0.1", "postgres-url must be a URL"},
		{"postgres-url=mysql://u@127.0.0.1/db", "postgres-url must be a URL"},
		{"postgres-url=postgres://u@127.0.0.1/db?a=%zz", "malformed query"},
		{"postgres-url=postgres://u:hunter2@127.0.0.1/db", "postgres-url holds a password"},
		{"postgres-url=postgres://u@127.0.0.1/db?password=hunter2", "postgres-url holds a password"},
		{"postgres-url=postgres://u:hunter2@127.0.0.1:port/db", "postgres-url must be a URL"},
		{"postgres-url=postgres://u@127.0.0.1/db postgres-password=p", ""},
		{"postgres-url=postgres://u@127.0.0.1/db postgres-password=p postgres-password-file=/p", "are both set"},
		{"postgres-password=p", "a password for Postgres is set without postgres-url"},
		{"postgres-statement-timeout=0s", "must be longer than 0"},
	} {
		err := from(t, c.set).CheckServer(t.Context(), lookup)
		if !contains(err, c.want) {
			t.Errorf("%s: %v, want %q", c.set, err, c.want)
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: not one sentence without a secret: %v", c.set, err)
		}
	}
}

// TestFaults lists all that is wrong, of which CheckServer tells the first.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		set  string
		want []string
	}{
		{"", nil},
		{tls + "listen=:8460 " + tokens, nil},
		{"tls-cert=/c retain-keys=1h redis=here:1", []string{"redis is set without postgres-url", "tls-cert is set without", "retain-keys"}},
		{"listen=nowhere:1 admin-tokens=a admin-tokens-file=/a insecure-ops=true",
			[]string{"listen names the host", "admin-tokens and admin-tokens-file are both set", "insecure-ops is set although"}},
		{"listen=nowhere:1 insecure-plaintext=true " + tls, []string{"listen names the host"}}, // what needs it cannot be told
		{"listen=:8460", []string{"needs tls-cert and tls-key", "needs tokens of your own"}},
		{"http-listen=0 postgres-password=p routes=-", []string{"http-listen", "a password for Postgres", "routes must"}},
	} {
		faults := from(t, c.set).Faults(t.Context(), lookup)
		for i := range max(len(faults), len(c.want)) {
			if i >= len(faults) || i >= len(c.want) || !contains(faults[i], c.want[i]) {
				t.Errorf("%s: %q, want %q", c.set, faults, c.want)
				break
			}
		}
	}
}

// TestCheckClient lists what the commands accept, and what they refuse.
func TestCheckClient(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ set, want string }{
		{"", ""},
		{"address=here:1", ""},
		{"address=there:1", "needs --tls"},
		{"address=both:1", "needs --tls"},
		{"address=there:1 tls=true", ""},
		{"address=there:1 tls=true tls-ca=/ca tls-server-name=x", ""},
		{"address=there:1 insecure-plaintext=true", ""},
		{"address=nowhere:1", "address names the host nowhere"},
		{"address=127.0.0.1", "address must be a host and a port"},
		{"tls-ca=/ca", "tls-ca is set without tls"},
		{"tls-server-name=x", "tls-server-name is set without tls"},
		{"token=a token-file=/a", "token and token-file are both set"},
		{"timeout=0s", "timeout must be longer than 0"},
	} {
		if err := from(t, c.set).CheckClient(t.Context(), lookup); !contains(err, c.want) {
			t.Errorf("%s: %v, want %q", c.set, err, c.want)
		}
	}
}

// from loads settings from "setting=value" pairs.
func from(t *testing.T, pairs string) *settings.Settings {
	t.Helper()
	var environ []string
	for _, pair := range strings.Fields(pairs) {
		name, value, _ := strings.Cut(pair, "=")
		s, ok := settings.Named(name)
		if !ok {
			t.Fatalf("no setting %q", name)
		}
		environ = append(environ, s.Env()+"="+value)
	}
	return load(t, settings.Sources{Environ: environ})
}
