// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/sqlite"
	"aeroplane.run/authz/server"
	"aeroplane.run/authz/server/servertest"
)

func TestMain(m *testing.M) {
	server.BePatient(time.Second)
	server.BoundSyncs(maxSync, 2*time.Second)
	goleak.VerifyTestMain(m)
}

func openStore(t *testing.T) servertest.Store { return openStoreAt(t, nil) }

func openStoreAt(t *testing.T, now func() time.Time) servertest.Store {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	return servertest.Fenced(t, store, now)
}

// A service is a running one, with a client of each kind.
type service struct {
	*servertest.Running
	store     servertest.Store
	authorize authzv1.AuthorizationServiceClient
	keys      authzv1.KeyServiceClient
	catalog   authzv1.CatalogServiceClient
	sessions  authzv1.SessionServiceClient
	audit     authzv1.AuditServiceClient
}

func start(t *testing.T, o servertest.Options) *service {
	t.Helper()
	if o.Store == nil {
		o.Store = openStoreAt(t, o.Now)
	}
	r := servertest.Start(t, o)
	store, _ := o.Store.(servertest.Store) // nil: a database by itself
	return &service{
		Running:   r,
		store:     store,
		authorize: authzv1.NewAuthorizationServiceClient(r.Gateway),
		keys:      authzv1.NewKeyServiceClient(r.Admin),
		catalog:   authzv1.NewCatalogServiceClient(r.Admin),
		sessions:  authzv1.NewSessionServiceClient(r.Admin),
		audit:     authzv1.NewAuditServiceClient(r.Admin),
	}
}

// A faulty store is a real one, some of whose look-ups are replaced.
type faulty struct {
	servertest.Store
	lookup lookUp
	key    func(context.Context, string) (authz.Key, error)
}

func (f *faulty) Lookup(ctx context.Context, l *authz.Lookup) (err error) {
	if f.lookup == nil {
		return f.Store.Lookup(ctx, l)
	}
	l.Facts, err = f.lookup(ctx, l.Query)
	return err
}

func (f *faulty) Key(ctx context.Context, id string) (authz.Key, error) {
	if f.key == nil {
		return f.Store.Key(ctx, id)
	}
	return f.key(ctx, id)
}

// A lookUp is the method of a store.
type lookUp func(context.Context, authz.Query) (authz.Facts, error)

// notAtOnce is a look-up that gives nothing at once.
func notAtOnce(l lookUp) lookUp {
	return func(ctx context.Context, q authz.Query) (authz.Facts, error) {
		if q.AtOnce {
			return authz.Facts{}, authz.ErrNotAtOnce
		}
		return l(ctx, q)
	}
}

// stuck is a store whose look-up waits until nobody wants it any more.
func stuck(t *testing.T) *faulty {
	t.Helper()
	return &faulty{Store: openStore(t), lookup: notAtOnce(func(ctx context.Context, _ authz.Query) (authz.Facts, error) {
		<-ctx.Done()
		return authz.Facts{}, ctx.Err()
	})}
}

// waiting is a store whose look-up says that it has begun, once, and goes on when it is released.
func waiting(t *testing.T) (store *faulty, begun <-chan struct{}, release chan<- struct{}) {
	t.Helper()
	arrived, released := make(chan struct{}), make(chan struct{})
	store = &faulty{Store: openStore(t)}
	store.lookup = notAtOnce(func(ctx context.Context, q authz.Query) (authz.Facts, error) {
		close(arrived)
		<-released
		return authz.FactsFrom(ctx, store.Store, q)
	})
	return store, arrived, released
}

// wantCode checks the code of an error, nil included.
func wantCode(t *testing.T, err error, want codes.Code) {
	t.Helper()
	if got := status.Code(err); got != want {
		t.Fatalf("got %s, want %s: %v", got, want, err)
	}
}

// fieldsOf returns the fields that an error says are at fault.
func fieldsOf(err error) (fields []string) {
	for _, d := range status.Convert(err).Details() {
		if b, ok := d.(*errdetails.BadRequest); ok {
			for _, v := range b.GetFieldViolations() {
				fields = append(fields, v.GetField())
			}
		}
	}
	return fields
}

// reasonsOf returns the reasons that an error gives.
func reasonsOf(err error) (reasons []string) {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok {
			reasons = append(reasons, info.GetReason())
		}
	}
	return reasons
}

// createKey makes a key that reaches all projects and does not expire.
func (s *service) createKey(t *testing.T) *authzv1.CreateKeyResponse {
	t.Helper()
	created, err := s.keys.CreateKey(t.Context(), newKey())
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func newKey() *authzv1.CreateKeyRequest {
	return &authzv1.CreateKeyRequest{
		Name: "ci", AccessLevel: authzv1.AccessLevel_ACCESS_LEVEL_WRITE, Projects: &authzv1.ProjectScope{All: true},
		Expiry: &authzv1.CreateKeyRequest_NeverExpires{NeverExpires: true},
	}
}

// withKey asks for the list of projects, with a key.
func withKey(key string) *authzv1.AuthorizeRequest {
	return &authzv1.AuthorizeRequest{
		Method: "GET", Path: "/api/projects", Credential: &authzv1.AuthorizeRequest_ApiKey{ApiKey: key},
	}
}

// putSession puts a session of an owner without a user, and returns its token.
func putSession(t *testing.T, s *service) string {
	t.Helper()
	const token = "the-token-of-a-session"
	digest := sha256.Sum256([]byte(token))
	_, err := s.sessions.PutSession(t.Context(), &authzv1.PutSessionRequest{Session: &authzv1.Session{TokenSha256: digest[:],
		Role: authzv1.UserRole_USER_ROLE_OWNER, ExpireTime: timestamppb.New(time.Now().Add(time.Hour))}})
	wantCode(t, err, codes.OK)
	return token
}

// transferWorld puts the service s in the project here, and the projects there and elsewhere. It returns a key for here and there.
func transferWorld(t *testing.T, s *service) (key string) {
	t.Helper()
	for _, id := range []string{"here", "there", "elsewhere"} {
		_, err := s.catalog.PutProject(t.Context(), &authzv1.PutProjectRequest{Project: &authzv1.Project{Id: id, Slug: id}})
		wantCode(t, err, codes.OK)
	}
	_, err := s.catalog.PutService(t.Context(), &authzv1.PutServiceRequest{Service: &authzv1.Service{Id: "s", ProjectId: "here"}})
	wantCode(t, err, codes.OK)
	in := newKey()
	in.Projects = &authzv1.ProjectScope{ProjectIds: []string{"here", "there"}}
	created, err := s.keys.CreateKey(t.Context(), in)
	wantCode(t, err, codes.OK)
	return created.GetSecret()
}
