// SPDX-License-Identifier: Apache-2.0

// Package bench measures what a decision costs over the wire, beside an empty RPC of the same shape in the same run.
//
//	make bench
//
// It measures in rounds, so that the noise of a shared machine falls on all alike: compare medians within one run, as
// ratios. docs/performance.md has figures and their machine.
package bench

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/proto"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/sqlite"
	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/server/servertest"
)

func TestMain(m *testing.M) { os.Exit(testservers.Main(m)) }

// keys is how many keys and services are stored. Requests go through them in turn, so that nothing is asked for much more
// often than something else.
const keys = 1000

// BenchmarkAuthorize asks for a decision on a service route: the key, the service and its project are looked up, in memory.
func BenchmarkAuthorize(b *testing.B) {
	lite, pg := stores(b)
	onLite, onPostgres := newTarget(b, lite), newTarget(b, pg)
	empty := target{requests: onLite.requests, client: emptyServer(b, onLite.answer)}

	for _, callers := range []int{1, 64} {
		for _, t := range []struct {
			name string
			target
		}{{"empty", empty}, {"sqlite", onLite}, {"postgres", onPostgres}} {
			b.Run(fmt.Sprintf("callers=%d/server=%s", callers, t.name), func(b *testing.B) { t.run(b, callers) })
		}
	}
}

// stores returns an empty store on each database. Whoever uses one closes it.
func stores(b *testing.B) (lite, pg servertest.Database) {
	b.Helper()
	lite, err := sqlite.Open(b.Context(), sqlite.Config{Dir: b.TempDir(), Migrate: true})
	if err != nil {
		b.Fatal(err)
	}
	pg, err = postgres.Open(b.Context(), postgres.Config{DSN: testservers.Postgres(b).NewDatabase(b), Migrate: true})
	if err != nil {
		b.Fatal(err)
	}
	return lite, pg
}

// A target is a server, and requests that it allows.
type target struct {
	client   authzv1.AuthorizationServiceClient
	requests []*authzv1.AuthorizeRequest
	answer   *authzv1.AuthorizeResponse
}

func (t target) run(b *testing.B, callers int) {
	b.ReportAllocs()
	b.SetParallelism(max(callers/2, 1)) // times GOMAXPROCS, which is 2 where the figures come from
	var next atomic.Uint64
	ask := func() {
		r := t.requests[next.Add(1)%uint64(len(t.requests))]
		if a, err := t.client.Authorize(b.Context(), r); err != nil || !a.Allowed {
			b.Errorf("%v, %v", a, err)
		}
	}
	b.ResetTimer()
	if callers == 1 {
		for b.Loop() {
			ask()
		}
		return
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			ask()
		}
	})
}

// newTarget runs the service on store and fills it.
func newTarget(b *testing.B, store servertest.Database) target {
	b.Helper()
	run := servertest.Start(b, servertest.Options{Store: store})
	catalog, keyService := authzv1.NewCatalogServiceClient(run.Admin), authzv1.NewKeyServiceClient(run.Admin)
	if _, err := catalog.PutProject(b.Context(), &authzv1.PutProjectRequest{
		Project: &authzv1.Project{Id: "project", Slug: "project"},
	}); err != nil {
		b.Fatal(err)
	}
	t := target{client: authzv1.NewAuthorizationServiceClient(run.Gateway)}
	for i := range keys {
		service := fmt.Sprintf("service-%d", i)
		if _, err := catalog.PutService(b.Context(), &authzv1.PutServiceRequest{
			Service: &authzv1.Service{Id: service, ProjectId: "project"},
		}); err != nil {
			b.Fatal(err)
		}
		k, err := keyService.CreateKey(b.Context(), &authzv1.CreateKeyRequest{
			Name: "bench", AccessLevel: authzv1.AccessLevel_ACCESS_LEVEL_WRITE,
			Projects: &authzv1.ProjectScope{All: true}, Expiry: &authzv1.CreateKeyRequest_NeverExpires{NeverExpires: true},
		})
		if err != nil {
			b.Fatal(err)
		}
		t.requests = append(t.requests, &authzv1.AuthorizeRequest{
			Method: "GET", Path: "/api/services/" + service + "/overview",
			Credential: &authzv1.AuthorizeRequest_ApiKey{ApiKey: k.Secret},
		})
	}
	for _, r := range t.requests { // from here on all that is needed is in memory
		answer, err := t.client.Authorize(b.Context(), r)
		if err != nil || !answer.Allowed {
			b.Fatal(answer, err)
		}
		t.answer = answer
	}
	return t
}

// emptyServer answers every Authorize with the same answer and does nothing else.
func emptyServer(b *testing.B, answer *authzv1.AuthorizeResponse) authzv1.AuthorizationServiceClient {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	s := grpc.NewServer()
	authzv1.RegisterAuthorizationServiceServer(s, emptyService{answer: proto.CloneOf(answer)})
	go func() { _ = s.Serve(l) }()
	b.Cleanup(s.Stop)
	conn, err := grpc.NewClient(l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return authzv1.NewAuthorizationServiceClient(conn)
}

type emptyService struct {
	authzv1.UnimplementedAuthorizationServiceServer
	answer *authzv1.AuthorizeResponse
}

func (s emptyService) Authorize(context.Context, *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error) {
	return s.answer, nil
}
