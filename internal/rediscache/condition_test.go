// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"crypto/tls"
	"strings"
	"testing"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/secret"
	"aeroplane.run/authz/internal/testservers"
)

func TestExamine(t *testing.T) {
	t.Parallel()
	server := testservers.StartRedis(t, testservers.RedisOptions{Config: []string{
		"maxmemory 64mb", "maxmemory-policy allkeys-lru",
		"user reader on >hunter3 resetchannels ~aeroplane-authz:* -@all +get +set +del", // as docs/operations.md has it
		"user default on >hunter2 ~* &* +@all",
	}})
	config := at1(server)
	config.EntryKeys, config.Password = []secret.Text{newKey()}, secret.New("hunter2")
	got, err := Examine(t.Context(), config)
	if err != nil || got.RoundTrip <= 0 || got.MaxMemory != 64<<20 || got.Policy != "allkeys-lru" {
		t.Errorf("%+v, %v", got, err)
	}
	config.Username, config.Password = "reader", secret.New("hunter3")
	if got, err = Examine(t.Context(), config); err != nil || got.RoundTrip <= 0 || got.Policy != "" {
		t.Errorf("with the least rights: %+v, %v", got, err)
	}

	for _, c := range []struct {
		alter func(*Config)
		kind  authz.Kind
		want  string
	}{
		{func(c *Config) { c.Password = secret.New("hunter4") }, authz.FailedPrecondition, "Redis refuses: WRONGPASS"},
		{func(c *Config) { c.Username, c.Password = "", secret.Text{} }, authz.FailedPrecondition, "Redis refuses: NOAUTH"},
		{func(c *Config) { c.DB = 99 }, authz.FailedPrecondition, "Redis refuses"},
		{func(c *Config) { c.TLS = &tls.Config{MinVersion: tls.VersionTLS12} }, authz.Unavailable, "Redis does not answer"},
		{func(c *Config) { c.EntryKeys = nil }, authz.FailedPrecondition, "there is no entry key"},
		{func(c *Config) { c.Mode, c.Master = Sentinel, "main" }, authz.Unavailable, "no Sentinel names the master main"},
		{func(c *Config) { c.Addresses = []string{"127.0.0.1:1"} }, authz.Unavailable, "Redis does not answer"},
	} {
		wrong := config
		c.alter(&wrong)
		_, err := Examine(t.Context(), wrong)
		if authz.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}

func TestExamineACluster(t *testing.T) {
	t.Parallel()
	config := Config{Mode: Cluster, Addresses: []string{testservers.RedisCluster(t, testservers.RedisOptions{})[1].Addr()}, EntryKeys: []secret.Text{newKey()}}
	if got, err := Examine(t.Context(), config); err != nil || got.RoundTrip <= 0 {
		t.Errorf("%+v, %v", got, err)
	}
}
