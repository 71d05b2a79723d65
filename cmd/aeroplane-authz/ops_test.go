// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aeroplane.run/authz/internal/testservers"
)

// startOperated starts a server whose metrics and probes are answered at an address.
func startOperated(t *testing.T, args ...string) (p *process, address string) {
	t.Helper()
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	p = startServer(t, t.TempDir(), append(args, "--ops-listen", address)...)
	return p, address
}

func get(t *testing.T, address, path string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true // so that the next one finds out whether the door is still open
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// TestMetrics makes a decision and a change, and scrapes once. What is there is what docs/metrics.md lists: by name, type
// and labels.
func TestMetrics(t *testing.T) {
	t.Parallel()
	p, address := startOperated(t)
	id, secret, err := p.createKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.mustAllow(t, secret, true)
	if err := p.revokeKey(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	p.mustAllow(t, secret, false)

	status, text := get(t, address, "/metrics")
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, text)
	}
	if diff := cmp.Diff(documented(t), scraped(text)); diff != "" {
		t.Errorf("series (-docs/metrics.md +scraped):\n%s", diff)
	}
	for _, line := range []string{
		`aeroplane_authz_decisions_total{reason="none",result="allowed"} 1`,
		`aeroplane_authz_decisions_total{reason="invalid_key",result="denied"} 1`,
		`aeroplane_authz_decisions_total{reason="lease",result="error"} 0`,
		`aeroplane_authz_decision_duration_seconds_count 2`,
		`aeroplane_authz_changes_total{method="CreateKey",outcome="ok"} 1`,
		`aeroplane_authz_changes_total{method="RevokeKey",outcome="ok"} 1`,
		`aeroplane_authz_changes_total{method="DeleteProject",outcome="ok"} 0`,
		`aeroplane_authz_barrier_seconds_count{how="acked"} 2`,
		`aeroplane_authz_record_reads_total{kind="key"} 2`,
		`aeroplane_authz_lease_remaining_seconds +Inf`,
		`aeroplane_authz_database_connections_max 1`,
		`aeroplane_authz_redis_breaker_open 0`,
	} {
		if !strings.Contains(text, "\n"+line+"\n") {
			t.Errorf("not scraped: %s", line)
		}
	}
	for _, ours := range []string{id, secret} {
		if strings.Contains(text, ours) {
			t.Error("the metrics tell of a key")
		}
	}
}

// TestMetricsOnPostgres looks at what only a replica on Postgres has: a lease, by rounds, and others to wait for.
func TestMetricsOnPostgres(t *testing.T) {
	t.Parallel()
	flags := postgresFlags(t, testservers.Postgres(t).NewDatabase(t))
	p, address := startOperated(t, flags...)
	startServer(t, t.TempDir(), flags...)
	id, secret, err := p.createKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.mustAllow(t, secret, true)
	if err := p.revokeKey(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	_, text := get(t, address, "/metrics")
	value := func(series string) float64 {
		_, after, _ := strings.Cut(text, "\naeroplane_authz_"+series+" ")
		number, _, _ := strings.Cut(after, "\n")
		v, err := strconv.ParseFloat(number, 64)
		if err != nil {
			t.Errorf("%s: %v", series, err)
		}
		return v
	}
	if lease := value("lease_remaining_seconds"); lease <= 0 || lease > 4 {
		t.Errorf("%v s of the lease are left", lease)
	}
	for _, series := range []string{`rounds_total{result="confirmed"}`, `record_reads_total{kind="key"}`, "applied_seq"} {
		if n := value(series); n < 1 {
			t.Errorf("%s is %v", series, n)
		}
	}
	if n := value(`barrier_seconds_count{how="acked"}`) + value(`barrier_seconds_count{how="waited"}`); n != 1 {
		t.Errorf("%v changes waited, want the revocation alone", n)
	}
	if n := value("database_connections_max"); n != 16 {
		t.Errorf("%v connections at most", n)
	}
}

var (
	seriesRow  = regexp.MustCompile("^\\| `(aeroplane_authz_\\w+)` \\| (\\w+) \\|([^|]*)\\|")
	labelName  = regexp.MustCompile("`(\\w+)`")
	typeLine   = regexp.MustCompile(`^# TYPE (aeroplane_authz_\w+) (\w+)$`)
	sampleLine = regexp.MustCompile(`^(aeroplane_authz_\w+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? \S+$`)
	labelPair  = regexp.MustCompile(`(\w+)="(?:[^"\\]|\\.)*"`)
)

// documented returns the series of the page: name to type and labels.
func documented(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string)
	for line := range strings.Lines(string(page)) {
		if row := seriesRow.FindStringSubmatch(line); row != nil {
			all[row[1]] = series(row[2], labelName.FindAllStringSubmatch(row[3], -1))
		}
	}
	if len(all) == 0 {
		t.Fatal("the page lists no series")
	}
	return all
}

// scraped returns the same of a scrape.
func scraped(text string) map[string]string {
	types, all := make(map[string]string), make(map[string]string)
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if match := typeLine.FindStringSubmatch(line); match != nil {
			types[match[1]] = match[2]
		}
		if match := sampleLine.FindStringSubmatch(line); match != nil {
			all[match[1]] = series(types[match[1]], labelPair.FindAllStringSubmatch(match[2], -1))
		}
	}
	return all
}

func series(kind string, labels [][]string) string {
	var names []string
	for _, l := range labels {
		if l[1] != "le" { // of the buckets of a histogram
			names = append(names, l[1])
		}
	}
	slices.Sort(names)
	return fmt.Sprint(kind, " ", names)
}

// TestProbes asks a server that serves, and one that drains.
func TestProbes(t *testing.T) {
	t.Parallel()
	p, address := startOperated(t, "--shutdown-grace", "10h")
	for path, want := range map[string]string{"/healthz": "alive\n", "/readyz": "ready\n"} {
		if status, body := get(t, address, path); status != http.StatusOK || body != want {
			t.Errorf("%s: %d %q", path, status, body)
		}
	}
	holdCall(t, p)
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(poll) {
		status, body := get(t, address, "/readyz")
		if status == http.StatusServiceUnavailable {
			if body != "the server is shutting down\n" {
				t.Errorf("draining, readyz says %q", body)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("readyz is %d %q while the server drains", status, body)
		}
	}
	// It goes on answering until the last call has ended.
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/metrics": http.StatusOK, "/readyz": http.StatusServiceUnavailable} {
		if status, body := get(t, address, path); status != want {
			t.Errorf("draining, %s: %d %q", path, status, body)
		}
	}
	_ = p.ClientConn.Close() // and the call with it
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatal("the server did not end")
	}
	if p.waitErr != nil {
		t.Errorf("exit: %v", p.waitErr)
	}
	if answer, err := http.Get("http://" + address + "/healthz"); err == nil {
		_ = answer.Body.Close()
		t.Error("somebody still answers")
	}
}
