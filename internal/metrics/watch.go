// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"math"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
)

// Sources are what is read at each scrape. None of them may ask anybody else, or wait.
type Sources struct {
	// Store is required.
	Store func() fence.Stats
	// Pool returns how many connections to the database are in use, and how many may be. Nil: none.
	Pool func() (inUse, most int)
	// OldestSnapshot returns how old the oldest snapshot in Postgres is. Nil: there are none.
	OldestSnapshot func() time.Duration
	// Sync is how what is kept stands to Aeroplane, as of some seconds ago. Nil: nobody knows.
	Sync func() authz.SyncState
	// Redis is what the shelf says. Nil: there is none, and its series stay zero.
	Redis func() RedisStats
}

// RedisStats are what a shelf in Redis has done since it was opened, and how it is now.
type RedisStats struct {
	Hits, Misses     uint64 // reads that found a record, or that Redis had none
	Rejected         uint64 // reads of an entry that does not open: damaged, or forged
	Timeouts, Errors uint64 // reads that had no answer in time, or failed otherwise
	Skipped          uint64 // reads for which Redis was not asked, because it does not answer
	Puts, PutsLost   uint64 // records that were written, or not
	Drops, DropsLost uint64 // records that were removed, or not
	Open             bool   // the breaker is open: Redis does not answer, and is not asked
	Opened           uint64 // times that it opened
}

// Watch registers the series that are read at each scrape. It is called once.
func (m *Metrics) Watch(s Sources) {
	if s.Pool == nil {
		s.Pool = func() (int, int) { return 0, 0 }
	}
	if s.OldestSnapshot == nil {
		s.OldestSnapshot = func() time.Duration { return 0 }
	}
	if s.Sync == nil {
		s.Sync = func() authz.SyncState { return authz.SyncState{} }
	}
	if s.Redis == nil {
		s.Redis = func() RedisStats { return RedisStats{} }
	}
	m.registry.MustRegister(&watch{s})
}

// A watch is a collector of series that are read when they are asked for, each source once.
type watch struct{ Sources }

var (
	leaseRemaining = desc("lease_remaining_seconds",
		"How long the replica decides yet if no round succeeds. Zero: it decides nothing. Infinite: nobody else has the database.")
	appliedSeq = desc("applied_seq", "The number of the last change in the history that the replica has applied.")
	records    = desc("records", "Records kept in memory: of what exists, and that something does not.", "about")
	cacheReads = desc("cache_reads_total", "Records that decisions needed, by whether they were kept in memory.", "result")
	members    = desc("members", "Replicas that decide by the same database, as of the last round. Zero: it is nobody else's.")
	behind     = desc("member_acked_lag", "Changes that the replica which is furthest behind had not acknowledged, as of the last round.")

	oldestSnapshot = desc("oldest_snapshot_seconds", "The age of the oldest snapshot in Postgres, which keeps it from cleaning up.")
	connections    = desc("database_connections", "Connections to the database that are in use.")
	connectionsMax = desc("database_connections_max", "Connections to the database that may be in use at a time.")

	syncSeen    = desc("sync_seen_timestamp_seconds", "When Aeroplane was last known to say what is kept, in seconds since 1970; 0: never.")
	syncTrouble = desc("sync_trouble", "1 while it is not known whether Aeroplane says what is kept, else 0.")
	syncRefused = desc("sync_refused", "Things of Aeroplane's that break a rule, and are not kept.")

	redisReads = desc("redis_reads_total", "Records that were looked for in Redis, by what came of it.", "result")
	redisPuts  = desc("redis_puts_total", "Records to be written to Redis, by what came of it.", "result")
	redisDrops = desc("redis_drops_total", "Records to be removed from Redis, by what came of it.", "result")
	breaker    = desc("redis_breaker_open", "1 while Redis does not answer and is not asked, else 0.")
	opened     = desc("redis_breaker_opened_total", "Times that Redis was found not to answer.")
)

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prefix+name, help, labels, nil)
}

// Describe implements prometheus.Collector.
func (w *watch) Describe(to chan<- *prometheus.Desc) { prometheus.DescribeByCollect(w, to) }

// Collect implements prometheus.Collector.
func (w *watch) Collect(to chan<- prometheus.Metric) {
	w.store(to)
	inUse, most := w.Pool()
	gauge(to, connections, float64(inUse))
	gauge(to, connectionsMax, float64(most))
	gauge(to, oldestSnapshot, w.OldestSnapshot().Seconds())
	w.sync(to)
	w.redis(to)
}

func (w *watch) sync(to chan<- prometheus.Metric) {
	s := w.Sync()
	seen, trouble := 0.0, 0.0
	if !s.SeenAt.IsZero() {
		seen = float64(s.SeenAt.UnixMilli()) / 1000
	}
	if s.Trouble != "" {
		trouble = 1
	}
	gauge(to, syncSeen, seen)
	gauge(to, syncTrouble, trouble)
	gauge(to, syncRefused, float64(s.Refused))
}

func (w *watch) store(to chan<- prometheus.Metric) {
	s := w.Store()
	lease := s.Lease.Seconds()
	if s.Lease > fence.MaxLease { // which no lease is that ends
		lease = math.Inf(1)
	}
	gauge(to, leaseRemaining, lease)
	gauge(to, appliedSeq, float64(s.Applied.Seq))
	gauge(to, records, float64(s.Known), "known")
	gauge(to, records, float64(s.Absent), "absent")
	total(to, cacheReads, s.Hits, "hit")
	total(to, cacheReads, s.Misses, "miss")
	gauge(to, members, float64(s.Members))
	gauge(to, behind, float64(s.Behind))
}

func (w *watch) redis(to chan<- prometheus.Metric) {
	s := w.Redis()
	total(to, redisReads, s.Hits, "hit")
	total(to, redisReads, s.Misses, "miss")
	total(to, redisReads, s.Rejected, "rejected")
	total(to, redisReads, s.Timeouts, "timeout")
	total(to, redisReads, s.Errors, "error")
	total(to, redisReads, s.Skipped, "skipped")
	total(to, redisPuts, s.Puts, "done")
	total(to, redisPuts, s.PutsLost, "lost")
	total(to, redisDrops, s.Drops, "done")
	total(to, redisDrops, s.DropsLost, "lost")
	open := 0.0
	if s.Open {
		open = 1
	}
	gauge(to, breaker, open)
	total(to, opened, s.Opened)
}

func gauge(to chan<- prometheus.Metric, d *prometheus.Desc, v float64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
}

func total(to chan<- prometheus.Metric, d *prometheus.Desc, n uint64, labels ...string) {
	to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), labels...)
}
