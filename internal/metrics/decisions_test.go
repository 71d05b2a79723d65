// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"aeroplane.run/authz"
	"aeroplane.run/authz/server"
)

// A histogram is what a scrape tells of one: how many were within each bound, their sum, and since when.
type histogram struct {
	atMost map[float64]uint64
	sum    float64
	since  time.Time
}

// histogramOf returns the histogram that a collector has, and since when its counters count.
func histogramOf(t *testing.T, c prometheus.Collector) (h histogram, counters []time.Time) {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(c)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if m.GetHistogram() == nil {
				counters = append(counters, m.GetCounter().GetCreatedTimestamp().AsTime())
				continue
			}
			h = histogram{map[float64]uint64{math.Inf(1): m.GetHistogram().GetSampleCount()},
				m.GetHistogram().GetSampleSum(), m.GetHistogram().GetCreatedTimestamp().AsTime()}
			for _, b := range m.GetHistogram().GetBucket() {
				h.atMost[b.GetUpperBound()] = b.GetCumulativeCount()
			}
		}
	}
	return h, counters
}

// TestDurations counts durations, those at each bound among them, also in a histogram of the library's own.
func TestDurations(t *testing.T) {
	t.Parallel()
	durations := []time.Duration{0, 1, time.Minute}
	for _, most := range decisionBuckets {
		durations = append(durations, most-1, most, most+1)
	}
	for range 1000 {
		durations = append(durations, rand.N(100*time.Microsecond), rand.N(2*time.Second))
	}
	ours := newDecisions()
	theirs := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "theirs", Buckets: []float64{
		10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6, 1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 250e-3, 500e-3, 1,
	}})
	for i, took := range durations {
		ours.count(authz.Reason(i%len(reasonWords)), took)
		theirs.Observe(took.Seconds())
	}
	got, since := histogramOf(t, &ours)
	want, _ := histogramOf(t, theirs)
	if diff := cmp.Diff(want.atMost, got.atMost); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if math.Abs(got.sum-want.sum) > 1e-6 {
		t.Errorf("the sum is %v, want %v", got.sum, want.sum)
	}
	for _, at := range append(since, got.since) {
		if !at.Equal(ours.since) {
			t.Errorf("it says that it counts since %v, and has since %v", at, ours.since)
		}
	}
}

// TestScrapesAgree scrapes while others count: in each scrape are as many durations as decisions, and none fewer than before.
func TestScrapesAgree(t *testing.T) {
	t.Parallel()
	d, r := newDecisions(), prometheus.NewRegistry()
	r.MustRegister(&d)
	var stop atomic.Bool
	var counted atomic.Uint64
	var counting sync.WaitGroup
	for range 4 {
		counting.Go(func() {
			n := 0
			for ; !stop.Load(); n++ {
				d.count(authz.Reason(n%len(reasonWords)), time.Duration(n%100)*time.Microsecond)
			}
			counted.Add(uint64(n))
		})
	}
	var before map[string]float64
	scrape := func() (decisions float64) {
		all := gather(t, r)
		for series, n := range before {
			if all[series] < n {
				t.Errorf("%s fell from %v to %v", series, n, all[series])
			}
		}
		before = all
		for series, n := range all {
			if strings.HasPrefix(series, "decisions_total{") {
				decisions += n
			}
		}
		if n := all["decision_duration_seconds{}"]; n != decisions {
			t.Errorf("%v decisions, %v durations", decisions, n)
		}
		return decisions
	}
	for range 200 {
		scrape()
	}
	stop.Store(true)
	counting.Wait()
	if got, want := scrape(), float64(counted.Load()); got != want {
		t.Errorf("%v decisions were counted, want %v", got, want)
	}
}

// TestUnknownError counts an error that nobody has announced.
func TestUnknownError(t *testing.T) {
	t.Parallel()
	m, r := newMetrics()
	m.Undecided("NEVER_HEARD_OF")
	if n := gather(t, r)["decisions_total{reason=never_heard_of,result=error}"]; n != 1 {
		t.Errorf("counted %v times", n)
	}
}

func BenchmarkDecided(b *testing.B) {
	m, _ := newMetrics()
	var o server.Observer = m
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			o.Decided(0, 8*time.Microsecond)
		}
	})
}
