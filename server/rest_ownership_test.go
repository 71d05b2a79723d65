// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/server/servertest"
)

// A restLooker is somebody who looks at what there is in JSON.
type restLooker struct {
	name string
	get  func(target string) (int, string)
	post func(target, body string) (int, string)
}

func (s *service) looker(t testing.TB, name, headers string) restLooker {
	ask := func(method, target, body string) (int, string) {
		t.Helper()
		r, answer := s.rest(t, method, target, headers+ownPage+asJSON, body)
		return r.StatusCode, answer
	}
	return restLooker{name, func(target string) (int, string) { return ask("GET", target, "") },
		func(target, body string) (int, string) { return ask("POST", target, body) }}
}

const restKey = `{"name":"%s","userId":"%s","accessLevel":"ACCESS_LEVEL_READ","projects":{"all":true},"neverExpires":true}`

// make creates a key, and returns its id and the whole of it.
func (l restLooker) make(t testing.TB, name, userID string) (id, key string) {
	t.Helper()
	status, answer := l.post("/authz/v1/keys", fmt.Sprintf(restKey, name, userID))
	var made struct {
		Key    struct{ ID string }
		Secret string
	}
	if err := json.Unmarshal([]byte(answer), &made); err != nil || status != 200 {
		t.Fatalf("%s: %d %s", l.name, status, apikey.Redact(answer))
	}
	return made.Key.ID, made.Secret
}

// list returns the names, or else the ids, of what is listed.
func (l restLooker) list(t testing.TB, target string) (names []string) {
	t.Helper()
	status, answer := l.get(target)
	var list struct {
		Keys     []struct{ Name string }
		Projects []struct{ ID string }
	}
	if err := json.Unmarshal([]byte(answer), &list); err != nil || status != 200 {
		t.Errorf("%s: %s: %d %s", l.name, target, status, answer)
	}
	for _, k := range list.Keys {
		names = append(names, k.Name)
	}
	for _, p := range list.Projects {
		names = append(names, p.ID)
	}
	slices.Sort(names)
	return names
}

// A session sees what is its user's, an owner's and a console session everything; and as little can be changed.
func TestRESTOwnership(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	s.putProjects(t, "ada", "a1", "a2")
	s.putProjects(t, "bob", "b1")
	s.putProjects(t, "", "n1")
	admin := s.looker(t, "an administrator", s.bearer())
	console := s.looker(t, "a console session", consoleCookie(s.openConsole(t)))
	owner := s.looker(t, "root", sessionCookie(s.browse(t, "root", authzv1.UserRole_USER_ROLE_OWNER).session))
	ada := s.looker(t, "ada", sessionCookie(s.browseAsUser(t, "ada").session))
	bob := s.looker(t, "bob", sessionCookie(s.browseAsUser(t, "bob").session))
	nobody := s.looker(t, "nobody", sessionCookie(s.browse(t, "", authzv1.UserRole_USER_ROLE_USER).session))
	ids := map[string]string{}
	for name, l := range map[string]restLooker{"ada": ada, "bob": bob, "root": owner, "": nobody} {
		id, key := l.make(t, "of "+l.name, "")
		if ids[name] = id; !s.allows(t, key) {
			t.Errorf("the key of %q is no good", name)
		}
		if k, err := s.keys.GetKey(t.Context(), &authzv1.GetKeyRequest{Id: id}); err != nil || k.GetKey().GetUserId() != name {
			t.Errorf("the key that %q has made is of %q: %v", name, k.GetKey().GetUserId(), err)
		}
	}
	all, projects := []string{"of ada", "of bob", "of nobody", "of root"}, []string{"a1", "a2", "b1", "n1"}
	for _, c := range []struct {
		who            restLooker
		keys, projects []string
		sees           []string // whose keys
	}{
		{admin, all, projects, []string{"", "ada", "bob", "root"}},
		{console, all, projects, []string{"", "ada", "bob", "root"}},
		{owner, all, projects, []string{"", "ada", "bob", "root"}},
		{ada, []string{"of ada"}, []string{"a1", "a2"}, []string{"ada"}},
		{bob, []string{"of bob"}, []string{"b1"}, []string{"bob"}},
		{nobody, []string{"of nobody"}, projects, []string{""}},
	} {
		if diff := cmp.Diff(c.keys, c.who.list(t, "/authz/v1/keys")); diff != "" {
			t.Errorf("%s: keys (-want +got):\n%s", c.who.name, diff)
		}
		if diff := cmp.Diff(c.projects, c.who.list(t, "/authz/v1/projects")); diff != "" {
			t.Errorf("%s: projects (-want +got):\n%s", c.who.name, diff)
		}
		_, none := c.who.get("/authz/v1/keys/0123456789ABCDEF")
		for user, id := range ids {
			seen := slices.Contains(c.sees, user)
			if status, answer := c.who.get("/authz/v1/keys/" + id); (status == 200) != seen || !seen && (status != 404 || answer != none) {
				t.Errorf("%s looks at the key of %q: %d %s, of none %s", c.who.name, user, status, answer, none)
			}
			explain := func(id string) (int, string) {
				return c.who.post("/authz/v1/authorize:explain", `{"method":"GET","path":"/api/projects","keyId":"`+id+`"}`)
			}
			_, none := explain("0123456789ABCDEF")
			if status, answer := explain(id); (status == 200) != seen || !seen && (status != 404 || answer != none) {
				t.Errorf("%s asks about the key of %q: %d %s, of none %s", c.who.name, user, status, answer, none)
			}
			if seen {
				continue
			}
			status, answer := c.who.post("/authz/v1/keys/"+id+":revoke", "{}")
			if unknown, ofNone := c.who.post("/authz/v1/keys/0123456789ABCDEF:revoke", "{}"); status != 404 || unknown != 404 || answer != ofNone {
				t.Errorf("%s revokes the key of %q: %d %s, of none %d %s", c.who.name, user, status, answer, unknown, ofNone)
			}
		}
	}
	for user, id := range ids {
		if k, err := s.keys.GetKey(t.Context(), &authzv1.GetKeyRequest{Id: id}); err != nil || k.GetKey().GetRevokeTime() != nil {
			t.Errorf("the key of %q was revoked by somebody else: %v", user, err)
		}
	}
	for _, c := range []struct {
		who restLooker
		of  string
	}{{owner, "ada"}, {console, "bob"}, {admin, "root"}, {nobody, ""}} {
		if status, answer := c.who.post("/authz/v1/keys/"+ids[c.of]+":revoke", "{}"); status != 200 || !strings.Contains(answer, `"KEY_STATE_REVOKED"`) {
			t.Errorf("%s revokes the key of %q: %d %s", c.who.name, c.of, status, answer)
		}
	}
}

// Whose a key is is looked up only for whom it matters, and a key that is not the visitor's is not read: how long that takes would tell of it.
func TestRESTOwnershipOfWhoSeesAll(t *testing.T) {
	t.Parallel()
	store := &keyReads{Store: openStore(t)}
	s := start(t, servertest.Options{Store: store})
	owner := s.looker(t, "root", sessionCookie(s.browse(t, "root", authzv1.UserRole_USER_ROLE_OWNER).session))
	ada, bob := s.looker(t, "ada", sessionCookie(s.browseAsUser(t, "ada").session)), s.looker(t, "bob", sessionCookie(s.browseAsUser(t, "bob").session))
	id, _ := ada.make(t, "k", "")
	for _, c := range []struct {
		who                  restLooker
		status               int
		wantHeads, wantWhole int64
	}{{owner, 200, 0, 1}, {ada, 200, 1, 1}, {bob, 404, 1, 0}} {
		store.heads.Store(0)
		store.whole.Store(0)
		if status, answer := c.who.get("/authz/v1/keys/" + id); status != c.status {
			t.Errorf("%s: %d %s", c.who.name, status, answer)
		}
		if heads, whole := store.heads.Load(), store.whole.Load(); heads != c.wantHeads || whole != c.wantWhole {
			t.Errorf("%s: the key's head is read %d times, and the key %d; want %d and %d", c.who.name, heads, whole, c.wantHeads, c.wantWhole)
		}
	}
}

// keyReads counts how often a key is read by its id.
type keyReads struct {
	servertest.Store
	heads, whole atomic.Int64
}

func (s *keyReads) Key(ctx context.Context, id string) (authz.Key, error) {
	s.whole.Add(1)
	return s.Store.Key(ctx, id)
}

func (s *keyReads) KeyHead(ctx context.Context, id string) (authz.KeyHead, error) {
	s.heads.Add(1)
	return s.Store.KeyHead(ctx, id)
}

// What a session asks for in so many words, and may not have, is refused, and not left out.
func TestRESTForOthers(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	s.putProjects(t, "bob", "b1")
	owner := s.looker(t, "root", sessionCookie(s.browse(t, "root", authzv1.UserRole_USER_ROLE_OWNER).session))
	ada := s.looker(t, "ada", sessionCookie(s.browseAsUser(t, "ada").session))
	nobody := s.looker(t, "nobody", sessionCookie(s.browse(t, "", authzv1.UserRole_USER_ROLE_USER).session))
	console := s.looker(t, "a console session", consoleCookie(s.openConsole(t)))
	for _, c := range []struct {
		who    restLooker
		target string
		status int
	}{
		{ada, "/authz/v1/keys?userId=ada", 200}, {ada, "/authz/v1/keys?userId=bob", 403}, {ada, "/authz/v1/keys?user_id=bob", 403}, {ada, "/authz/v1/keys?userId=", 403},
		{ada, "/authz/v1/keys?userId=bob&user_id=ada", 400}, {ada, "/authz/v1/keys?userId=ada&userId=bob", 400},
		{ada, "/authz/v1/projects?ownerId=ada", 200}, {ada, "/authz/v1/projects?ownerId=bob", 403}, {ada, "/authz/v1/projects?ownerId=", 403},
		{nobody, "/authz/v1/keys?userId=", 200}, {nobody, "/authz/v1/keys?userId=bob", 403}, {nobody, "/authz/v1/projects?ownerId=bob", 200},
		{owner, "/authz/v1/keys?userId=bob", 200}, {owner, "/authz/v1/projects?ownerId=bob", 200}, {owner, "/authz/v1/events?userId=bob", 200},
		{console, "/authz/v1/keys?userId=bob", 200}, {console, "/authz/v1/projects?ownerId=", 200}, {console, "/authz/v1/events", 200},
		{ada, "/authz/v1/events", 403}, {ada, "/authz/v1/events?userId=ada", 403}, {nobody, "/authz/v1/events", 403},
	} {
		if status, answer := c.who.get(c.target); status != c.status {
			t.Errorf("%s: %s: %d, want %d: %s", c.who.name, c.target, status, c.status, answer)
		}
	}
	for _, c := range []struct {
		who    restLooker
		userID string
		status int
	}{{ada, "ada", 200}, {ada, "bob", 400}, {owner, "root", 200}, {owner, "bob", 400}, {nobody, "bob", 400}, {console, "bob", 200}, {console, "", 200}} {
		status, answer := c.who.post("/authz/v1/keys", fmt.Sprintf(restKey, "k", c.userID))
		if status != c.status || status == 400 && !slices.Equal(refused(t, answer).fields(), []string{"userId"}) {
			t.Errorf("%s makes a key of %q: %d %s", c.who.name, c.userID, status, apikey.Redact(answer))
		}
	}
	// A key of ada's does not reach what is bob's.
	status, answer := ada.post("/authz/v1/keys", `{"name":"k","accessLevel":"ACCESS_LEVEL_READ","projects":{"projectIds":["b1"]},"neverExpires":true}`)
	if status != 400 || !slices.Equal(refused(t, answer).fields(), []string{"projects.projectIds"}) {
		t.Errorf("%d %s", status, apikey.Redact(answer))
	}
}

// A page of ada's list leads to the next one of hers alone, whoever brings it.
func TestRESTPageTokens(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	ada := s.looker(t, "ada", sessionCookie(s.browseAsUser(t, "ada").session))
	bob := s.looker(t, "bob", sessionCookie(s.browseAsUser(t, "bob").session))
	for _, l := range []restLooker{ada, bob, ada, bob} {
		l.make(t, "of "+l.name, "")
	}
	var page struct{ NextPageToken string }
	if _, answer := ada.get("/authz/v1/keys?pageSize=1"); json.Unmarshal([]byte(answer), &page) != nil || page.NextPageToken == "" {
		t.Fatal(answer)
	}
	if diff := cmp.Diff([]string{"of ada"}, ada.list(t, "/authz/v1/keys?pageSize=1&pageToken="+page.NextPageToken)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if status, answer := bob.get("/authz/v1/keys?pageSize=1&pageToken=" + page.NextPageToken); status != 400 {
		t.Errorf("bob goes on in ada's list: %d %s", status, answer)
	}
}

// On record is who did it: a session for its own user, whatever a header says; and a token, or a console session on its strength, for whom
// it says.
func TestRESTActors(t *testing.T) {
	t.Parallel()
	var log servertest.Logbook
	s := start(t, servertest.Options{Log: log.Logger()})
	owner, user, console := s.browse(t, "root", authzv1.UserRole_USER_ROLE_OWNER).session, s.browseAsUser(t, "ada").session, s.openConsole(t)
	const forBob = "Aeroplane-Acting-User: bob\r\nGrpc-Metadata-Aeroplane-Acting-User: eve\r\n"
	for _, c := range []struct{ headers, want string }{
		{s.bearer(), "CALLER_ROLE_ADMIN test "}, {s.bearer() + forBob, "CALLER_ROLE_ADMIN test bob"},
		{s.bearer() + "Grpc-Metadata-Aeroplane-Acting-User: eve\r\n", "CALLER_ROLE_ADMIN test "},
		{consoleCookie(console), "CALLER_ROLE_ADMIN test "}, {consoleCookie(console) + forBob, "CALLER_ROLE_ADMIN test bob"},
		{sessionCookie(user), "CALLER_ROLE_SYSTEM console ada"}, {sessionCookie(user) + forBob, "CALLER_ROLE_SYSTEM console ada"},
		{sessionCookie(owner) + forBob, "CALLER_ROLE_SYSTEM console root"},
		{s.bearer() + sessionCookie(user), "CALLER_ROLE_ADMIN test "},
	} {
		id, key := s.looker(t, c.want, c.headers).make(t, "k", "")
		events, err := s.audit.ListEvents(t.Context(), &authzv1.ListEventsRequest{SubjectId: id})
		if err != nil || len(events.GetEvents()) != 1 {
			t.Fatalf("%v, %v", events, err)
		}
		a := events.GetEvents()[0].GetActor()
		if got := fmt.Sprint(a.GetRole(), " ", a.GetTokenName(), " ", a.GetUserId()); got != c.want || !strings.HasPrefix(a.GetAddress(), "127.0.0.1:") {
			t.Errorf("on record is %s at %s, want %s", got, a.GetAddress(), c.want)
		}
		line := fmt.Sprintf("KeyService/CreateKey token=%s user=%s address=127.0.0.1:", a.GetTokenName(), a.GetUserId())
		if line = strings.Replace(line, "user= ", `user="" `, 1); !strings.Contains(log.String(), line) {
			t.Errorf("the log has no line %q", line)
		}
		if strings.Contains(log.String(), key) || strings.Contains(log.String(), key[20:60]) {
			t.Error("the log has a key")
		}
	}
	for _, token := range []string{owner, user, console, s.AdminToken} {
		if strings.Contains(log.String(), token) {
			t.Error("the log has a token")
		}
	}
	for _, headers := range []string{"Aeroplane-Acting-User: a b\r\n", "Aeroplane-Acting-User: ada\r\nAeroplane-Acting-User: bob\r\n"} {
		if r, answer := s.rest(t, "POST", "/authz/v1/keys", s.bearer()+headers+asJSON, fmt.Sprintf(restKey, "k", "")); r.StatusCode != 400 {
			t.Errorf("%q: %d %s", headers, r.StatusCode, apikey.Redact(answer))
		}
	}
}
