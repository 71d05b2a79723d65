// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

const testToken = "0123456789012345678901234567890123456789"

// A process is a server that runs as a process of its own.
type process struct {
	*exec.Cmd
	*grpc.ClientConn
	output  *output
	ended   chan struct{}
	waitErr error // once ended is closed
}

// An output can be read while it is written.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// startServer starts a server with one token for everything, and returns when it serves. It ends with the test.
func startServer(t testing.TB, dataDir string, args ...string) *process {
	t.Helper()
	p := newServer(t, dataDir, args...)
	p.start(t)
	return p
}

func newServer(t testing.TB, dataDir string, args ...string) *process {
	t.Helper()
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	program, err := exec.LookPath("aeroplane-authz") // TestMain put it there
	if err != nil {
		t.Fatal(err)
	}
	p := &process{Cmd: exec.Command(program, append([]string{"serve"}, args...)...), output: new(output), ended: make(chan struct{})}
	p.Env = []string{"PATH=" + os.Getenv("PATH"), "AEROPLANE_AUTHZ_LISTEN=" + address, "AEROPLANE_AUTHZ_DATA_DIR=" + dataDir,
		"AEROPLANE_AUTHZ_ADMIN_TOKENS=test " + testToken, "AEROPLANE_AUTHZ_OPS_LISTEN=off",
		"AEROPLANE_AUTHZ_HTTP_LISTEN=off"}
	p.Stdout, p.Stderr = p.output, p.output
	if p.ClientConn, err = grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithUnaryInterceptor(withTestToken)); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *process) start(t testing.TB) {
	t.Helper()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.waitErr = p.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.end(t, syscall.SIGKILL)
		_ = p.Close()
		if t.Failed() {
			t.Logf("server %s:\n%s", p.Target(), p.output)
		}
	})
	p.await(t, healthpb.HealthCheckResponse_SERVING)
}

func withTestToken(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return next(metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+testToken), method, req, reply, cc, opts...)
}

// await waits for a state of health.
func (p *process) await(t testing.TB, want healthpb.HealthCheckResponse_ServingStatus) {
	t.Helper()
	var out *healthpb.HealthCheckResponse
	var err error
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(poll) {
		out, err = healthpb.NewHealthClient(p).Check(t.Context(), new(healthpb.HealthCheckRequest))
		if err == nil && out.GetStatus() == want {
			return
		}
		select {
		case <-p.ended:
			t.Fatalf("the server ended: %v", p.waitErr)
		default:
		}
	}
	t.Fatalf("health is %v, %v, want %v", out.GetStatus(), err, want)
}

// end sends a signal and waits for the end.
func (p *process) end(t testing.TB, sig os.Signal) error {
	t.Helper()
	if err := p.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		_ = p.Process.Kill()
		t.Errorf("the server did not end on %v", sig)
	}
	return p.waitErr
}

// createKey creates a key that reaches everything.
func (p *process) createKey(ctx context.Context) (id, secret string, err error) {
	out, err := v1.NewKeyServiceClient(p).CreateKey(ctx, &v1.CreateKeyRequest{
		Name: "test", AccessLevel: v1.AccessLevel_ACCESS_LEVEL_READ, Projects: &v1.ProjectScope{All: true},
		Expiry: &v1.CreateKeyRequest_NeverExpires{NeverExpires: true},
	})
	return out.GetKey().GetId(), out.GetSecret(), err
}

func (p *process) revokeKey(ctx context.Context, id string) error {
	_, err := v1.NewKeyServiceClient(p).RevokeKey(ctx, &v1.RevokeKeyRequest{Id: id})
	return err
}

// allows asks whether a key may read something.
func (p *process) allows(ctx context.Context, secret string) (bool, error) {
	out, err := v1.NewAuthorizationServiceClient(p).Authorize(ctx, &v1.AuthorizeRequest{
		Method: "GET", Path: "/api/projects", Credential: &v1.AuthorizeRequest_ApiKey{ApiKey: secret},
	})
	return out.GetAllowed(), err
}

// mustAllow fails the test unless the answer is want.
func (p *process) mustAllow(t *testing.T, secret string, want bool) {
	t.Helper()
	if got, err := p.allows(t.Context(), secret); err != nil || got != want {
		t.Fatalf("allowed is %v, %v, want %v", got, err, want)
	}
}

func mustCode(t *testing.T, err error, want codes.Code) {
	t.Helper()
	if status.Code(err) != want {
		t.Fatalf("%v, want the code %v", err, want)
	}
}

// mustReason wants an error to say why, as gateways are told.
func mustReason(t *testing.T, err error, want string) {
	t.Helper()
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok && info.GetReason() == want {
			return
		}
	}
	t.Fatalf("%v, %v, want the reason %s", err, status.Convert(err).Details(), want)
}

// postgresFlags returns the arguments that store on a database. The password goes into a file.
func postgresFlags(t testing.TB, dsn string) []string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	password, _ := u.User.Password()
	u.User = url.User(u.User.Username())
	file := t.TempDir() + "/password"
	if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(u.String(), password) {
		t.Fatal("the password is still in the URL")
	}
	return []string{"--postgres-url", u.String(), "--postgres-password-file", file}
}
