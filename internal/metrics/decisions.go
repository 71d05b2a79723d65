// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/stripe"
)

// decisionBuckets are the upper bounds of the buckets. A decision on what is kept takes the shortest of them, one that
// reads the database some milliseconds, and none is waited for longer than the longest.
var decisionBuckets = [...]time.Duration{
	10 * time.Microsecond, 25 * time.Microsecond, 50 * time.Microsecond,
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	1 * time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond, 1 * time.Second,
}

const (
	decisionsName = "decisions_total"
	decisionsHelp = "Calls for a decision, by how they ended."
)

var (
	decisionsTotal   = desc(decisionsName, decisionsHelp, "result", "reason")
	decisionDuration = desc("decision_duration_seconds",
		"How long decisions took, from the message read to the decision made.")
)

// decisions is a collector of the series of the calls for decisions. Every processor counts decisions all the time, so
// they are counted where the processors do not meet; errors, which are few, where it is simplest.
type decisions struct {
	decided *stripe.Counters // see cellOf
	errors  *prometheus.CounterVec
	since   time.Time
}

func newDecisions() decisions {
	return decisions{
		decided: stripe.New(cellOf(authz.Reason(len(reasonWords)), 0)),
		errors:  counters(decisionsName, decisionsHelp, "result", "reason"),
		since:   time.Now(),
	}
}

// tookCell is the counter of the nanoseconds that all decisions took.
const tookCell = 0

// cellOf returns the counter of the decisions with a reason whose duration is in a bucket. The reasons and the histogram
// are sums of these, so that they tell of the same decisions in every scrape, and counting one takes two additions. What
// is allowed, and soon, is beside the nanoseconds.
func cellOf(reason authz.Reason, bucket int) int {
	return tookCell + 1 + int(reason)*(len(decisionBuckets)+1) + bucket
}

// bucketOf returns the bucket of a duration. The one after the last is for what takes longer.
func bucketOf(took time.Duration) int {
	for i, most := range decisionBuckets[:] {
		if took <= most { // mostly the first or the second
			return i
		}
	}
	return len(decisionBuckets)
}

// count counts a decision, which took so long.
func (d *decisions) count(reason authz.Reason, took time.Duration) {
	cells := d.decided.Here()
	cells[cellOf(reason, bucketOf(took))].Add(1)
	cells[tookCell].Add(uint64(took))
}

// undecided returns the counter of an error.
func (d *decisions) undecided(reason string) prometheus.Counter {
	return d.errors.WithLabelValues("error", strings.ToLower(reason))
}

// Describe implements prometheus.Collector.
func (d *decisions) Describe(to chan<- *prometheus.Desc) {
	to <- decisionsTotal
	to <- decisionDuration
}

// Collect implements prometheus.Collector.
func (d *decisions) Collect(to chan<- prometheus.Metric) {
	var took [len(decisionBuckets) + 1]uint64
	for reason, word := range reasonWords {
		var n uint64
		for bucket := range took {
			here := d.decided.Load(cellOf(authz.Reason(reason), bucket))
			took[bucket] += here
			n += here
		}
		result := "denied"
		if reason == 0 {
			result = "allowed"
		}
		to <- prometheus.MustNewConstMetricWithCreatedTimestamp(decisionsTotal, prometheus.CounterValue, float64(n), d.since,
			result, word)
	}
	d.errors.Collect(to)
	to <- d.histogram(took[:])
}

// histogram makes a histogram of how many decisions are in each bucket.
func (d *decisions) histogram(took []uint64) prometheus.Metric {
	var n uint64
	atMost := make(map[float64]uint64, len(decisionBuckets))
	for i, most := range decisionBuckets {
		n += took[i]
		atMost[most.Seconds()] = n
	}
	n += took[len(decisionBuckets)]
	sum := time.Duration(d.decided.Load(tookCell)).Seconds()
	return prometheus.MustNewConstHistogramWithCreatedTimestamp(decisionDuration, n, sum, atMost, d.since)
}
