// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"math"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/internal/rediscache"
	"aeroplane.run/authz/server"
)

var _ server.Observer = (*Metrics)(nil)

// What Redis is said to do is what the shelf says, field by field.
var _ = RedisStats(rediscache.Stats{})

func newMetrics() (*Metrics, *prometheus.Registry) {
	r := prometheus.NewRegistry()
	return New(Config{Registry: r, Errors: server.ErrorReasons(), Changes: server.Changes(), Outcomes: server.Outcomes(),
		Build: &Build{"v1.2.3", "0123456789ab", "go1.26"}}), r
}

// gather returns the series of ours, of histograms how often they observed, by name and labels.
func gather(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]float64)
	for _, f := range families {
		name, ours := strings.CutPrefix(f.GetName(), prefix)
		if !ours {
			continue
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			all[name+"{"+strings.Join(labels, ",")+"}"] = m.GetCounter().GetValue() + m.GetGauge().GetValue() +
				float64(m.GetHistogram().GetSampleCount())
		}
	}
	return all
}

// TestFromTheStart looks for the series that somebody may alarm on before anything has happened.
func TestFromTheStart(t *testing.T) {
	t.Parallel()
	m, r := newMetrics()
	m.Watch(Sources{Store: func() fence.Stats { return fence.Stats{} }})
	all := gather(t, r)
	want := []string{
		"decisions_total{reason=none,result=allowed}", "decision_duration_seconds{}",
		"rounds_total{result=confirmed}", "rounds_total{result=failed}",
		"barrier_seconds{how=acked}", "barrier_seconds{how=waited}", "unconfirmed_commits_total{}",
		"cache_reads_total{result=hit}", "cache_reads_total{result=miss}", "lease_remaining_seconds{}",
		"records{about=known}", "records{about=absent}", "redis_breaker_open{}", "redis_puts_total{result=lost}",
	}
	for _, reason := range authz.Reasons() {
		want = append(want, "decisions_total{reason="+reasonWords[reason]+",result=denied}")
	}
	for _, reason := range server.ErrorReasons() {
		want = append(want, "decisions_total{reason="+strings.ToLower(reason)+",result=error}")
	}
	for _, method := range server.Changes() {
		want = append(want, "changes_total{method="+method+",outcome=ok}", "changes_total{method="+method+",outcome=outcome_unknown}")
	}
	for _, why := range abandonments {
		want = append(want, "generations_abandoned_total{why="+why+"}")
	}
	for _, why := range rejections {
		want = append(want, "records_rejected_total{source=shelf,why="+why+"}", "records_rejected_total{source=database,why="+why+"}")
	}
	for _, kind := range kinds {
		want = append(want, "record_reads_total{kind="+kind.String()+"}")
	}
	for _, series := range want {
		if v, ok := all[series]; !ok || v != 0 {
			t.Errorf("%s is %v, %v, want 0", series, v, ok)
		}
	}
	if v := all["build_info{commit=0123456789ab,go=go1.26,version=v1.2.3}"]; v != 1 {
		t.Errorf("build_info is %v", v)
	}
}

// TestEvents tells of everything once, and looks at what has grown, and that nothing else has, nor has a series appeared.
func TestEvents(t *testing.T) {
	t.Parallel()
	m, r := newMetrics()
	before := gather(t, r)
	want := make(map[string]float64)
	event := func(series string, tell func()) {
		want[series]++
		tell()
	}
	event("decisions_total{reason=none,result=allowed}", func() { m.Decided(0, time.Millisecond) })
	for _, reason := range authz.Reasons() {
		event("decisions_total{reason="+reasonWords[reason]+",result=denied}", func() { m.Decided(reason, time.Millisecond) })
	}
	want["decision_duration_seconds{}"] = float64(1 + len(authz.Reasons()))
	for _, reason := range server.ErrorReasons() {
		event("decisions_total{reason="+strings.ToLower(reason)+",result=error}", func() { m.Undecided(reason) })
	}
	for _, outcome := range server.Outcomes() {
		event("changes_total{method=RevokeKey,outcome="+outcome+"}", func() { m.Changed("RevokeKey", outcome) })
	}
	event("rounds_total{result=confirmed}", func() { m.Round(true) })
	event("rounds_total{result=failed}", func() { m.Round(false) })
	event("barrier_seconds{how=acked}", func() { m.Barrier(authz.Acked, time.Millisecond) })
	event("barrier_seconds{how=waited}", func() { m.Barrier(authz.Waited, 6*time.Second) })
	event("generations_abandoned_total{why=mismatch}", func() { m.Abandoned("mismatch") })
	event("records_rejected_total{source=shelf,why=foreign}", func() { m.Rejected("shelf", "foreign") })
	event("record_reads_total{kind=key}", func() { m.Read(authz.OfKey) })
	event("unconfirmed_commits_total{}", func() { m.Unconfirmed() })

	got := make(map[string]float64)
	for series, v := range gather(t, r) {
		was, ok := before[series]
		if !ok {
			t.Errorf("%s was not there from the start", series)
		}
		if v != was {
			got[series] = v - was
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("what has grown (-want +got):\n%s", diff)
	}
}

// TestWatch reads each source into series of its own.
func TestWatch(t *testing.T) {
	t.Parallel()
	m, r := newMetrics()
	stats := fence.Stats{Lease: 1500 * time.Millisecond, Applied: authz.Revision{Seq: 7}, Known: 2, Absent: 3, Hits: 4, Misses: 5, Members: 8, Behind: 9}
	m.Watch(Sources{
		Store: func() fence.Stats { return stats },
		Pool:  func() (int, int) { return 6, 16 },
		Redis: func() RedisStats { return RedisStats{11, 12, 13, 14, 15, 16, 17, 18, 19, 20, true, 21} },

		OldestSnapshot: func() time.Duration { return 2500 * time.Millisecond },
	})
	all := gather(t, r)
	for series, want := range map[string]float64{
		"lease_remaining_seconds{}": 1.5, "applied_seq{}": 7, "records{about=known}": 2, "records{about=absent}": 3,
		"cache_reads_total{result=hit}": 4, "cache_reads_total{result=miss}": 5,
		"database_connections{}": 6, "database_connections_max{}": 16,
		"redis_reads_total{result=hit}": 11, "redis_reads_total{result=miss}": 12, "redis_reads_total{result=rejected}": 13,
		"redis_reads_total{result=timeout}": 14, "redis_reads_total{result=error}": 15, "redis_reads_total{result=skipped}": 16,
		"redis_puts_total{result=done}": 17, "redis_puts_total{result=lost}": 18,
		"redis_drops_total{result=done}": 19, "redis_drops_total{result=lost}": 20, "redis_breaker_open{}": 1,
		"redis_breaker_opened_total{}": 21, "members{}": 8, "member_acked_lag{}": 9, "oldest_snapshot_seconds{}": 2.5,
	} {
		if all[series] != want {
			t.Errorf("%s is %v, want %v", series, all[series], want)
		}
	}
	stats.Lease = math.MaxInt64 - time.Hour // whoever has the database alone
	if v := gather(t, r)["lease_remaining_seconds{}"]; !math.IsInf(v, 1) {
		t.Errorf("a lease that never ends has %v s left", v)
	}
}

// TestNames holds the names against the habits of Prometheus.
func TestNames(t *testing.T) {
	t.Parallel()
	m, r := newMetrics()
	m.Watch(Sources{Store: func() fence.Stats { return fence.Stats{} }})
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("%v, %v", problems, err)
	}
}

// TestReasonWords checks that each Reason is called what the contract calls it.
func TestReasonWords(t *testing.T) {
	t.Parallel()
	for _, reason := range authz.Reasons() {
		name := "DENIAL_REASON_" + strings.ToUpper(reasonWords[reason])
		if authzv1.DenialReason(authzv1.DenialReason_value[name]) == authzv1.DenialReason_DENIAL_REASON_UNSPECIFIED {
			t.Errorf("%v: the contract has no %s", reason, name)
		}
	}
	if len(reasonWords) != len(authz.Reasons())+1 {
		t.Errorf("%d words", len(reasonWords))
	}
}

// TestWordsOfTheFence looks in the source of the fence for the words that it tells its observer.
func TestWordsOfTheFence(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../fence/*.go")
	if err != nil {
		t.Fatal(err)
	}
	var source strings.Builder
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		source.Write(text)
	}
	find := func(pattern string) (words []string) {
		for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(source.String(), -1) {
			words = append(words, match[1])
		}
		slices.Sort(words)
		return slices.Compact(words)
	}
	verdicts := strings.Split(find(`\{"admitted", "(.*)"\}\[v\]`)[0], `", "`)
	for _, c := range []struct {
		what      string
		got, want []string
	}{
		{"abandoned", find(`errMismatch\{"(\w+)"\}`), abandonments},
		{"sources", find(`\.Rejected\("(\w+)"`), sources},
		{"rejections", verdicts, rejections},
	} {
		want := slices.Sorted(slices.Values(c.want))
		if got := slices.Sorted(slices.Values(c.got)); !slices.Equal(got, want) {
			t.Errorf("%s: the fence says %q, we know %q", c.what, got, want)
		}
	}
}

// TestHandler scrapes.
func TestHandler(t *testing.T) {
	t.Parallel()
	m, _ := newMetrics()
	m.Decided(authz.InvalidKey, 30*time.Microsecond)
	w := httptest.NewRecorder()
	m.Handler(nil).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, line := range []string{
		`aeroplane_authz_decisions_total{reason="invalid_key",result="denied"} 1`,
		`aeroplane_authz_decision_duration_seconds_bucket{le="2.5e-05"} 0`,
		`aeroplane_authz_decision_duration_seconds_bucket{le="5e-05"} 1`,
		`aeroplane_authz_decision_duration_seconds_bucket{le="1"} 1`,
		`# TYPE go_goroutines gauge`, `# TYPE process_open_fds gauge`,
	} {
		if !strings.Contains(w.Body.String(), "\n"+line+"\n") {
			t.Errorf("no line %s", line)
		}
	}
}

// TestDecidedAllocatesNothing counts on the way of each request.
func TestDecidedAllocatesNothing(t *testing.T) {
	m, _ := newMetrics()
	if n := testing.AllocsPerRun(100, func() { m.Decided(authz.KeyOutOfScope, 20*time.Microsecond) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
