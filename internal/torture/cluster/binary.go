// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"aeroplane.run/authz/internal/fence"
)

// A Binary is the program that is tried, and what settings it knows: older ones know fewer.
type Binary struct {
	Path     string
	settings map[string]bool
}

// Open finds out what a program knows.
func Open(path string) (Binary, error) {
	cmd := exec.Command(path, "settings", "print")
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.TempDir()}
	out, err := cmd.Output()
	if err != nil {
		return Binary{}, fmt.Errorf("%s settings print: %w", path, err)
	}
	b := Binary{path, make(map[string]bool)}
	for line := range strings.Lines(string(out)) {
		if fields := strings.Fields(line); len(fields) > 0 {
			b.settings[fields[0]] = true
		}
	}
	if !b.settings["postgres-url"] {
		return Binary{}, fmt.Errorf("%s settings print: no postgres-url among them", path)
	}
	return b, nil
}

// The settings that are not in every Binary.
const (
	leaseSetting   = "lease"
	nameSetting    = "replica-name"
	redisSetting   = "redis"
	entrySetting   = "redis-entry-keys"
	metricsSetting = "ops-listen"
)

func (b Binary) usesRedis() bool { return b.settings[redisSetting] }

// variable returns the setting as the environment has it.
func variable(setting, value string) string {
	return "AEROPLANE_AUTHZ_" + strings.ToUpper(strings.ReplaceAll(setting, "-", "_")) + "=" + value
}

// entryKey seals what replicas keep in Redis: 32 bytes in base64.
const entryKey = "dG9ydHVyZSB0b3J0dXJlIHRvcnR1cmUgdG9ydHVyZSE="

// environment returns what a replica is told.
func (c *Cluster) environment(r *Replica) []string {
	lease := c.Lease.String()
	if c.Lease%time.Second == 0 {
		lease = fmt.Sprintf("%ds", c.Lease/time.Second)
	}
	env := []string{"PATH=" + os.Getenv("PATH"), r.Control.Env()}
	for setting, value := range map[string]string{
		"listen":                 r.address,
		"data-dir":               r.dir,
		"postgres-url":           "postgres://" + pgRole + "@" + r.Postgres.Addr() + "/" + database + "?sslmode=disable",
		"postgres-password-file": r.passwordFile,
		"admin-tokens-file":      r.adminFile,
		"gateway-tokens-file":    r.gatewayFile,
		leaseSetting:             lease,
		nameSetting:              fmt.Sprintf("replica-%d", r.Number),
		redisSetting:             r.Redis.Addr(),
		entrySetting:             entryKey,
		metricsSetting:           r.metrics,
	} {
		if c.Binary.settings[setting] {
			env = append(env, variable(setting, value))
		}
	}
	return env
}

// LeaseVariable is what is in the environment of a replica with a lease of its own.
func LeaseVariable(lease time.Duration) string { return variable(leaseSetting, lease.String()) }

// Lease returns the lease that replicas have which are told this one.
func (b Binary) Lease(told time.Duration) time.Duration {
	if !b.settings[leaseSetting] {
		return fence.DefaultLease
	}
	return told
}
