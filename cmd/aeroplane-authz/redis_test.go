// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/base64"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aeroplane.run/authz/internal/rediscache"
	"aeroplane.run/authz/internal/settings"
)

func TestRedisConfig(t *testing.T) {
	t.Parallel()
	one := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("1", 32)))
	two := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("2", 32)))
	dir := t.TempDir()
	file := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	keys, password := file("keys", two+"\n"+one+"\n"), file("password", "hunter2\n")

	c, err := redisConfigOf(t, "redis=a:1,b:2", "redis-mode=sentinel", "redis-master=main", "redis-user=u", "redis-db=3",
		"redis-password-file="+password, "redis-entry-keys-file="+keys, "redis-tls=true", "redis-tls-server-name=x")
	if err != nil {
		t.Fatal(err)
	}
	if c.Mode != rediscache.Sentinel || !slices.Equal(c.Addresses, []string{"a:1", "b:2"}) || c.Master != "main" || c.DB != 3 ||
		c.Username != "u" || c.Password.Reveal() != "hunter2" || c.TLS == nil || c.TLS.ServerName != "x" || c.AllowPlaintext {
		t.Errorf("%+v", c)
	}
	if len(c.EntryKeys) != 2 || c.EntryKeys[0].Reveal()[0] != '2' {
		t.Errorf("%d keys", len(c.EntryKeys))
	}
	c, err = redisConfigOf(t, "redis=a:1", "redis-entry-keys="+one+","+two, "insecure-plaintext=true")
	if err != nil || c.Mode != rediscache.Single || len(c.EntryKeys) != 2 || c.TLS != nil || !c.AllowPlaintext {
		t.Errorf("%+v, %v", c, err)
	}

	for _, bad := range []struct{ setting, want string }{
		{"redis-entry-keys=hunter2", "redis-entry-keys: line 1: must be 32 random bytes in base64"},
		{"redis-entry-keys=" + one + "," + one, "redis-entry-keys: both entry keys are the same"},
		{"redis-entry-keys-file=" + file("bad", one+"\nhunter2\n"), "redis-entry-keys-file: line 2: must be"},
		{"redis-entry-keys-file=" + dir + "/none", "redis-entry-keys-file: " + dir + "/none does not exist"},
		{"redis-password-file=" + dir + "/none", "redis-password-file: " + dir + "/none does not exist"},
		{"redis-tls-ca=" + password, "redis-tls-ca: " + password + " holds no certificate"},
		{"redis-tls-ca=" + dir + "/none", "redis-tls-ca: "},
		{"redis-tls-cert=" + password, "redis-tls-cert and redis-tls-key: "},
	} {
		others := []string{"redis=a:1", "redis-tls=true", bad.setting}
		if !strings.HasPrefix(bad.setting, "redis-entry-keys") {
			others = append(others, "redis-entry-keys="+one)
		}
		_, err := redisConfigOf(t, others...)
		if err == nil || !strings.Contains(err.Error(), bad.want) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, want %q", bad.setting, err, bad.want)
		}
	}
}

func redisConfigOf(t *testing.T, pairs ...string) (rediscache.Config, error) {
	t.Helper()
	var environ []string
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		s, ok := settings.Named(name)
		if !ok {
			t.Fatalf("no setting %q", name)
		}
		environ = append(environ, s.Env()+"="+value)
	}
	v, err := settings.Load(settings.Sources{Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	return redisConfig(v, slog.New(slog.DiscardHandler))
}
