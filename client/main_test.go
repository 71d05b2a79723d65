// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"aeroplane.run/authz/client"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/sqlite"
	"aeroplane.run/authz/server/servertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// start runs the service on a database of its own.
func start(t testing.TB, o servertest.Options) *servertest.Running {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	o.Store = store
	return servertest.Start(t, o)
}

// connect returns a client that is closed when the test ends.
func connect(t testing.TB, c client.Config) *client.Client {
	t.Helper()
	made, err := client.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = made.Close() })
	return made
}

// of is how to ask a service that runs.
func of(run *servertest.Running) client.Config {
	return client.Config{Target: run.Addr, Token: client.NewSecret(run.GatewayToken)}
}

// newKey makes a key. Without projects it is for all of them.
func newKey(t testing.TB, run *servertest.Running, access authzv1.AccessLevel, projects ...string) string {
	t.Helper()
	made, err := authzv1.NewKeyServiceClient(run.Admin).CreateKey(t.Context(), &authzv1.CreateKeyRequest{
		Name: "ci", AccessLevel: access, Projects: &authzv1.ProjectScope{All: len(projects) == 0, ProjectIds: projects},
		Expiry: &authzv1.CreateKeyRequest_NeverExpires{NeverExpires: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	return made.Secret
}

const (
	reads  = authzv1.AccessLevel_ACCESS_LEVEL_READ
	writes = authzv1.AccessLevel_ACCESS_LEVEL_WRITE
)

// projects puts two projects, and a service of the first, into the catalog.
func projects(t testing.TB, run *servertest.Running) {
	t.Helper()
	catalog := authzv1.NewCatalogServiceClient(run.Admin)
	for _, id := range []string{"p", "q"} {
		if _, err := catalog.PutProject(t.Context(), &authzv1.PutProjectRequest{Project: &authzv1.Project{Id: id, Slug: id}}); err != nil {
			t.Fatal(err)
		}
	}
	put := &authzv1.PutServiceRequest{Service: &authzv1.Service{Id: "s", ProjectId: "p"}}
	if _, err := catalog.PutService(t.Context(), put); err != nil {
		t.Fatal(err)
	}
}

// listenAs runs a gRPC server that passes for the service, and returns its address.
func listenAs(t testing.TB, s authzv1.AuthorizationServiceServer, options ...grpc.ServerOption) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(append(options, grpc.WaitForHandlers(true))...)
	authzv1.RegisterAuthorizationServiceServer(server, s)
	healthy := health.NewServer()
	healthy.SetServingStatus(authzv1.AuthorizationService_ServiceDesc.ServiceName, healthpb.HealthCheckResponse_SERVING)
	healthpb.RegisterHealthServer(server, healthy)
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(l) })
	t.Cleanup(func() {
		server.Stop()
		serving.Wait()
	})
	return l.Addr().String()
}

// serve runs an HTTP server until the test ends, and returns its address.
func serve(t testing.TB, h http.Handler) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

// raw sends a request as it is written, but for Host, and returns the answer.
func raw(t testing.TB, address, head, body string) string {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, head+"Host: gateway.test\r\nConnection: close\r\n\r\n"+body); err != nil {
		t.Fatal(err)
	}
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return string(answer)
}

// statusOf returns the status of an answer that raw has returned, 0 if it has none.
func statusOf(answer string) (status int) {
	var minor int
	_, _ = fmt.Sscanf(answer, "HTTP/1.%d %d ", &minor, &status)
	return status
}

// unreached is an upstream that nothing may reach.
func unreached(t *testing.T) http.HandlerFunc {
	return func(http.ResponseWriter, *http.Request) { t.Error("it was passed on") }
}
