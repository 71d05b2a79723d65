// SPDX-License-Identifier: Apache-2.0

package embedded_test

import (
	"log/slog"
	"os"
	"os/exec"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"aeroplane.run/authz"
	"aeroplane.run/authz/embedded"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	s := must(embedded.Open(t.Context(), embedded.Config{Dir: dir}))
	defer s.Close()
	if err := s.Ready(t.Context()); err != nil {
		t.Error(err)
	}
	key, r := populate(t, s.Issuer, s.Catalog)
	allows(t, s, r, key)
	allocatesNothing(t, s, r)

	if must(s.Issuer.Revoke(t.Context(), admin, key)).Barrier != authz.Acked {
		t.Error("a revocation was not waited for")
	}
	denies(t, s, r, authz.InvalidKey)
	events, _, err := s.Audit.List(t.Context(), authz.EventFilter{Action: authz.KeyRevoke}, authz.PageRequest{})
	if err != nil || len(events) != 1 || events[0].Actor != admin {
		t.Errorf("%+v, %v", events, err)
	}
	closed(t, s, r)

	s = must(embedded.Open(t.Context(), embedded.Config{Dir: dir}))
	defer s.Close()
	denies(t, s, r, authz.InvalidKey)
	if k := must(s.Issuer.Get(t.Context(), key)); k.LastUsedAt.IsZero() {
		t.Error("what was used before the end was not written")
	}
}

// Two processes never have one database.
func TestASecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := must(embedded.Open(t.Context(), embedded.Config{Dir: dir}))
	defer s.Close()
	second := func() string {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), dirVariable+"="+dir)
		return string(must(cmd.Output()))
	}
	if said := second(); !strings.Contains(said, "is in use by process") {
		t.Errorf("a second process: %s", said)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if said := second(); !strings.Contains(said, "<nil>") {
		t.Errorf("when the first is gone: %s", said)
	}
}

func TestConfigsOfNothing(t *testing.T) {
	t.Parallel()
	_, err := embedded.Open(t.Context(), embedded.Config{})
	if authz.KindOf(err) != authz.FailedPrecondition {
		t.Error(err)
	}
	if _, err = embedded.Join(t.Context(), embedded.JoinConfig{}); authz.KindOf(err) != authz.FailedPrecondition {
		t.Error(err)
	}
}

// What is one for the process stays as it is.
func TestTheProcessIsLeftAlone(t *testing.T) {
	log := slog.Default()
	before := debug.SetGCPercent(123)
	defer debug.SetGCPercent(before)
	s := must(embedded.Open(t.Context(), embedded.Config{Dir: t.TempDir()}))
	defer s.Close()
	if is := debug.SetGCPercent(123); is != 123 {
		t.Errorf("GOGC is %d", is)
	}
	if slog.Default() != log {
		t.Error("the default logger is another one")
	}
	for _, f := range must(prometheus.DefaultGatherer.Gather()) {
		if strings.HasPrefix(f.GetName(), "aeroplane") {
			t.Errorf("%s is in the default registry", f.GetName())
		}
	}
}

// Metrics are in the registry of the process until Close, beside its own, and those of one replica alone.
func TestMetrics(t *testing.T) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	options := embedded.Options{Metrics: registry}
	s := must(embedded.Open(t.Context(), embedded.Config{Dir: t.TempDir(), Options: options}))
	defer s.Close()
	key, r := populate(t, s.Issuer, s.Catalog)
	allows(t, s, r, key)
	allocatesNothing(t, s, r)
	denies(t, s, authz.Request{Method: "GET", Target: "/api/projects"}, authz.AuthenticationRequired)
	const decisions, took = "aeroplane_authz_decisions_total", "aeroplane_authz_decision_duration_seconds"
	allowed := value(t, registry, decisions, "allowed", "none")
	if n := value(t, registry, decisions, "denied", "authentication_required"); n != 1 || allowed < 2000 ||
		value(t, registry, took) != allowed+1 {
		t.Errorf("%v allowed, %v denied", allowed, n)
	}
	if n := value(t, registry, decisions, "error", "lease"); n != 0 {
		t.Errorf("%v without a lease", n)
	}
	if value(t, registry, "aeroplane_authz_records", "known") < 3 {
		t.Error("the store is not scraped")
	}

	other := embedded.Config{Dir: t.TempDir(), Options: options}
	if second, err := embedded.Open(t.Context(), other); authz.KindOf(err) != authz.FailedPrecondition {
		t.Errorf("two replicas in one registry: %v, %v", second, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, f := range must(registry.Gather()) {
		if strings.HasPrefix(f.GetName(), "aeroplane") {
			t.Fatalf("%s is there after the end", f.GetName())
		}
	}
	second := must(embedded.Open(t.Context(), other))
	defer second.Close()
}

// value returns what a series counts, of a histogram how many.
func value(t *testing.T, r *prometheus.Registry, name string, labels ...string) float64 {
	t.Helper()
	for _, f := range must(r.Gather()) {
	series:
		for _, m := range f.GetMetric() {
			for _, want := range labels {
				found := false
				for _, l := range m.GetLabel() {
					found = found || l.GetValue() == want
				}
				if !found {
					continue series
				}
			}
			if f.GetName() == name {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
			}
		}
	}
	t.Fatalf("there is no series %s %v", name, labels)
	return 0
}
