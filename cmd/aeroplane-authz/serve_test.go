// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/testservers"
)

// TestKill kills a server again and again while keys are created and revoked. Nothing that was answered is lost: a key
// that was answered is good, one whose revocation was answered is refused.
func TestKill(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		killInTheMiddle(t)
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		killInTheMiddle(t, postgresFlags(t, testservers.Postgres(t).NewDatabase(t))...)
	})
}

func killInTheMiddle(t *testing.T, args ...string) {
	const rounds, workers = 6, 4
	dir := t.TempDir()
	var j journal
	for range rounds {
		p := startServer(t, dir, args...)
		j.verify(t, p)
		killAfter := 20 + rand.IntN(30)
		var working sync.WaitGroup
		for range workers {
			working.Go(func() {
				for j.step(t.Context(), p) {
					if j.answered() >= killAfter {
						_ = p.Process.Kill() // the others are in the middle of something
					}
				}
			})
		}
		working.Wait()
		<-p.ended
		j.count = 0
	}
	j.verify(t, startServer(t, dir, args...))
	if live, revoked := j.totals(); live == 0 || revoked == 0 {
		t.Errorf("%d live and %d revoked keys prove nothing", live, revoked)
	}
}

// A journal is what a client knows: which keys are good, and which are not. A key whose revocation was not answered may
// be either, and is in neither.
type journal struct {
	mu            sync.Mutex
	live, revoked []journalKey // guarded by mu
	count         int          // answers in this round; guarded by mu
}

type journalKey struct{ id, secret string }

// step creates a key or revokes one, and reports whether there was an answer.
func (j *journal) step(ctx context.Context, p *process) bool {
	if k, ok := j.take(); ok {
		if p.revokeKey(ctx, k.id) != nil {
			return false
		}
		j.note(&j.revoked, k)
		return true
	}
	id, secret, err := p.createKey(ctx)
	if err != nil {
		return false
	}
	j.note(&j.live, journalKey{id, secret})
	return true
}

// take removes a live key, every third time or so.
func (j *journal) take() (journalKey, bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.live) == 0 || rand.IntN(3) > 0 {
		return journalKey{}, false
	}
	i := rand.IntN(len(j.live))
	k := j.live[i]
	j.live[i] = j.live[len(j.live)-1]
	j.live = j.live[:len(j.live)-1]
	return k, true
}

func (j *journal) note(list *[]journalKey, k journalKey) {
	j.mu.Lock()
	defer j.mu.Unlock()
	*list = append(*list, k)
	j.count++
}

func (j *journal) answered() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.count
}

func (j *journal) totals() (live, revoked int) { return len(j.live), len(j.revoked) }

func (j *journal) verify(t *testing.T, p *process) {
	t.Helper()
	for _, k := range j.live {
		p.mustAllow(t, k.secret, true)
	}
	for _, k := range j.revoked {
		p.mustAllow(t, k.secret, false)
	}
}

// TestReplicas revokes keys through one of two replicas on a real Postgres. The very next call on the other refuses.
func TestReplicas(t *testing.T) {
	t.Parallel()
	flags := postgresFlags(t, testservers.Postgres(t).NewDatabase(t))
	replicas := []*process{startServer(t, t.TempDir(), flags...), startServer(t, t.TempDir(), flags...)}
	for i := range 20 {
		here, there := replicas[i%2], replicas[(i+1)%2]
		id, secret, err := here.createKey(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		there.mustAllow(t, secret, true)
		if err := here.revokeKey(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		there.mustAllow(t, secret, false)
	}
}

// TestOutage stops Postgres under a server. No change is answered OK, and when the lease is over there is no decision either,
// and health says so, until it is back.
func TestOutage(t *testing.T) {
	t.Parallel()
	database := testservers.StartPostgres(t, testservers.Options{})
	p := startServer(t, t.TempDir(), postgresFlags(t, database.NewDatabase(t))...)
	id, secret, err := p.createKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.mustAllow(t, secret, true)

	database.Stop(t)
	mustCode(t, p.revokeKey(t.Context(), id), codes.Unavailable)
	p.await(t, healthpb.HealthCheckResponse_NOT_SERVING)
	allowed, err := p.allows(t.Context(), secret)
	mustCode(t, err, codes.Unavailable)
	mustReason(t, err, "LEASE")
	if allowed {
		t.Error("an error came with a yes")
	}

	database.Start(t)
	p.await(t, healthpb.HealthCheckResponse_SERVING)
	p.mustAllow(t, secret, true)
	if err := p.end(t, syscall.SIGTERM); err != nil {
		t.Errorf("exit: %v", err)
	}
}

// TestShutdownWritesLastUse ends a server with SIGTERM long before the minute after which last-used times are written.
func TestShutdownWritesLastUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startServer(t, dir)
	id, secret, err := p.createKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	lastUse := func(p *process) bool {
		out, err := v1.NewKeyServiceClient(p).GetKey(t.Context(), &v1.GetKeyRequest{Id: id})
		if err != nil {
			t.Fatal(err)
		}
		return out.GetKey().GetLastUseTime() != nil
	}
	p.mustAllow(t, secret, true)
	if lastUse(p) {
		t.Fatal("written before shutdown: the test proves nothing")
	}
	if err := p.end(t, syscall.SIGTERM); err != nil {
		t.Errorf("exit: %v", err)
	}
	if !lastUse(startServer(t, dir)) {
		t.Error("the last use was lost at shutdown")
	}
}

// TestGraceIsBounded holds a call open. A server ends all the same once its grace is over.
func TestGraceIsBounded(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--shutdown-grace", "100ms")
	holdCall(t, p)
	if err := p.end(t, syscall.SIGTERM); err != nil {
		t.Errorf("exit: %v", err)
	}
}

// TestSecondSignal ends a server at once that still waits for a call.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir(), "--shutdown-grace", "10h")
	holdCall(t, p)
	// The second signal counts once the first was received, which nobody can see: so send it until it works.
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(poll) {
		_ = p.Process.Signal(syscall.SIGTERM)
		select {
		case <-p.ended:
			var exit *exec.ExitError
			if !errors.As(p.waitErr, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGTERM {
				t.Errorf("ended with %v, want the signal", p.waitErr)
			}
			return
		default:
		}
	}
	t.Error("the server did not end")
}

// holdCall starts a call that does not end by itself.
func holdCall(t *testing.T, p *process) {
	t.Helper()
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+testToken)
	call, err := reflectionpb.NewServerReflectionClient(p).ServerReflectionInfo(ctx)
	if err != nil {
		t.Fatal(err)
	}
	err = call.Send(&reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := call.Recv(); err != nil {
		t.Fatal(err)
	}
}

// TestHangup hangs up on a server, as the end of a terminal does, and as many a service manager asks for a reload. It
// goes on serving, and says so.
func TestHangup(t *testing.T) {
	t.Parallel()
	p := startServer(t, t.TempDir())
	if err := p.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	const want = "SIGHUP: nothing to reload"
	for deadline := time.Now().Add(patience); !strings.Contains(p.output.String(), want); time.Sleep(poll) {
		if time.Now().After(deadline) {
			t.Fatalf("the log does not say %q", want)
		}
	}
	if _, _, err := p.createKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.end(t, syscall.SIGTERM); err != nil {
		t.Errorf("exit: %v", err)
	}
}

// TestNobodyReads runs a server whose output goes into a broken pipe. It goes on serving.
func TestNobodyReads(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p := newServer(t, t.TempDir())
	p.Stdout, p.Stderr = w, w
	_ = r.Close()
	p.start(t)
	_ = w.Close()
	if _, _, err := p.createKey(t.Context()); err != nil { // which is logged
		t.Fatal(err)
	}
	if err := p.end(t, syscall.SIGTERM); err != nil {
		t.Errorf("exit: %v", err)
	}
}

// TestNothingOutlivesRun runs a server within the test, with a standard output that nobody can write to.
func TestNothingOutlivesRun(t *testing.T) {
	before := goleak.IgnoreCurrent()
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	environ := []string{"AEROPLANE_AUTHZ_LISTEN=" + address, "AEROPLANE_AUTHZ_ADDRESS=" + address, "AEROPLANE_AUTHZ_DATA_DIR=" + t.TempDir(),
		"AEROPLANE_AUTHZ_OPS_LISTEN=127.0.0.1:0", "AEROPLANE_AUTHZ_HTTP_LISTEN=127.0.0.1:0"}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	code := make(chan int, 1)
	go func() { code <- run(ctx, []string{"serve"}, environ, nil, closedWriter{}, io.Discard) }()
	for deadline := time.Now().Add(patience); ; time.Sleep(poll) {
		if run(ctx, []string{"authorize", "GET", "/api/health"}, environ, nil, io.Discard, io.Discard) == exitOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the server does not serve")
		}
	}
	cancel()
	if got := <-code; got != exitOK {
		t.Errorf("exit code %d", got)
	}
	goleak.VerifyNone(t, before)
}

type closedWriter struct{}

func (closedWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
