// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"strings"

	"aeroplane.run/authz/internal/rediscache"
	"aeroplane.run/authz/internal/secret"
	"aeroplane.run/authz/internal/settings"
)

// redisConfig returns what the settings say of Redis. The files that they name are read here and not again.
func redisConfig(v *settings.Settings, log *slog.Logger) (rediscache.Config, error) {
	password, err := settings.ReadSecret(v.RedisPassword, v.RedisPasswordFile, log)
	if err != nil {
		return rediscache.Config{}, usage("redis-password-file: %w", err)
	}
	keys, err := redisEntryKeys(v, log)
	if err != nil {
		return rediscache.Config{}, err
	}
	encryption, err := redisTLS(v)
	if err != nil {
		return rediscache.Config{}, err
	}
	return rediscache.Config{
		Mode: map[string]rediscache.Mode{
			"single": rediscache.Single, "sentinel": rediscache.Sentinel, "cluster": rediscache.Cluster,
		}[v.RedisMode],
		Addresses: strings.Split(v.Redis, ","), Master: v.RedisMaster, DB: v.RedisDB,
		Username: v.RedisUser, Password: password, TLS: encryption, AllowPlaintext: v.InsecurePlaintext,
		EntryKeys: keys, Logger: log,
	}, nil
}

func redisEntryKeys(v *settings.Settings, log *slog.Logger) ([]secret.Text, error) {
	setting := "redis-entry-keys"
	if v.RedisEntryKeysFile != "" {
		setting += "-file"
	}
	text, err := settings.ReadSecret(v.RedisEntryKeys, v.RedisEntryKeysFile, log)
	if err != nil {
		return nil, usage("%s: %w", setting, err)
	}
	keys, err := rediscache.ParseEntryKeys(strings.ReplaceAll(text.Reveal(), ",", "\n"))
	if err != nil {
		return nil, usage("%s: %w", setting, err)
	}
	return keys, nil
}

// redisTLS returns how to encrypt, nil if not at all.
func redisTLS(v *settings.Settings) (*tls.Config, error) {
	if !v.RedisTLS {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: v.RedisTLSServerName}
	if v.RedisTLSCert != "" {
		own, err := tls.LoadX509KeyPair(v.RedisTLSCert, v.RedisTLSKey)
		if err != nil {
			return nil, usage("redis-tls-cert and redis-tls-key: %w", err)
		}
		config.Certificates = []tls.Certificate{own}
	}
	if v.RedisTLSCA == "" {
		return config, nil
	}
	pem, err := os.ReadFile(v.RedisTLSCA)
	if err != nil {
		return nil, usage("redis-tls-ca: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, usage("redis-tls-ca: %s holds no certificate in PEM", v.RedisTLSCA)
	}
	return config, nil
}
