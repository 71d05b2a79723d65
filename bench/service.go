// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// entryKey seals what is kept in Redis: 32 bytes in base64.
const entryKey = "YmVuY2hiZW5jaGJlbmNoYmVuY2hiZW5jaGJlbmNoISE="

// service is where the program of the service is.
const service = "cmd/aeroplane-authz"

// buildProgram builds a program as `make build` does that which is shipped, but for the flags, and returns its path.
func buildProgram(t testing.TB, program string, flags ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), filepath.Base(program))
	args := append([]string{"build", "-trimpath", "-o", path}, flags...)
	build := exec.CommandContext(t.Context(), "go", append(args, "aeroplane.run/authz/"+program)...)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// startService starts the service, with metrics, tokens and leases, as it is by default. It does not wait until it serves.
func startService(t testing.TB, name, binary string, settings []string) *contestant {
	t.Helper()
	dir := t.TempDir()
	return start(t, name, func(c *contestant) *exec.Cmd {
		cmd := exec.Command(binary, "serve")
		cmd.Env = append([]string{
			variable("LISTEN", c.address), variable("OPS_LISTEN", c.ops), variable("HTTP_LISTEN", c.http), variable("DATA_DIR", dir),
			variable("ADMIN_TOKENS", "bench "+adminToken), variable("GATEWAY_TOKENS", "bench "+gatewayToken),
		}, settings...)
		return cmd
	})
}

// onSQLite returns the settings for the embedded database in dir.
func onSQLite(dir string) []string { return []string{variable("DATA_DIR", dir)} }

// onPostgres returns the settings for a database, and for a Redis unless its address is empty.
func onPostgres(t testing.TB, dsn, redis string) []string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	u.User = url.User(u.User.Username())
	settings := []string{variable("POSTGRES_URL", u), variable("POSTGRES_PASSWORD", password)}
	if redis != "" {
		settings = append(settings, variable("REDIS", redis), variable("REDIS_ENTRY_KEYS", entryKey))
	}
	return settings
}
