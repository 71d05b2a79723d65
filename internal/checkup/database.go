// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/sqlstore"
)

// checkDatabase looks at what the service stores on.
func checkDatabase(ctx context.Context, x *examination) []Finding {
	if x.onPostgres() {
		return x.databaseOnPostgres(ctx)
	}
	return x.databaseHere()
}

// databaseHere looks at the embedded database from outside: to open it would keep the service from it.
func (x *examination) databaseHere() []Finding {
	c, err := x.embedded()
	if err != nil {
		do := "Restore it from a backup, or move it away to begin anew."
		if authz.KindOf(err) == authz.Unavailable || errors.Is(err, fs.ErrPermission) {
			do = "Run this as the user of the service, or as root; and look at the disk."
		}
		return []Finding{fault(do, "%s", oneLine(err.Error()))}
	}
	size := bytes(uint64(c.Size))
	switch {
	case !c.There && x.Settings.Migrate:
		return []Finding{good("there is none at %s yet: the first start makes it", c.Path)}
	case c.Blind:
		return []Finding{good("%s is there, %s; who has it open cannot be told on this system", c.Path, size)}
	case c.Open:
		return []Finding{good("%s, %s, is open in %s, which looked at its schema", c.Path, size, holder(c.Holder))}
	case c.Unclosed:
		return []Finding{good("%s, %s, was not closed, as after a kill; the next start puts it right and checks it", c.Path, size)}
	}
	return append(x.schema(c.Schema), good("%s, %s, is not in use", c.Path, size))
}

func holder(pid int) string {
	if pid == 0 {
		return "a process that cannot be seen from here"
	}
	return "process " + strconv.Itoa(pid)
}

// schema says whether the service would start on a schema.
func (x *examination) schema(v sqlstore.SchemaVersion) []Finding {
	err := v.Ready()
	is := fmt.Sprintf("the schema is at version %d, and this program needs %d", v.Have, v.Need)
	switch {
	case err == nil:
		return []Finding{good("the schema is at version %d, as this program needs", v.Have)}
	case v.Have > v.Need:
		return []Finding{fault("Run the newer program, or restore a backup from before the upgrade.", "%s", is)}
	case !x.Settings.Migrate:
		return []Finding{fault("Run `aeroplane-authz migrate`, and on Postgres grant anew: docs/operations.md.", "%s, and migrate is false", is)}
	case v.Have == 0:
		return []Finding{good("there is no schema yet: the first start makes it")}
	}
	return []Finding{warning("Start the service; before, stop older replicas where CHANGELOG.md says so.", "%s: the next start brings it up to date", is)}
}

// databaseOnPostgres says what Open would say, and how the server is.
func (x *examination) databaseOnPostgres(ctx context.Context) []Finding {
	c, err := x.postgres()
	if err != nil {
		return []Finding{postgresFault(err)}
	}
	all := append([]Finding{good("Postgres %s answers in %v, with the settings that it needs", c.Server, c.RoundTrip.Round(10*time.Microsecond))}, x.schema(c.Schema)...)
	if c.RoundTrip > slowRoundTrip {
		all = append(all, warning("Put it nearer, or see what keeps it busy: every change takes several round trips, and so does a decision on what is not kept.",
			"a round trip to Postgres takes %v", c.RoundTrip.Round(time.Millisecond)))
	}
	all = append(all, x.standbys(c), snapshots(c))
	config, err := x.postgresConfig(ctx)
	if err != nil {
		return append(all, postgresFault(err))
	}
	return append(all, connections(c, config))
}

const slowRoundTrip = 20 * time.Millisecond

// postgresFault says why Postgres cannot be used. That settings are wrong is told by their own check.
func postgresFault(err error) Finding {
	var settings unsettled
	do := "See that it runs, and that this machine reaches it: postgres-url says where."
	switch {
	case errors.As(err, &settings):
		return warning("Put the settings right first.", "Postgres was not asked, because of its settings")
	case authz.KindOf(err) == authz.FailedPrecondition:
		do = "Put it right there, or in postgres-url: docs/operations.md, Several replicas."
	}
	return fault(do, "%s", oneLine(err.Error()))
}

// standbys looks at what commits wait for.
func (x *examination) standbys(c postgres.Condition) Finding {
	switch {
	case c.Standbys == "" && c.Receivers > 0:
		return warning("If one of them is a standby that may be promoted, name it in synchronous_standby_names, and set postgres-require-standby: docs/operations.md, Failover.",
			"commits wait for no standby, although %s: a standby that is promoted could lack revocations", receivers(c.Receivers))
	case c.Standbys == "":
		return good("commits wait for no standby; there is none")
	case c.Receivers == 0:
		return fault("Bring the standby back, or name another; until then no change is confirmed, and when the lease is over nothing is decided.",
			"commits wait for the standbys %s, and none is connected", c.Standbys)
	case !x.Settings.PostgresRequireStandby:
		return good("commits wait for the standbys %s; postgres-require-standby would refuse a server without any", c.Standbys)
	}
	return good("commits wait for the standbys %s", c.Standbys)
}

func receivers(n int) string {
	if n == 1 {
		return "one server or program receives what is written"
	}
	return fmt.Sprint(n, " servers or programs receive what is written")
}

// oldSnapshot is the age from which a transaction is in the way, as in the alarm of docs/metrics.md.
const oldSnapshot = 10 * time.Minute

func snapshots(c postgres.Condition) Finding {
	if c.OldestSnapshot > oldSnapshot {
		return warning("See who it is in pg_stat_activity, by xact_start: a dump belongs on a standby.",
			"a transaction has been open for %v: Postgres cannot clean up behind it, and revocations grow slower", c.OldestSnapshot.Round(time.Second))
	}
	return good("no transaction that can be seen has been open for longer than %v", oldSnapshot)
}

// connections wants enough for all replicas, taken to be set as this one.
func connections(c postgres.Condition, config postgres.Config) Finding {
	each, replicas := config.Uses(), max(1, c.Members)
	says := fmt.Sprintf("%d clients may be connected, and %d are; a replica uses up to %d", c.MayConnect, c.Connected, each)
	if each*replicas > c.MayConnect {
		return warning("Raise max_connections, or the limit of the role or the database, or lower postgres-max-conns.", "%s, and there are %d", says, replicas)
	}
	return good("%s", says)
}

// bytes writes a size for people.
func bytes(n uint64) string {
	for _, unit := range []struct {
		name string
		size uint64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= unit.size {
			return fmt.Sprintf("%.1f %s", float64(n)/float64(unit.size), unit.name)
		}
	}
	return fmt.Sprint(n, " bytes")
}
