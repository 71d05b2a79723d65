// SPDX-License-Identifier: Apache-2.0

// Package conformance checks the whole service, through its real RPC and on every database, against what it owes:
// decisions.jsonl, a corpus of requests with the answers owed, and the sentences of Aeroplane's API Access page.
package conformance

import (
	"crypto/sha256"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"aeroplane.run/authz"
	"aeroplane.run/authz/embedded"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/sqlite"
	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/server/servertest"
)

func TestMain(m *testing.M) {
	aeroplanetest.Main()
	os.Exit(testservers.Main(m))
}

// onEveryStore runs a test with a fresh, empty service on each database, the default one first.
func onEveryStore(t *testing.T, test func(t *testing.T, f *fixture)) {
	t.Run("sqlite", func(t *testing.T) {
		dir := t.TempDir()
		store, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		f := newFixture(t, store)
		f.embed = func() *embedded.Replica { return openCopy(t, dir) }
		test(t, f)
	})
	t.Run("postgres", func(t *testing.T) {
		dsn := testservers.Postgres(t).NewDatabase(t)
		store, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn, Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		f := newFixture(t, store)
		f.embed = func() *embedded.Replica { return join(t, dsn) }
		test(t, f)
	})
}

// A fixture is a running service, and the world that the corpus speaks of. Names in braces stand for ids and
// credentials; they are made when they are first asked for.
type fixture struct {
	t     *testing.T
	clock atomic.Int64 // seconds that the service's clock is ahead
	store authz.Store  // for what no call of the contract can do

	keys     authzv1.KeyServiceClient
	catalog  authzv1.CatalogServiceClient
	sessions authzv1.SessionServiceClient
	explain  authzv1.ExplanationServiceClient
	gateway  *everyDoor
	embed    func() *embedded.Replica // on the same database, with what is in it now
	httpAddr string                   // where proxies ask

	adminToken string

	secrets map[string]string // by name in braces
	userIDs map[string]string // "owner" and "user2", or both empty in a single-user installation
}

func newFixture(t *testing.T, db servertest.Database) *fixture {
	f := &fixture{t: t, secrets: map[string]string{}, userIDs: map[string]string{"owner": "u-owner", "user2": "u-two"}}
	now := func() time.Time { return time.Now().Add(time.Duration(f.clock.Load()) * time.Second) }
	store := servertest.Fenced(t, db, now)
	f.store = store
	run := servertest.Start(t, servertest.Options{Store: store, Now: now})
	f.keys = authzv1.NewKeyServiceClient(run.Admin)
	f.catalog = authzv1.NewCatalogServiceClient(run.Admin)
	f.sessions = authzv1.NewSessionServiceClient(run.Admin)
	f.explain = authzv1.NewExplanationServiceClient(run.Admin)
	f.gateway = newEveryDoor(t, run)
	f.httpAddr, f.adminToken = run.HTTPAddr, run.AdminToken
	return f
}

func must[T any](t *testing.T) func(T, error) T {
	t.Helper()
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// id returns the id of "projectA", "serviceX" and so on. Its letters have both cases, so that case can be swapped.
func id(name string) string { return "iD-" + name + "-7f" }

// slug returns the slug of a project. S1 and S2 share theirs.
func slug(name string) string {
	if name == "projectS1" || name == "projectS2" {
		return "slug-shared"
	}
	return "slug-" + strings.ToLower(name)
}

// populate puts the users' projects, services and deployments of the corpus.
func (f *fixture) populate() {
	ctx, owner, user2 := f.t.Context(), f.userIDs["owner"], f.userIDs["user2"]
	project := func(letter, owner string) *authzv1.Project {
		name := "project" + letter
		return &authzv1.Project{Id: id(name), Slug: slug(name), Name: name, OwnerId: owner}
	}
	must[*authzv1.BatchPutProjectsResponse](f.t)(f.catalog.BatchPutProjects(ctx, &authzv1.BatchPutProjectsRequest{
		Projects: []*authzv1.Project{
			project("A", owner), project("B", owner), project("S1", owner),
			project("C", user2), project("S2", user2), project("O", ""),
		},
	}))
	service := func(letter, project string) *authzv1.Service {
		return &authzv1.Service{Id: id("service" + letter), ProjectId: id("project" + project)}
	}
	must[*authzv1.BatchPutServicesResponse](f.t)(f.catalog.BatchPutServices(ctx, &authzv1.BatchPutServicesRequest{
		Services: []*authzv1.Service{
			service("A", "A"), service("A2", "A"), service("B", "B"), service("C", "C"), service("O", "O"),
			service("X", "ThatDoesNotExist"),
		},
	}))
	deployment := func(letter, service string) *authzv1.Deployment {
		return &authzv1.Deployment{Id: id("deployment" + letter), ServiceId: id("service" + service)}
	}
	must[*authzv1.BatchPutDeploymentsResponse](f.t)(f.catalog.BatchPutDeployments(ctx, &authzv1.BatchPutDeploymentsRequest{
		Deployments: []*authzv1.Deployment{
			deployment("A", "A"), deployment("A2", "A2"), deployment("B", "B"), deployment("C", "C"),
			deployment("O", "O"), deployment("X", "X"), deployment("Z", "ThatDoesNotExist"),
		},
	}))
}

var inBraces = regexp.MustCompile(`\{[^{}]+\}`)

// expand replaces every name in braces.
func (f *fixture) expand(text string) string {
	return inBraces.ReplaceAllStringFunc(text, func(name string) string {
		name = name[1 : len(name)-1]
		kind, rest, _ := strings.Cut(name, ":")
		switch kind {
		case "key", "session":
			if f.secrets[name] == "" {
				f.secrets[name] = map[string]func(string) string{"key": f.key, "session": f.session}[kind](rest)
			}
			return f.secrets[name]
		}
		if n, filler, ok := strings.Cut(name, " x "); ok {
			return strings.Repeat(filler, must[int](f.t)(strconv.Atoi(n)))
		}
		noun, what, _ := strings.Cut(name, ".")
		switch what {
		case "id":
			return id(noun)
		case "ID":
			return strings.Map(swapCase, id(noun))
		case "slug":
			return slug(noun)
		case "SLUG":
			return strings.ToUpper(slug(noun))
		}
		f.t.Fatalf("what is {%s}?", name)
		return ""
	})
}

func swapCase(r rune) rune {
	if s := strings.ToLower(string(r)); s != string(r) {
		return []rune(s)[0]
	}
	return []rune(strings.ToUpper(string(r)))[0]
}

var keyName = regexp.MustCompile(`^(revoked |expired )?(user2 )?(read|write)/(?:(all)|selected\[([A-Z0-9,]*)\])$`)

// key creates the key of a name such as "expired user2 read/selected[C]". A name of another form was never issued.
func (f *fixture) key(name string) string {
	m := keyName.FindStringSubmatch(name)
	if m == nil {
		return apikey.Mint().Secret.Reveal()
	}
	user := "owner"
	if m[2] != "" {
		user = "user2"
	}
	r := &authzv1.CreateKeyRequest{
		Name: name, UserId: f.userIDs[user], AccessLevel: authzv1.AccessLevel_ACCESS_LEVEL_READ,
		Projects: &authzv1.ProjectScope{All: m[4] != ""}, Expiry: &authzv1.CreateKeyRequest_NeverExpires{NeverExpires: true},
	}
	if m[3] == "write" {
		r.AccessLevel = authzv1.AccessLevel_ACCESS_LEVEL_WRITE
	}
	const doomed = "projectDoomed" // selected, then deleted: the key reaches nothing
	switch {
	case m[4] != "":
	case m[5] == "":
		must[*authzv1.PutProjectResponse](f.t)(f.catalog.PutProject(f.t.Context(), &authzv1.PutProjectRequest{
			Project: &authzv1.Project{Id: id(doomed), Slug: slug(doomed), OwnerId: r.UserId},
		}))
		r.Projects.ProjectIds = []string{id(doomed)}
		defer func() {
			must[*authzv1.DeleteProjectResponse](f.t)(f.catalog.DeleteProject(f.t.Context(), &authzv1.DeleteProjectRequest{Id: id(doomed)}))
		}()
	default:
		for letter := range strings.SplitSeq(m[5], ",") {
			r.Projects.ProjectIds = append(r.Projects.ProjectIds, id("project"+letter))
		}
	}
	if m[1] == "expired " {
		r.Expiry = &authzv1.CreateKeyRequest_ExpiresIn{ExpiresIn: durationpb.New(time.Minute)}
		f.clock.Add(-61) // so that it is over when it is made
		defer f.clock.Add(61)
	}
	made := must[*authzv1.CreateKeyResponse](f.t)(f.keys.CreateKey(f.t.Context(), r))
	if m[1] == "revoked " {
		must[*authzv1.RevokeKeyResponse](f.t)(f.keys.RevokeKey(f.t.Context(), &authzv1.RevokeKeyRequest{Id: made.Key.Id}))
	}
	return made.Secret
}

// session puts the session of a name and returns its token. Names other than these were never put.
func (f *fixture) session(name string) string {
	token := fmt.Sprintf("%x", sha256.Sum256([]byte(name)))[:43]
	sum := sha256.Sum256([]byte(token))
	s := &authzv1.Session{
		TokenSha256: sum[:], UserId: f.userIDs[name], Role: authzv1.UserRole_USER_ROLE_USER,
		ExpireTime: timestamppb.New(time.Now().Add(30 * 24 * time.Hour)),
	}
	switch name {
	case "owner":
		s.Role = authzv1.UserRole_USER_ROLE_OWNER
	case "user2":
	case "expired":
		s.UserId, s.Role = f.userIDs["owner"], authzv1.UserRole_USER_ROLE_OWNER
		s.ExpireTime = timestamppb.New(time.Now().Add(-time.Second))
	case "of deleted user":
		s.UserId = "u-deleted"
		defer func() {
			must[*authzv1.RevokeSessionsOfUserResponse](f.t)(f.sessions.RevokeSessionsOfUser(f.t.Context(),
				&authzv1.RevokeSessionsOfUserRequest{UserId: s.UserId}))
		}()
	default:
		return token
	}
	must[*authzv1.PutSessionResponse](f.t)(f.sessions.PutSession(f.t.Context(), &authzv1.PutSessionRequest{Session: s}))
	return token
}

// ask sends one request, with headers as [name, value] pairs, as a gateway would.
func (f *fixture) ask(method, path string, headers [][2]string, targetProject *string) *authzv1.AuthorizeResponse {
	f.t.Helper()
	var h authz.CredentialHeaders
	for _, pair := range headers {
		h.Add(pair[0], f.expand(pair[1])) // a gateway does not forward any other
	}
	if targetProject != nil {
		expanded := f.expand(*targetProject)
		targetProject = &expanded
	}
	r := &authzv1.AuthorizeRequest{
		Method: method, Path: f.expand(path), TargetProjectId: targetProject,
		Credential: &authzv1.AuthorizeRequest_Headers{Headers: &authzv1.CredentialHeaders{
			Authorization: h.Authorization, XApiKey: h.APIKey, Cookie: h.Cookie,
		}},
	}
	return must[*authzv1.AuthorizeResponse](f.t)(f.gateway.Authorize(f.t.Context(), r))
}
