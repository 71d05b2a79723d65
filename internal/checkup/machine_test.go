// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"errors"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"aeroplane.run/authz/internal/scrape"
)

// metrics are those of a service that serves. Their names are without the prefix.
func metrics(values map[string]float64) func() *runningService {
	m := scrape.Metrics{prefix + `build_info{commit="",go="go1",version="v1"}`: 1}
	for name, value := range values {
		m[prefix+name] = value
	}
	s := &runningService{health: healthpb.HealthCheckResponse_SERVING, metrics: m}
	return func() *runningService { return s }
}

func TestLease(t *testing.T) {
	t.Parallel()
	const here, there = "data-dir=/nowhere", "postgres-url=postgres://u@127.0.0.1:1/db"
	for _, c := range []struct {
		settings string
		values   map[string]float64
		want     []string
	}{
		{here, nil, []string{"ok it is not known"}},
		{here, map[string]float64{"lease_remaining_seconds": math.Inf(1)}, []string{"ok on the embedded database there is none"}},
		{there, map[string]float64{"lease_remaining_seconds": math.Inf(1)}, []string{"fault the settings say Postgres"}},
		{here, map[string]float64{"lease_remaining_seconds": 4}, []string{"fault the settings say the embedded database"}},
		{there, map[string]float64{"lease_remaining_seconds": 3.5, "members": 2, `rounds_total{result="confirmed"}`: 200, `rounds_total{result="failed"}`: 1},
			[]string{"ok 3.5s of it are left; 2 replicas decide", "ok 1 of 201 rounds failed"}},
		{there, map[string]float64{"lease_remaining_seconds": 0, `rounds_total{result="confirmed"}`: 10, `rounds_total{result="failed"}`: 1},
			[]string{"fault it is over", "warning 1 of 11 rounds failed"}},
		{there, map[string]float64{"lease_remaining_seconds": 0.9, `generations_abandoned_total{why="gap"}`: 1, `generations_abandoned_total{why="gone"}`: 5},
			[]string{"warning less than a quarter", "ok 0 of 0 rounds", "warning another one 1 times"}},
	} {
		x := with(t, c.settings)
		x.running = metrics(c.values)
		wants(t, checkLease(t.Context(), x), c.want...)
	}
}

func TestService(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		service runningService
		want    []string
	}{
		{runningService{listens: errors.New("refused"), ops: errOff}, []string{"warning the service does not run: refused"}},
		{runningService{listens: errors.New("refused")}, []string{"fault although somebody does"}},
		{runningService{refused: errors.New("no TLS"), ops: errOff}, []string{"fault does not answer as the service would: no TLS", "ok ops-listen is off"}},
		{runningService{health: healthpb.HealthCheckResponse_NOT_SERVING, ready: "there is no lease", ops: errors.New("refused")},
			[]string{"fault does not serve: there is no lease", "warning cannot be asked: refused"}},
		{*metrics(nil)(), []string{"ok it serves", "ok it is version v1"}},
		{runningService{health: healthpb.HealthCheckResponse_SERVING}, []string{"ok it serves", "warning are not those of this service"}},
	} {
		x := with(t)
		x.Ops = "127.0.0.1:1"
		x.running = func() *runningService { return &c.service }
		wants(t, checkService(t.Context(), x), c.want...)
	}
	x := with(t)
	x.Build.Version = "v2"
	x.running = metrics(nil)
	wants(t, checkService(t.Context(), x), "ok it serves", "warning the running service is version v1, and this program v2")
}

// What the listener for metrics and probes says is read as it is, and no longer than it should be.
func TestOps(t *testing.T) {
	t.Parallel()
	date := time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)
	mux := http.NewServeMux()
	mux.HandleFunc("/readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", date)
		http.Error(w, "there is no lease", http.StatusServiceUnavailable)
	})
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("aeroplane_authz_members 3\n")) })
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(l) }()
	defer server.Close()

	x := with(t)
	x.Ops = l.Addr().String()
	s := x.running()
	if s.listens == nil || s.ops != nil || s.ready != "there is no lease" || s.metrics[prefix+"members"] != 3 {
		t.Errorf("%+v", s)
	}
	wants(t, checkClock(t.Context(), x), "fault the clock of the running service is", "ok the kernel says")
	x = with(t)
	x.Ops = "127.0.0.1:1"
	if s := x.running(); s.ops == nil || s.metrics != nil {
		t.Errorf("%+v", s)
	}
}

func TestClockHere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		now  time.Duration
		want string
	}{
		{0, "ok it is not behind"}, {-2 * time.Second, "warning the database was written"}, {-time.Hour, "fault the database was written"},
	} {
		x := with(t)
		written := time.Now()
		path := filepath.Join(x.Settings.DataDir, "authz.db")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, written, written); err != nil {
			t.Fatal(err)
		}
		x.Now = func() time.Time { return written.Add(c.now) }
		wants(t, checkClock(t.Context(), x), c.want, "ok the kernel says")
	}
	x := with(t)
	x.Build.Time = time.Now().Add(time.Hour)
	x.synced = func() (yes, known bool) { return false, true }
	wants(t, checkClock(t.Context(), x), "fault before this program was written", "warning nothing keeps it synchronized")
	x = with(t)
	x.synced = func() (yes, known bool) { return false, false }
	wants(t, checkClock(t.Context(), x), "ok cannot be told here")
}

func TestSettings(t *testing.T) {
	t.Parallel()
	x := with(t, "tls-cert=/c", "retain-keys=1h", "insecure-ops=true")
	x.Parts = []Part{
		{Do: "do it", Load: func() (string, error) { return "", errors.New("two\nlines") }},
		{Do: "do it", Load: func() (string, error) { return "", &os.PathError{Op: "open", Path: "p", Err: os.ErrPermission} }},
		{Do: "do it", Load: func() (string, error) { return "a table", nil }},
		{Do: "do it", Load: func() (string, error) { return "", nil }},
	}
	got := checkSettings(t.Context(), x)
	wants(t, got, "fault tls-cert is set without tls-key", "fault retain-keys is shorter", "fault insecure-ops is set although nothing needs it",
		"warning insecure-ops is set, by flag", "fault two lines", "fault permission denied", "ok a table")
	for _, f := range got {
		if denied := strings.Contains(f.Found, "denied"); denied && f.Do != asService {
			t.Errorf("%+v", f)
		}
	}
}

func TestRoom(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		free, total uint64
		want        string
	}{
		{2 << 30, 100 << 30, "ok has 2.0 GiB left"}, // less than a twentieth, but enough
		{600 << 20, 20 << 30, "warning has 600.0 MiB left of 20.0 GiB"},
		{99 << 20, 200 << 20, "warning has 99.0 MiB left"},
		{0, 1 << 30, "warning has 0 bytes left"},
	} {
		x := with(t)
		x.space = func(string) (free, total uint64, err error) { return c.free, c.total, nil }
		wants(t, []Finding{x.room(filepath.Join(x.Settings.DataDir, "absent", "deep"))}, c.want)
	}
	free, total, err := space(t.TempDir())
	if err == nil && (total == 0 || free > total) || err != nil && !errors.Is(err, errors.ErrUnsupported) {
		t.Error(free, total, err)
	}
}
