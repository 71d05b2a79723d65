// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server/servertest"
)

func TestTheTokenInMetadata(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	client := authzv1.NewKeyServiceClient(s.Dial(t, ""))
	good := "Bearer " + s.AdminToken
	for _, c := range []struct {
		name string
		md   []string
		want codes.Code
	}{
		{"none", nil, codes.Unauthenticated},
		{"good", []string{"authorization", good}, codes.OK},
		{"scheme in another case", []string{"authorization", "bEARER " + s.AdminToken}, codes.OK},
		{"no scheme", []string{"authorization", s.AdminToken}, codes.Unauthenticated},
		{"Basic", []string{"authorization", "Basic " + s.AdminToken}, codes.Unauthenticated},
		{"no token", []string{"authorization", "Bearer "}, codes.Unauthenticated},
		{"a prefix of it", []string{"authorization", good[:len(good)-1]}, codes.Unauthenticated},
		{"more than it", []string{"authorization", good + "x"}, codes.Unauthenticated},
		{"in another case", []string{"authorization", "Bearer " + strings.ToLower(s.AdminToken)}, codes.Unauthenticated},
		{"doubled", []string{"authorization", good, "authorization", good}, codes.Unauthenticated},
		{"joined", []string{"authorization", good + ", " + good}, codes.Unauthenticated},
		{"in another entry", []string{"x-api-key", s.AdminToken}, codes.Unauthenticated},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ctx := metadata.AppendToOutgoingContext(t.Context(), c.md...)
			_, err := client.ListKeys(ctx, &authzv1.ListKeysRequest{})
			wantCode(t, err, c.want)
			if strings.Contains(errorText(err), s.AdminToken[:8]) {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
}

func TestTheActorIsRecorded(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	ctx := metadata.AppendToOutgoingContext(t.Context(), "aeroplane-acting-user", "user-7")
	created, err := s.keys.CreateKey(ctx, newKey())
	wantCode(t, err, codes.OK)
	s.createKey(t) // for nobody in particular

	events, err := s.audit.ListEvents(t.Context(), &authzv1.ListEventsRequest{UserId: "user-7"})
	wantCode(t, err, codes.OK)
	if len(events.GetEvents()) != 1 {
		t.Fatalf("got %v", events)
	}
	e := events.GetEvents()[0]
	actor := e.GetActor()
	if e.GetSubjectId() != created.GetKey().GetId() || e.GetAction() != "key.create" ||
		actor.GetRole() != authzv1.CallerRole_CALLER_ROLE_ADMIN || actor.GetTokenName() != "test" ||
		actor.GetUserId() != "user-7" || !strings.HasPrefix(actor.GetAddress(), "127.0.0.1:") {
		t.Errorf("got %v", e)
	}
}

func TestTheActingUserMustBeOneWord(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	const entry = "aeroplane-acting-user"
	for _, md := range [][]string{
		{entry, "a", entry, "b"}, {entry, "a b"}, {entry, strings.Repeat("a", 129)}, {entry, "a,b"},
	} {
		_, err := s.keys.CreateKey(metadata.AppendToOutgoingContext(t.Context(), md...), newKey())
		wantCode(t, err, codes.InvalidArgument)
		if fields := fieldsOf(err); len(fields) != 1 || fields[0] != entry {
			t.Errorf("%v: at fault are %v", md, fields)
		}
	}
}

func TestAPanicHarmsNoOtherCall(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	store := &faulty{Store: openStore(t)}
	store.lookup = notAtOnce(func(ctx context.Context, q authz.Query) (authz.Facts, error) {
		if q.ID == "boom" {
			panic("the inner life of the service")
		}
		close(arrived)
		<-release
		return authz.FactsFrom(ctx, store.Store, q)
	})
	var logged servertest.Logbook
	s := start(t, servertest.Options{Store: store, Log: logged.Logger()})
	key := s.createKey(t).GetSecret()

	other := make(chan error, 1)
	go func() {
		answer, err := s.authorize.Authorize(t.Context(), withKey(key))
		if err == nil && !answer.GetAllowed() {
			err = errors.New(answer.String())
		}
		other <- err
	}()
	<-arrived
	boom := withKey(key)
	boom.Path = "/api/projects/boom"
	_, err := s.authorize.Authorize(t.Context(), boom)
	close(release)

	wantCode(t, err, codes.Internal)
	if m := status.Convert(err).Message(); m != "internal error" {
		t.Errorf("message %q", m)
	}
	if err := <-other; err != nil {
		t.Errorf("the other call: %v", err)
	}
	if log := logged.String(); !strings.Contains(log, "the inner life") || !strings.Contains(log, "interceptor_test.go") {
		t.Errorf("the panic and its stack are not logged: %s", log)
	}
	if strings.Contains(logged.String(), key) {
		t.Error("the log shows the key")
	}
}

// What a store says is logged whole, and shown as far as its kind allows.
func TestCausesAreLoggedAndNotSent(t *testing.T) {
	t.Parallel()
	cause := errors.New("pq: relation keys does not exist in SELECT digest FROM keys")
	for _, c := range []struct {
		err     error
		code    codes.Code
		message string
		level   string
	}{
		{authz.Errorf(authz.Internal, "cannot read keys").Because(cause), codes.Internal, "internal error", "ERROR"},
		{cause, codes.Internal, "internal error", "ERROR"},
		{authz.Errorf(authz.Unavailable, "try again").Because(cause), codes.Unavailable, "try again", "WARN"},
		{authz.Errorf(authz.NotFound, "no such key").Because(cause), codes.NotFound, "no such key", "DEBUG"},
	} {
		t.Run(c.level+" "+c.message, func(t *testing.T) {
			t.Parallel()
			var logged servertest.Logbook
			store := &faulty{Store: openStore(t)}
			store.key = func(context.Context, string) (authz.Key, error) { return authz.Key{}, c.err }
			s := start(t, servertest.Options{Store: store, Log: logged.Logger()})

			_, err := s.keys.GetKey(t.Context(), &authzv1.GetKeyRequest{Id: "k"})
			wantCode(t, err, c.code)
			sent := status.Convert(err)
			if sent.Message() != c.message || strings.Contains(sent.Proto().String(), "SELECT") {
				t.Errorf("sent %v", sent.Proto())
			}
			if log := logged.String(); !strings.Contains(log, cause.Error()) || !strings.Contains(log, "level="+c.level) {
				t.Errorf("logged %s", log)
			}
		})
	}
}

func TestWhatIsLogged(t *testing.T) {
	t.Parallel()
	var logged servertest.Logbook
	s := start(t, servertest.Options{Log: logged.Logger()})
	key := s.createKey(t)
	for _, want := range []string{"level=INFO", "msg=change", "KeyService/CreateKey", "token=test", "outcome=OK"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("a change does not log %s: %s", want, logged.String())
		}
	}

	before := logged.String()
	answer, err := s.authorize.Authorize(t.Context(), withKey(key.GetSecret()))
	if err != nil || !answer.GetAllowed() || logged.String() != before {
		t.Errorf("an allow: %v, %v; logged %s", answer, err, strings.TrimPrefix(logged.String(), before))
	}

	denied := withKey(strings.Replace(key.GetSecret(), "_", "-", 1))
	denied.Path += "?token=hush"
	answer, err = s.authorize.Authorize(t.Context(), denied)
	log := strings.TrimPrefix(logged.String(), before)
	if err != nil || answer.GetAllowed() || !strings.Contains(log, "level=DEBUG") ||
		!strings.Contains(log, "detail=malformed") || !strings.HasSuffix(log, "path=/api/projects\n") {
		t.Errorf("a denial: %v, %v; logged %s", answer, err, log)
	}
	lost := withKey("") // and put where it does not belong
	lost.Path = "/api/projects/" + key.GetSecret()
	lost.Method = key.GetSecret()
	if _, err := s.authorize.Authorize(t.Context(), lost); err != nil || !strings.Contains(logged.String(), "[redacted]") {
		t.Errorf("a key in the path: %v; logged %s", err, logged.String())
	}
	for _, secret := range []string{key.GetSecret()[24:], "hush", s.AdminToken, s.GatewayToken} {
		if strings.Contains(logged.String(), secret) {
			t.Errorf("the log shows %s", secret)
		}
	}
}

// The server looks at two messages of an AuthorizeRequest for unknown fields: there must be no third.
func TestAuthorizeRequestHoldsOneMessage(t *testing.T) {
	t.Parallel()
	var within []string
	for _, m := range []proto.Message{&authzv1.AuthorizeRequest{}, &authzv1.CredentialHeaders{}} {
		fields := m.ProtoReflect().Descriptor().Fields()
		for i := range fields.Len() {
			if fields.Get(i).Message() != nil {
				within = append(within, string(fields.Get(i).FullName()))
			}
		}
	}
	if len(within) != 1 || within[0] != "aeroplane.authz.v1.AuthorizeRequest.headers" {
		t.Errorf("got %v", within)
	}
}

// A field of a later version may hold a restriction, and so is not passed over.
func TestUnknownFieldsAreRefused(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	later := func(m proto.Message) {
		m.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1))
	}
	project := &authzv1.Project{Id: "b", Slug: "b"}
	later(project)
	batch := &authzv1.BatchPutProjectsRequest{Projects: []*authzv1.Project{{Id: "a", Slug: "a"}, project}}
	list := &authzv1.ListKeysRequest{}
	later(list)
	headers := &authzv1.CredentialHeaders{}
	later(headers)

	for _, c := range []struct {
		want string
		call func(context.Context) error
	}{
		{"projects[1].99", func(ctx context.Context) error {
			_, err := s.catalog.BatchPutProjects(ctx, batch)
			return err
		}},
		{"99", func(ctx context.Context) error {
			_, err := s.keys.ListKeys(ctx, list)
			return err
		}},
		{"headers.99", func(ctx context.Context) error {
			_, err := s.authorize.Authorize(ctx, &authzv1.AuthorizeRequest{
				Method: "GET", Path: "/", Credential: &authzv1.AuthorizeRequest_Headers{Headers: headers},
			})
			return err
		}},
	} {
		err := c.call(t.Context())
		wantCode(t, err, codes.InvalidArgument)
		if fields := fieldsOf(err); len(fields) != 1 || fields[0] != c.want ||
			!strings.Contains(err.Error(), "does not know field number 99 of message aeroplane.authz.v1.") {
			t.Errorf("want %s, got %v: %v", c.want, fields, err)
		}
	}
	projects, err := s.catalog.ListProjects(t.Context(), &authzv1.ListProjectsRequest{})
	if err != nil || len(projects.GetProjects()) != 0 {
		t.Errorf("half a batch was put: %v, %v", projects, err)
	}
}
