// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"aeroplane.run/authz/internal/faultproxy"
	"aeroplane.run/authz/internal/scrape"
	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/internal/torture/control"
)

const pgRole = testservers.Role

// The tokens that replicas take from their files.
const (
	adminToken   = "admin-0123456789012345678901234567890123456789"
	gatewayToken = "gateway-0123456789012345678901234567890123456789"
)

// A Replica is one process of the service, which may be ended and started again, by one goroutine at a time. Its other methods,
// the proxies and the connections are for all.
type Replica struct {
	Number int
	// Postgres and Redis are all that the replica sees of those.
	Postgres, Redis *faultproxy.Proxy
	// Control is heeded by a binary that was built for it.
	Control *control.Control
	// Earlier makes Start start the earlier version.
	Earlier bool
	// Admin and Gateway are connections with the token of that role.
	Admin, Gateway *grpc.ClientConn

	cluster                              *Cluster
	dir, address, metrics                string
	passwordFile, adminFile, gatewayFile string
	env                                  []string                            // what it runs with, beside what all do
	program                              atomic.Pointer[testservers.Program] // nil: never started
}

func newReplica(t testing.TB, c *Cluster, number int) *Replica {
	t.Helper()
	r := &Replica{Number: number, cluster: c, dir: filepath.Join(c.Dir, "replica-"+strconv.Itoa(number)),
		Postgres: proxy(t), Redis: proxy(t)}
	orders := filepath.Join(r.dir, "orders")
	if err := os.MkdirAll(orders, 0o700); err != nil {
		t.Fatal(err)
	}
	r.Control = control.New(orders)
	r.passwordFile = give(t, r.dir, "password", c.password(t))
	r.adminFile = give(t, r.dir, "admin", "torture "+adminToken)
	r.gatewayFile = give(t, r.dir, "gateway", "torture "+gatewayToken)
	for _, address := range []*string{&r.address, &r.metrics} {
		var err error
		if *address, err = testservers.FreeAddress(); err != nil {
			t.Fatal(err)
		}
	}
	r.Admin, r.Gateway = connect(t, r.address, adminToken), connect(t, r.address, gatewayToken)
	return r
}

// password returns the password of the role that owns the database.
func (c *Cluster) password(t testing.TB) string {
	u, err := url.Parse(c.Postgres.Primary().DSN(database))
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	return password
}

// Start starts the replica, with env in its environment besides. It does not wait until it serves: Ready does.
func (r *Replica) Start(t testing.TB, env ...string) {
	t.Helper()
	if r.Running() {
		t.Fatalf("replica %d is running", r.Number)
	}
	log, err := os.OpenFile(r.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	binary := r.cluster.Binary
	if r.Earlier {
		binary = r.cluster.Earlier
	}
	cmd := exec.Command(binary, "serve")
	cmd.Dir = r.dir
	cmd.Env = append(r.cluster.environment(r), env...)
	cmd.Stdout, cmd.Stderr = log, log
	program, err := testservers.StartProgram(t, cmd)
	if err != nil {
		t.Fatal(err)
	}
	r.program.Store(program)
	r.env = env
}

// StartAgain is Start with the environment that the replica had last, unless there is another.
func (r *Replica) StartAgain(t testing.TB, env ...string) {
	t.Helper()
	if env == nil {
		env = r.env
	}
	r.Start(t, env...)
}

// Ready returns when the replica serves. Errors: it ended, or it took longer than patience.
func (r *Replica) Ready(ctx context.Context, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for !r.serves(ctx) {
		select {
		case <-r.program.Load().Done():
			return errors.Join(errEnded, r.program.Load().Err())
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

// serves reports whether the replica serves.
func (r *Replica) serves(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	answer, err := healthpb.NewHealthClient(r.Admin).Check(ctx, new(healthpb.HealthCheckRequest))
	return err == nil && answer.GetStatus() == healthpb.HealthCheckResponse_SERVING
}

// Pid returns the number of the process, the last one's if it has ended. Of a replica that was never started it is zero.
func (r *Replica) Pid() int {
	if p := r.program.Load(); p != nil {
		return p.Pid()
	}
	return 0
}

// Running reports whether the process has not ended. A frozen one has not.
func (r *Replica) Running() bool { p := r.program.Load(); return p != nil && !p.Ended() }

// Freeze stops the process in its tracks, and Thaw wakes it.
func (r *Replica) Freeze() { r.program.Load().Signal(freeze) }

// Thaw wakes the process.
func (r *Replica) Thaw() { r.program.Load().Signal(thaw) }

// Kill ends the process by force.
func (r *Replica) Kill() { r.program.Load().Kill() }

// Stop ends the process in good order, if that takes no longer than patience, else by force.
func (r *Replica) Stop(t testing.TB, patience time.Duration) {
	t.Helper()
	r.program.Load().Signal(syscall.SIGTERM)
	select {
	case <-r.program.Load().Done():
	case <-time.After(patience):
		r.program.Load().Kill()
		t.Logf("replica %d did not end within %v", r.Number, patience)
	}
}

// lead leads new connections to where they belong.
func (r *Replica) lead(c *Cluster) {
	r.Postgres.Point(faultproxy.Route{Target: c.Postgres.Primary().Address()})
	r.Redis.Point(faultproxy.Route{Target: c.Redis.Addr()})
}

// heal makes the replica run as at the start. One that was added later is ended.
func (r *Replica) heal(t testing.TB, c *Cluster) {
	t.Helper()
	for _, p := range []*faultproxy.Proxy{r.Postgres, r.Redis} {
		p.Clear()
	}
	r.lead(c)
	starting := r.Running() && !r.serves(t.Context())
	r.Postgres.Cut(nil) // some may lead to a server that is no primary any more
	r.Redis.Cut(nil)
	if err := r.Control.Order(control.Orders{}); err != nil {
		t.Fatal(err)
	}
	if r.program.Load() != nil {
		r.Thaw()
	}
	extra := r.Number >= c.Options.Replicas
	if starting && !extra { // a service that loses Postgres before it serves ends, for whoever runs it starts it again
		_ = r.Ready(t.Context(), 15*time.Second)
	}
	if r.Running() && (extra || r.Earlier || len(r.env) > 0) {
		r.Stop(t, 15*time.Second)
	}
	r.Earlier = false
	if !r.Running() && !extra {
		r.Start(t)
	}
}

func (r *Replica) log() string { return filepath.Join(r.dir, "log") }

// LastWords returns the end of what the replica has logged.
func (r *Replica) LastWords() string {
	text, err := os.ReadFile(r.log())
	if err != nil {
		return err.Error()
	}
	if most := 4096; len(text) > most {
		_, text, _ = bytes.Cut(text[len(text)-most:], []byte("\n"))
	}
	return string(text)
}

// Metrics asks the replica what it has counted.
func (r *Replica) Metrics(ctx context.Context) (scrape.Metrics, error) {
	m, err := scrape.From(ctx, r.metrics)
	if err != nil {
		err = fmt.Errorf("replica %d: %w", r.Number, err)
	}
	return m, err
}
