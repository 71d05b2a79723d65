// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"context"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/rediscache"
)

// checkRedis reads from Redis as the service does. Nothing rests on it, so that one which is away is no fault.
func checkRedis(ctx context.Context, x *examination) []Finding {
	if x.Settings.Redis == "" {
		return []Finding{good("there is none, and none is needed")}
	}
	all := x.breaker()
	config, err := x.Redis()
	if err != nil || x.Settings.PostgresURL == "" {
		return append(all, warning("Put the settings right first.", "Redis was not asked, because of its settings"))
	}
	ctx, cancel := context.WithTimeout(ctx, lookLimit)
	defer cancel()
	c, err := rediscache.Examine(ctx, config)
	switch {
	case authz.KindOf(err) == authz.Unavailable:
		return append(all, warning("See that it runs, and that this machine reaches it. Decisions go on without it; what is not in memory is read from Postgres.", "%s", oneLine(err.Error())))
	case err != nil:
		return append(all, fault("Put user, password, database or certificate right: docs/operations.md, Redis. Decisions go on without it.", "%s", oneLine(err.Error())))
	case c.RoundTrip > rediscache.Budget:
		all = append(all, warning("Put it nearer, or see what keeps it busy.", "it answers in %v, and what takes longer than %v is read from Postgres instead",
			c.RoundTrip.Round(10*time.Microsecond), rediscache.Budget))
	default:
		all = append(all, good("it answers in %v, and takes user, password and entry keys", c.RoundTrip.Round(10*time.Microsecond)))
	}
	return append(all, memory(c))
}

// memory wants a bound, and a way to keep to it.
func memory(c rediscache.Condition) Finding {
	const set = "Set maxmemory, and maxmemory-policy allkeys-lru, if this Redis is for the service alone."
	switch {
	case c.Policy == "":
		return good("how much it may keep is not for its user to ask; set maxmemory, with allkeys-lru")
	case c.MaxMemory == 0:
		return warning(set, "nothing bounds what it keeps")
	case c.Policy == "noeviction":
		return warning(set, "when it is full it takes nothing new: its maxmemory-policy is noeviction")
	}
	return good("it keeps up to %s, by %s", bytes(uint64(c.MaxMemory)), c.Policy)
}

// breaker says what the running service thinks of Redis.
func (x *examination) breaker() (all []Finding) {
	m := x.running().metrics
	if m[prefix+"redis_breaker_open"] == 1 {
		all = append(all, warning("If it answers here, see what is between it and the service; the log of the service says why.", "the running service does without it, since it does not answer there"))
	}
	if n := m.Sum(prefix+"redis_reads_total", "rejected"); n > 0 {
		all = append(all, warning("See who else can write to Redis.", "%v entries did not open since the start of the service: they were damaged, or forged", n))
	}
	return all
}
