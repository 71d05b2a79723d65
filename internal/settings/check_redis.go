// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
)

// checkRedis refuses settings for Redis that contradict each other, and those that send the password over the network
// readable. What is kept in Redis is sealed.
func (s *Settings) checkRedis(ctx context.Context, lookup Lookup) (exposure, error) {
	switch {
	case !s.RedisPassword.IsZero() && s.RedisPasswordFile != "":
		return 0, errors.New("redis-password and redis-password-file are both set: set one")
	case !s.RedisEntryKeys.IsZero() && s.RedisEntryKeysFile != "":
		return 0, errors.New("redis-entry-keys and redis-entry-keys-file are both set: set one")
	case s.Redis == "":
		return readableByNone, s.checkNoRedis()
	case s.PostgresURL == "":
		return 0, errors.New("redis is set without postgres-url: the embedded database needs none, take it away")
	case s.RedisEntryKeys.IsZero() && s.RedisEntryKeysFile == "":
		return 0, errors.New("redis is set without a key to seal what is kept there: set the variable " +
			"AEROPLANE_AUTHZ_REDIS_ENTRY_KEYS or redis-entry-keys-file, to what `openssl rand -base64 32` prints")
	}
	if err := cmp.Or(s.checkRedisMode(), s.checkRedisTLS()); err != nil {
		return 0, err
	}
	return s.redisExposes(ctx, lookup)
}

// checkNoRedis refuses settings that say more about a Redis that there is not.
func (s *Settings) checkNoRedis() error {
	for _, c := range []struct {
		name string
		set  bool
	}{
		{"redis-mode", s.RedisMode != "single"}, {"redis-master", s.RedisMaster != ""}, {"redis-user", s.RedisUser != ""},
		{"redis-password", !s.RedisPassword.IsZero()}, {"redis-password-file", s.RedisPasswordFile != ""},
		{"redis-db", s.RedisDB != 0}, {"redis-tls", s.RedisTLS}, {"redis-tls-ca", s.RedisTLSCA != ""},
		{"redis-tls-cert", s.RedisTLSCert != ""}, {"redis-tls-key", s.RedisTLSKey != ""},
		{"redis-tls-server-name", s.RedisTLSServerName != ""},
		{"redis-entry-keys", !s.RedisEntryKeys.IsZero()}, {"redis-entry-keys-file", s.RedisEntryKeysFile != ""},
	} {
		if c.set {
			return fmt.Errorf("%s is set without redis: set redis to an address, or take it away", c.name)
		}
	}
	return nil
}

func (s *Settings) checkRedisMode() error {
	switch {
	case s.RedisMode == "sentinel" && s.RedisMaster == "":
		return errors.New("redis-mode is sentinel without redis-master: set it to the name that the Sentinels know the server by")
	case s.RedisMode != "sentinel" && s.RedisMaster != "":
		return errors.New("redis-master is set although redis-mode is not sentinel")
	case s.RedisMode == "single" && strings.Contains(s.Redis, ","):
		return errors.New("redis names several servers, so redis-mode must be sentinel or cluster")
	case s.RedisMode == "cluster" && s.RedisDB != 0:
		return errors.New("redis-db is set although redis-mode is cluster: a cluster has but database 0")
	case s.RedisUser != "" && s.RedisPassword.IsZero() && s.RedisPasswordFile == "":
		return errors.New("redis-user is set without redis-password-file, and without a variable AEROPLANE_AUTHZ_REDIS_PASSWORD")
	}
	return nil
}

func (s *Settings) checkRedisTLS() error {
	switch {
	case s.RedisTLSCert != "" && s.RedisTLSKey == "":
		return errors.New("redis-tls-cert is set without redis-tls-key: set both, or neither")
	case s.RedisTLSKey != "" && s.RedisTLSCert == "":
		return errors.New("redis-tls-key is set without redis-tls-cert: set both, or neither")
	case !s.RedisTLS && s.RedisTLSCA != "":
		return errors.New("redis-tls-ca is set without redis-tls")
	case !s.RedisTLS && s.RedisTLSCert != "":
		return errors.New("redis-tls-cert is set without redis-tls")
	case !s.RedisTLS && s.RedisTLSServerName != "":
		return errors.New("redis-tls-server-name is set without redis-tls")
	}
	return nil
}

// redisExposes checks the addresses. A name that has no address just now matters only where we have to know whether it is
// this machine: without Redis the service works, and so it starts.
func (s *Settings) redisExposes(ctx context.Context, lookup Lookup) (exposure, error) {
	here := true
	for address := range strings.SplitSeq(s.Redis, ",") {
		host, err := redisHost(address)
		switch {
		case err != nil:
			return 0, err
		case s.RedisTLS:
			continue
		}
		local, err := hostOnLoopback(ctx, lookup, host)
		if err != nil && !s.InsecurePlaintext {
			return 0, fmt.Errorf("redis %w", err)
		}
		here = here && local
	}
	switch {
	case here || s.RedisTLS:
		return readableByNone, nil
	case s.InsecurePlaintext:
		return readableByAll, nil
	}
	return 0, errors.New("redis names another machine and so needs redis-tls; without it the password for Redis would cross " +
		"the network readable, which insecure-plaintext allows")
}

// redisHost returns the host of an address. The errors do not repeat it: it may be a URL with a password.
func redisHost(address string) (string, error) {
	host, port, err := net.SplitHostPort(address)
	number, errPort := strconv.ParseUint(port, 10, 16)
	if err != nil || errPort != nil || host == "" || number == 0 || strings.ContainsAny(address, "@/ ") {
		return "", errors.New("redis must be a host and a port, such as 127.0.0.1:6379, or several of them, separated by commas, and " +
			"no URL: user, password and TLS have settings of their own")
	}
	return host, nil
}
