// SPDX-License-Identifier: Apache-2.0

package settings_test

import (
	"strings"
	"testing"

	"aeroplane.run/authz/internal/settings"
)

// TestCheckRedis lists what a server starts with, and what it refuses, of the settings for Redis.
func TestCheckRedis(t *testing.T) {
	t.Parallel()
	const (
		pg  = "postgres-url=postgres://u@127.0.0.1/db "
		key = pg + "redis-entry-keys-file=/k "
	)
	for _, c := range []struct{ set, want string }{
		{key + "redis=127.0.0.1:6379", ""},
		{key + "redis=here:6379", ""},
		{key + "redis=[::1]:6379 redis-mode=single redis-db=0", ""},
		{pg + "redis=here:6379 redis-entry-keys=k", ""},
		{key + "redis=here:6379 redis-user=u redis-password=p redis-db=15", ""},
		{key + "redis=here:6379 redis-password-file=/p", ""},
		{key + "redis=here:1,127.0.0.1:2 redis-mode=sentinel redis-master=main", ""},
		{key + "redis=here:1,127.0.0.1:2 redis-mode=cluster", ""},
		{key + "redis=here:1 redis-mode=cluster", ""},

		// What contradicts itself.
		{"redis=here:6379 redis-entry-keys=k", "redis is set without postgres-url"},
		{pg + "redis=here:6379", "redis is set without a key to seal what is kept there"},
		{key + "redis=here:6379 redis-entry-keys=k", "redis-entry-keys and redis-entry-keys-file are both set"},
		{key + "redis=here:6379 redis-password=p redis-password-file=/p", "redis-password and redis-password-file are both set"},
		{key + "redis=here:6379 redis-user=u", "redis-user is set without"},
		{key, "redis-entry-keys-file is set without redis"},
		{pg + "redis-entry-keys=k", "redis-entry-keys is set without redis"},
		{"redis-mode=cluster", "redis-mode is set without redis"},
		{"redis-master=main", "redis-master is set without redis"},
		{"redis-user=u", "redis-user is set without redis"},
		{"redis-password=p", "redis-password is set without redis"},
		{"redis-password-file=/p", "redis-password-file is set without redis"},
		{"redis-db=1", "redis-db is set without redis"},
		{"redis-tls=true", "redis-tls is set without redis"},
		{"redis-tls-ca=/c", "redis-tls-ca is set without redis"},
		{"redis-tls-cert=/c", "redis-tls-cert is set without redis"},
		{"redis-tls-key=/k", "redis-tls-key is set without redis"},
		{"redis-tls-server-name=x", "redis-tls-server-name is set without redis"},

		// What belongs to another mode.
		{key + "redis=here:6379 redis-mode=sentinel", "redis-mode is sentinel without redis-master"},
		{key + "redis=here:6379 redis-master=main", "redis-master is set although redis-mode is not sentinel"},
		{key + "redis=here:6379 redis-mode=cluster redis-master=main", "redis-master is set although"},
		{key + "redis=here:1,here:2", "redis names several servers"},
		{key + "redis=here:6379 redis-mode=cluster redis-db=1", "redis-db is set although redis-mode is cluster"},

		// Beyond this machine: TLS, or the danger named.
		{key + "redis=there:6379", "redis names another machine and so needs redis-tls"},
		{key + "redis=both:6379", "redis names another machine"},
		{key + "redis=here:1,there:2 redis-mode=cluster", "redis names another machine"},
		{key + "redis=there:6379 redis-tls=true", ""},
		{key + "redis=there:6379 redis-tls=true redis-tls-ca=/ca redis-tls-cert=/c redis-tls-key=/k redis-tls-server-name=x", ""},
		{key + "redis=there:6379 insecure-plaintext=true", ""},
		{key + "redis=there:6379 insecure-plaintext=true " + tls, ""},
		{key + "redis=here:6379 insecure-plaintext=true " + tls, "insecure-plaintext is set although nothing needs it"},
		{key + "redis=there:6379 redis-tls=true insecure-plaintext=true " + tls, "insecure-plaintext is set although nothing needs it"},
		{key + "redis=here:6379 redis-tls-ca=/ca", "redis-tls-ca is set without redis-tls"},
		{key + "redis=here:6379 redis-tls-cert=/c redis-tls-key=/k", "redis-tls-cert is set without redis-tls"},
		{key + "redis=here:6379 redis-tls-server-name=x", "redis-tls-server-name is set without redis-tls"},
		{key + "redis=here:6379 redis-tls=true redis-tls-cert=/c", "redis-tls-cert is set without redis-tls-key"},
		{key + "redis=here:6379 redis-tls=true redis-tls-key=/c", "redis-tls-key is set without redis-tls-cert"},

		// A name that has no address just now.
		{key + "redis=nowhere:6379", "redis names the host nowhere, which has no address"},
		{key + "redis=nowhere:6379 redis-tls=true", ""},
		{key + "redis=nowhere:6379 insecure-plaintext=true " + tls, ""},

		// What is no address, and may hold a password.
		{key + "redis=redis://u:hunter2@here:6379/0", "redis must be a host and a port"},
		{key + "redis=u:hunter2@here:6379", "redis must be a host and a port"},
		{key + "redis=here:6379,hunter2 redis-mode=cluster", "redis must be a host and a port"},
		{key + "redis=here:6379, redis-mode=cluster", "redis must be a host and a port"},
		{key + "redis=here", "redis must be a host and a port"},
		{key + "redis=:6379", "redis must be a host and a port"},
		{key + "redis=here:0", "redis must be a host and a port"},
		{key + "redis=here:redis", "redis must be a host and a port"},
		{key + "redis=/run/redis.sock", "redis must be a host and a port"},
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

// TestEverySettingForRedisNeedsRedis sees that none is forgotten.
func TestEverySettingForRedisNeedsRedis(t *testing.T) {
	t.Parallel()
	for _, s := range settings.Of(settings.Server) {
		if !strings.HasPrefix(s.Name, "redis-") {
			continue
		}
		v := load(t, settings.Sources{Environ: []string{s.Env() + "=" + other(s)}})
		if err := v.CheckServer(t.Context(), lookup); !contains(err, s.Name+" is set without redis") {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
}

// TestRedisIsRedacted prints addresses, and what is none and may hold a password.
func TestRedisIsRedacted(t *testing.T) {
	t.Parallel()
	s, _ := settings.Named("redis")
	for text, want := range map[string]string{
		"":                          "",
		"here:6379,[::1]:6379":      "here:6379,[::1]:6379",
		"redis://:hunter2@here":     "[redacted]",
		"u:hunter2@here:6379":       "[redacted]",
		"here:6379,redis://hunter2": "[redacted]",
	} {
		v := load(t, settings.Sources{Flags: map[string]string{"redis": text}})
		if got := s.Text(v); got != want {
			t.Errorf("%s prints as %s, want %s", text, got, want)
		}
	}
}

// TestDatabasesAreNumberedFromZero, and no other number is 0.
func TestDatabasesAreNumberedFromZero(t *testing.T) {
	t.Parallel()
	for pair, want := range map[string]string{
		"AEROPLANE_AUTHZ_REDIS_DB=0": "", "AEROPLANE_AUTHZ_REDIS_DB=7": "",
		"AEROPLANE_AUTHZ_REDIS_DB=-1":          `must be a number from 0, not "-1"`,
		"AEROPLANE_AUTHZ_POSTGRES_MAX_CONNS=0": `must be a number from 1, not "0"`,
	} {
		if _, err := settings.Load(settings.Sources{Environ: []string{pair}}); !contains(err, want) {
			t.Errorf("%s: %v, want %q", pair, err, want)
		}
	}
}
