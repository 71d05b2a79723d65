// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"os"
	"strings"
	"time"
)

// entryKey seals what replicas keep in Redis: 32 bytes in base64.
const entryKey = "dG9ydHVyZSB0b3J0dXJlIHRvcnR1cmUgdG9ydHVyZSE="

// environment returns what a replica is told. A setting that the program does not have ends it, and so the test.
func (c *Cluster) environment(r *Replica) []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), r.Control.Env(),
		variable("listen", r.address),
		variable("ops-listen", r.metrics),
		variable("http-listen", "off"),
		variable("data-dir", r.dir),
		variable("postgres-url", "postgres://"+pgRole+"@"+r.Postgres.Addr()+"/"+database+"?sslmode=disable"),
		variable("postgres-password-file", r.passwordFile),
		variable("redis", r.Redis.Addr()),
		variable("redis-entry-keys", entryKey),
		variable("admin-tokens-file", r.adminFile),
		variable("gateway-tokens-file", r.gatewayFile),
		LeaseVariable(c.Lease),
	}
}

// LeaseVariable is what is in the environment of a replica with a lease of its own.
func LeaseVariable(lease time.Duration) string { return variable("lease", lease.String()) }

// variable returns the setting as the environment has it.
func variable(setting, value string) string {
	return "AEROPLANE_AUTHZ_" + strings.ToUpper(strings.ReplaceAll(setting, "-", "_")) + "=" + value
}
