// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/timestamppb"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/server/servertest"
)

const apiKeys = "/api/system/api-keys"

// A browser has a session, and the dashboard's page open.
type browser struct {
	t       testing.TB
	address string
	session string
}

// browse opens a browser of a user.
func (s *service) browse(t testing.TB, user string, role authzv1.UserRole) browser {
	t.Helper()
	token := fmt.Sprint("a session of ", user, role)
	token = strings.ReplaceAll(token, " ", "-")
	digest := sha256.Sum256([]byte(token))
	_, err := s.sessions.PutSession(t.Context(), &authzv1.PutSessionRequest{Session: &authzv1.Session{
		TokenSha256: digest[:], UserId: user, Role: role, ExpireTime: timestamppb.New(time.Now().Add(time.Hour))}})
	if err != nil {
		t.Fatal(err)
	}
	return browser{t, s.HTTPAddr, token}
}

func (s *service) browseAsUser(t testing.TB, user string) browser {
	return s.browse(t, user, authzv1.UserRole_USER_ROLE_USER)
}

// call sends what the dashboard's page would, and returns the status and the body.
func (b browser) call(method, target, body string) (int, string) {
	b.t.Helper()
	headers := "Cookie: aeroplane_session=" + b.session + "\r\nSec-Fetch-Site: same-origin\r\n"
	if body != "" {
		headers += "Content-Type: application/json\r\n"
	}
	r, answer := b.send(method+" "+target+" HTTP/1.1\r\nHost: aeroplane.test\r\n"+headers, body)
	for name, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
		"Access-Control-Allow-Origin": "", "Set-Cookie": ""} {
		if got := r.Header.Get(name); got != want {
			b.t.Errorf("%s %s: %s is %q", method, target, name, got)
		}
	}
	return r.StatusCode, answer
}

// send sends a request as it is written, without its end, and a body.
func (b browser) send(request, body string) (*http.Response, string) {
	b.t.Helper()
	if body != "" {
		request += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	conn := dial(b.t, b.address)
	defer conn.Close()
	if _, err := io.WriteString(conn, request+"Connection: close\r\n\r\n"+body); err != nil {
		b.t.Fatal(err)
	}
	method, _, _ := strings.Cut(request, " ")
	r, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		b.t.Fatalf("%.200q: %v", request, err)
	}
	defer r.Body.Close()
	answer, err := io.ReadAll(r.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return r, string(answer)
}

// create makes a key, and returns its id and the whole of it.
func (b browser) create(body string) (id, key string) {
	b.t.Helper()
	status, answer := b.call("POST", apiKeys, body)
	var made struct {
		APIKey struct{ ID string }
		Token  string
	}
	if err := json.Unmarshal([]byte(answer), &made); err != nil || status != 201 {
		b.t.Fatalf("%s: %d %s", body, status, apikey.Redact(answer))
	}
	return made.APIKey.ID, made.Token
}

// names returns the names of the keys that are listed, and of the projects.
func (b browser) names() (keys, projects []string) {
	b.t.Helper()
	status, answer := b.call("GET", apiKeys, "")
	var list struct{ APIKeys, Projects []struct{ Name string } }
	if err := json.Unmarshal([]byte(answer), &list); err != nil || status != 200 {
		b.t.Fatalf("%d %s", status, answer)
	}
	for _, k := range list.APIKeys {
		keys = append(keys, k.Name)
	}
	for _, p := range list.Projects {
		projects = append(projects, p.Name)
	}
	return keys, projects
}

const forAll = `{"name":"%s","accessLevel":"write","projectScope":"all","expiresInDays":null}`

func (s *service) putProjects(t testing.TB, owner string, ids ...string) {
	t.Helper()
	for _, id := range ids {
		if _, err := s.catalog.PutProject(t.Context(), &authzv1.PutProjectRequest{Project: &authzv1.Project{
			Id: id, Slug: "slug-" + id, Name: "Name " + id, OwnerId: owner}}); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *service) allows(t testing.TB, key string) bool {
	t.Helper()
	out, err := s.authorize.Authorize(t.Context(), withKey(key))
	if err != nil {
		t.Error(err)
	}
	return out.GetAllowed()
}

// The life of a key, as the dashboard sees it.
func TestDashboard(t *testing.T) {
	t.Parallel()
	var log servertest.Logbook
	s := start(t, servertest.Options{Log: log.Logger(), Peers: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	s.putProjects(t, "ada", "p2", "p1")
	ada := s.browseAsUser(t, "ada")
	noKeys := `{"apiKeys":[],"projects":[{"id":"p1","name":"Name p1","slug":"slug-p1"},{"id":"p2","name":"Name p2","slug":"slug-p2"}]}`
	if status, answer := ada.call("GET", apiKeys, ""); status != 200 || answer != noKeys {
		t.Errorf("%d %s", status, answer)
	}

	before := time.Now().UTC().Truncate(time.Millisecond)
	status, answer := ada.call("POST", apiKeys, `{"name":" CI <1> ","accessLevel":"read","projectScope":"selected","projectIds":["p2"," p1","p2"],"expiresInDays":7}`)
	shape := regexp.MustCompile(`^\{"apiKey":(\{"id":"([0-9A-Za-z]{16})",.*\}),"token":"(ap_[0-9A-Za-z_]+)"\}$`).FindStringSubmatch(answer)
	if status != 201 || shape == nil {
		t.Fatalf("%d %s", status, apikey.Redact(answer))
	}
	shown, id, key := shape[1], shape[2], shape[3]
	var got map[string]any
	if err := json.Unmarshal([]byte(shown), &got); err != nil {
		t.Fatal(err)
	}
	created, _ := got["createdAt"].(string)
	at, err := time.Parse("2006-01-02T15:04:05.000Z", created)
	if err != nil || at.Before(before) || at.After(time.Now()) {
		t.Errorf("created at %s: %v", created, err)
	}
	if diff := cmp.Diff(map[string]any{
		"id": id, "name": "CI <1>", "tokenPrefix": "ap_" + id, "accessLevel": "read", "projectScope": "selected", "projectIds": []any{"p1", "p2"},
		"createdAt": created, "updatedAt": created, "lastUsedAt": nil, "expiresAt": at.Add(7 * 24 * time.Hour).Format("2006-01-02T15:04:05.000Z"), "revokedAt": nil,
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if apikey.FormOf(key) != apikey.Own || !s.allows(t, key) {
		t.Error("the key is no good")
	}
	if _, answer := ada.call("GET", apiKeys+"?x", ""); answer != `{"apiKeys":[`+shown+`],`+noKeys[len(`{"apiKeys":[],`):] {
		t.Errorf("listed as %s", answer)
	}
	if r, body := ada.send("HEAD "+apiKeys+" HTTP/1.1\r\nHost: aeroplane.test\r\nCookie: aeroplane_session="+ada.session+"\r\n", ""); r.StatusCode != 200 || body != "" {
		t.Errorf("HEAD: %d %q", r.StatusCode, body)
	}

	if status, answer := ada.call("DELETE", apiKeys+"/"+id, ""); status != 200 || answer != `{"ok":true}` {
		t.Errorf("%d %s", status, answer)
	}
	if s.allows(t, key) {
		t.Error("it is allowed after its revocation")
	}
	if status, answer := ada.call("DELETE", apiKeys+"/"+id, ""); status != 404 || answer != `{"error":"API key not found"}` {
		t.Errorf("once more: %d %s", status, answer)
	}
	if _, answer := ada.call("GET", apiKeys, ""); answer != noKeys {
		t.Errorf("afterwards %s", answer)
	}
	if status, answer := ada.call("DELETE", apiKeys+"/"+key, ""); status != 404 || answer != `{"error":"API key not found"}` {
		t.Errorf("the key in place of its id: %d %s", status, answer)
	}
	events, err := s.audit.ListEvents(t.Context(), &authzv1.ListEventsRequest{TokenName: "dashboard", UserId: "ada"})
	wantCode(t, err, codes.OK)
	var told []string
	for _, e := range events.GetEvents() {
		a := e.GetActor()
		told = append(told, fmt.Sprint(e.GetAction(), " ", e.GetSubjectId() == id, " ", a.GetRole(), " ", strings.HasPrefix(a.GetAddress(), "127.0.0.1:")))
	}
	if diff := cmp.Diff([]string{"key.revoke true CALLER_ROLE_SYSTEM true", "key.revoke true CALLER_ROLE_SYSTEM true", "key.create true CALLER_ROLE_SYSTEM true"}, told); diff != "" {
		t.Errorf("on record (-want +got):\n%s", diff)
	}
	text := log.String()
	if strings.Contains(text, key) || strings.Contains(text, key[20:60]) || strings.Contains(text, ada.session) {
		t.Error("the log has a secret")
	}
	for _, line := range []string{"KeyService/CreateKey token=dashboard user=ada address=127.0.0.1:", "KeyService/RevokeKey token=dashboard user=ada address=127.0.0.1:"} {
		if !strings.Contains(text, line) {
			t.Errorf("the log has no line %q", line)
		}
	}
}

// Everybody sees, selects and revokes what is theirs, owners too.
func TestDashboardOwnership(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	s.putProjects(t, "root", "r1")
	s.putProjects(t, "ada", "a2", "a1")
	s.putProjects(t, "", "nobodys")
	root, ada, nobody := s.browse(t, "root", authzv1.UserRole_USER_ROLE_OWNER), s.browseAsUser(t, "ada"), s.browse(t, "", authzv1.UserRole_USER_ROLE_OWNER)
	of, keys := map[string]browser{"root": root, "ada": ada, "nobody": nobody}, map[string]string{}
	for name, b := range of {
		b.create(fmt.Sprintf(forAll, "of "+name))
		keys[name], _ = b.create(fmt.Sprintf(forAll, "a key of "+name))
	}
	want := map[string][]string{"root": {"Name r1"}, "ada": {"Name a1", "Name a2"}, "nobody": {"Name a1", "Name a2", "Name nobodys", "Name r1"}}
	for name, b := range of {
		shown, projects := b.names()
		if diff := cmp.Diff([]string{"a key of " + name, "of " + name}, shown); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(want[name], projects); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		for other, id := range keys {
			if other == name {
				continue
			}
			if status, answer := b.call("DELETE", apiKeys+"/"+id, ""); status != 404 || answer != `{"error":"API key not found"}` {
				t.Errorf("%s on a key of %s: %d %s", name, other, status, answer)
			}
			if k, err := s.keys.GetKey(t.Context(), &authzv1.GetKeyRequest{Id: id}); err != nil || k.GetKey().GetRevokeTime() != nil {
				t.Errorf("%s revoked a key of %s: %v", name, other, err)
			}
		}
	}
	for _, c := range []struct {
		of        string
		id        string
		selection int
	}{
		{"ada", "a1", 201}, {"ada", "r1", 400}, {"ada", "nobodys", 400}, {"ada", "slug-a1", 400}, {"ada", "A1", 400},
		{"root", "r1", 201}, {"root", "a1", 400}, {"root", "nobodys", 400}, {"nobody", "a1", 201}, {"nobody", "nobodys", 201}, {"nobody", "none", 400},
	} {
		status, answer := of[c.of].call("POST", apiKeys, `{"name":"k","accessLevel":"read","projectScope":"selected","expiresInDays":7,"projectIds":["`+c.id+`"]}`)
		if status != c.selection || status == 400 && answer != `{"error":"One or more selected projects no longer exist"}` {
			t.Errorf("%s selects %s: %d %s", c.of, c.id, status, apikey.Redact(answer))
		}
	}
}

// Keys that are over are shown, and can be revoked; a selection that is empty by now is shown as it is.
func TestDashboardOfOldKeys(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	now := time.Now()
	clock := func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	s := start(t, servertest.Options{Now: clock})
	s.putProjects(t, "ada", "p")
	ada := s.browseAsUser(t, "ada")
	now = now.Add(-8 * 24 * time.Hour)
	id, key := ada.create(`{"name":"b","accessLevel":"read","projectScope":"selected","projectIds":["p"],"expiresInDays":7}`)
	ada.create(fmt.Sprintf(forAll, "a"))
	mu.Lock()
	now = now.Add(8 * 24 * time.Hour)
	mu.Unlock()
	if _, err := s.catalog.DeleteProject(t.Context(), &authzv1.DeleteProjectRequest{Id: "p"}); err != nil {
		t.Fatal(err)
	}
	keys, projects := ada.names()
	if diff := cmp.Diff([][]string{{"a", "b"}, nil}, [][]string{keys, projects}); diff != "" || s.allows(t, key) {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, answer := ada.call("GET", apiKeys, ""); !strings.Contains(answer, `"projectScope":"selected","projectIds":[]`) {
		t.Error(answer)
	}
	if status, answer := ada.call("DELETE", apiKeys+"/"+id, ""); status != 200 {
		t.Errorf("%d %s", status, answer)
	}
}

// Of many who revoke a key at once, one did. Whoever is told so, or that there is none, finds it refused.
func TestDashboardAtOnce(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	ada := s.browseAsUser(t, "ada")
	var running sync.WaitGroup
	statuses := make(chan int, 64)
	for range 4 {
		id, key := ada.create(fmt.Sprintf(forAll, "k"))
		for range 8 {
			running.Go(func() {
				status, _ := ada.call("DELETE", apiKeys+"/"+id, "")
				if statuses <- status; s.allows(t, key) {
					t.Error("it is allowed")
				}
				ada.names()
			})
		}
	}
	running.Wait()
	close(statuses)
	count := map[int]int{}
	for status := range statuses {
		count[status]++
	}
	if diff := cmp.Diff(map[int]int{200: 4, 404: 28}, count); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A gateway may send them over HTTP/2.
func TestDashboardOverHTTP2(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	ada := s.browseAsUser(t, "ada")
	id, _ := ada.create(fmt.Sprintf(forAll, "k"))
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	defer transport.CloseIdleConnections()
	for _, c := range []struct {
		method, target, body string
		status               int
	}{{"GET", apiKeys, "", 200}, {"POST", apiKeys, fmt.Sprintf(forAll, "h2"), 201}, {"DELETE", apiKeys + "/" + id, "", 200}, {"DELETE", apiKeys + "/" + id, "{}", 400},
		{"GET", "/api/system//api-keys", "", 400}} {
		r, err := http.NewRequestWithContext(t.Context(), c.method, "http://"+s.HTTPAddr+c.target, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Cookie": {"a=b; aeroplane_session=" + ada.session}, "Origin": {"http://" + s.HTTPAddr}, "Content-Type": {"application/json"}}
		answer, err := (&http.Client{Transport: transport}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		if answer.StatusCode != c.status || answer.ProtoMajor != 2 {
			t.Errorf("%s %s: %s %d", c.method, c.target, answer.Proto, answer.StatusCode)
		}
	}
}
