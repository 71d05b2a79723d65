// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"context"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/rediscache"
	"aeroplane.run/authz/internal/settings"
	"aeroplane.run/authz/internal/testservers"
)

func TestMain(m *testing.M) {
	aeroplanetest.Main()
	os.Exit(testservers.Main(m))
}

// with returns an examination by settings, as "name=value". Nothing listens where the service is to be, and the machine is in order.
func with(t *testing.T, pairs ...string) *examination {
	t.Helper()
	flags := make(map[string]string)
	environ := []string{"AEROPLANE_AUTHZ_DATA_DIR=" + t.TempDir()}
	for _, pair := range pairs {
		name, value, _ := strings.Cut(pair, "=")
		s, ok := settings.Named(name)
		if !ok {
			t.Fatalf("no setting %q", name)
		}
		if s.Secret() {
			environ = append(environ, s.Env()+"="+value)
			continue
		}
		flags[name] = value
	}
	v, err := settings.Load(settings.Sources{Flags: flags, Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	x := newExamination(t.Context(), Config{
		Settings: v, Address: "127.0.0.1:1",
		Usable:   func(string) error { return nil },
		Postgres: func() (postgres.Config, error) { t.Error("Postgres was asked for"); return postgres.Config{}, nil },
		Redis:    func() (rediscache.Config, error) { t.Error("Redis was asked for"); return rediscache.Config{}, nil },
		Connect:  func(context.Context, bool) (*grpc.ClientConn, error) { return nil, os.ErrNotExist },
		Build:    Build{Version: "v1"},
	})
	x.space = func(string) (free, total uint64, err error) { return 1 << 30, 1 << 40, nil }
	x.synced = func() (yes, known bool) { return true, true }
	x.lookup = func(context.Context, string) ([]netip.Addr, error) { return nil, os.ErrNotExist }
	return x
}

// wants compares findings with lines of a severity and words of what was found, in any order. Each finding that is not ok says what
// to do.
func wants(t *testing.T, got []Finding, want ...string) {
	t.Helper()
	for _, line := range want {
		severity, words, _ := strings.Cut(line, " ")
		found := false
		for _, f := range got {
			found = found || string(f.Severity) == severity && strings.Contains(f.Found, words)
		}
		if !found {
			t.Errorf("no %q in %+v", line, got)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d findings, want %d: %+v", len(got), len(want), got)
	}
	for _, f := range got {
		if (f.Severity == OK) != (f.Do == "") || f.Found == "" || strings.Contains(f.Found+f.Do, "\n") {
			t.Errorf("odd: %+v", f)
		}
		if strings.Contains(f.Found+f.Do, "hunter2") {
			t.Errorf("it tells a secret: %+v", f)
		}
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	x := with(t)
	x.limit = 10 * time.Millisecond
	hang := make(chan struct{})
	defer close(hang)
	r := x.run([]check{
		{"first", func(context.Context, *examination) []Finding { return []Finding{fault("a", "b"), good("c")} }},
		{"hangs", func(context.Context, *examination) []Finding { <-hang; return nil }},
		{"slow", func(ctx context.Context, _ *examination) []Finding { <-ctx.Done(); return []Finding{good("in time")} }},
		{"last", func(context.Context, *examination) []Finding { return []Finding{warning("d", "e")} }},
	})
	var lines []string
	for _, f := range r.Findings {
		lines = append(lines, string(f.Severity)+" "+f.Check)
	}
	if got := strings.Join(lines, ", "); got != "ok first, ok slow, warning last, fault first, fault hangs" {
		t.Error(got)
	}
	if r.OK != 2 || r.Warnings != 1 || r.Faults != 2 || r.Version != "v1" {
		t.Errorf("%+v", r)
	}
}

// A report of everything, on a machine that has nothing.
func TestRunOnNothing(t *testing.T) {
	t.Parallel()
	x := with(t)
	r := x.run(checks)
	if r.Faults != 0 || r.Warnings != 1 {
		t.Errorf("%+v", r)
	}
	told := make(map[string]bool)
	for _, f := range r.Findings {
		told[f.Check] = true
	}
	for _, c := range checks {
		if !told[c.name] && c.name != "clock" {
			t.Errorf("%s says nothing", c.name)
		}
	}
}
