// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/server/servertest"
)

// A clock is set by the test.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *clock) pass(d time.Duration) { c.ahead.Add(int64(d)) }

// signIn tries a code.
func (s *service) signIn(t testing.TB, code string) (*http.Response, string) {
	t.Helper()
	return s.rest(t, "POST", "/authz/sign-in", ownPage+asJSON, `{"code":"`+code+`"}`)
}

// who asks who is looking.
func (s *service) who(t testing.TB, headers string) (int, string) {
	t.Helper()
	r, answer := s.rest(t, "GET", "/authz/session", headers, "")
	return r.StatusCode, answer
}

// A code is good once, for a minute; what it opens lasts eight hours, or until it is ended. It is all on record, and no secret is logged.
func TestConsoleSession(t *testing.T) {
	t.Parallel()
	var c clock
	var log servertest.Logbook
	s := start(t, servertest.Options{Now: c.now, Log: log.Logger()})
	late, code := s.link(t), s.link(t)
	c.pass(50 * time.Second)
	r, answer := s.signIn(t, code)
	if r.StatusCode != 200 || answer != `{"ok":true}` || len(r.Cookies()) != 1 {
		t.Fatalf("%d %s", r.StatusCode, answer)
	}
	token := r.Cookies()[0].Value
	c.pass(10 * time.Second)
	for name, code := range map[string]string{"a code that is a minute old": late, "a code that was used": code, "no code": "x", "a session as a code": token,
		"a token as a code": s.AdminToken, "a code of another case": strings.ToLower(code), "a code and more": code + "A"} {
		if r, answer := s.signIn(t, code); r.StatusCode != 401 || len(r.Cookies()) > 0 || !strings.Contains(answer, "aeroplane-authz console prints another link") {
			t.Errorf("%s: %d %s", name, r.StatusCode, answer)
		}
	}
	for _, body := range []string{"", "null", "[]", "{}", `{"code":""}`, `{"code":1}`, `{"code":null}`, `{"code":["x"]}`, `"x"`, `{"code":"x"}{}`, `{"code":"x","more":1}`} {
		if r, answer := s.rest(t, "POST", "/authz/sign-in", ownPage+asJSON, body); r.StatusCode != 400 || refused(t, answer).Code != int(codes.InvalidArgument) {
			t.Errorf("%s: %d %s", body, r.StatusCode, answer)
		}
	}
	if r, _ := s.rest(t, "POST", "/authz/sign-in", ownPage+asJSON, `{"code":"`+strings.Repeat("x", 2<<10)+`"}`); r.StatusCode != 413 {
		t.Errorf("too large: %d", r.StatusCode)
	}

	events, err := s.audit.ListEvents(t.Context(), &authzv1.ListEventsRequest{Action: "console.open"})
	if err != nil || len(events.GetEvents()) != 1 {
		t.Fatalf("%v, %v", events, err)
	}
	e := events.GetEvents()[0]
	if e.GetActor().GetTokenName() != "test" || e.GetActor().GetRole() != authzv1.CallerRole_CALLER_ROLE_ADMIN || !strings.HasPrefix(e.GetActor().GetAddress(), "127.0.0.1:") ||
		e.GetSubjectId() != "" || e.GetDetails()["expire_time"] == "" {
		t.Errorf("on record is %v", e)
	}

	c.pass(8*time.Hour - 20*time.Second)
	if status, answer := s.who(t, consoleCookie(token)); status != 200 {
		t.Errorf("before its end: %d %s", status, answer)
	}
	c.pass(10 * time.Second)
	if status, answer := s.who(t, consoleCookie(token)); status != 401 {
		t.Errorf("at its end: %d %s", status, answer)
	}
	for what, secret := range map[string]string{"a code": code, "a code that was not used": late, "a session": token} {
		if strings.Contains(log.String(), secret) || strings.Contains(fmt.Sprint(events), secret) {
			t.Errorf("%s is logged, or on record", what)
		}
	}
	for _, line := range []string{"ConsoleService/CreateConsoleLink token=test", `msg="console opened" token=test address=127.0.0.1:`} {
		if !strings.Contains(log.String(), line) {
			t.Errorf("the log has no line %q", line)
		}
	}
}

// Of many who try one code at once, one gets a session.
func TestConsoleCodeOnce(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	code := s.link(t)
	var opened atomic.Int32
	var running sync.WaitGroup
	for range 8 {
		running.Go(func() {
			if r, _ := s.signIn(t, code); r.StatusCode == 200 {
				opened.Add(1)
			}
		})
	}
	running.Wait()
	if n := opened.Load(); n != 1 {
		t.Errorf("%d sessions", n)
	}
}

// Signing out ends the session for good, wherever the cookie has got to, and no other.
func TestConsoleSignOut(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	other := start(t, servertest.Options{Store: kept{s.store}, AdminToken: s.AdminToken})
	token, another := s.openConsole(t), other.openConsole(t)
	for range 2 {
		r, answer := s.rest(t, "POST", "/authz/sign-out", consoleCookie(token)+ownPage+asJSON, "{}")
		if r.StatusCode != 200 || answer != `{"ok":true}` {
			t.Errorf("%d %s", r.StatusCode, answer)
		}
		if c := r.Cookies(); len(c) != 1 || c[0].Name != "aeroplane_authz_console" || c[0].Value != "" || !c[0].Expires.Before(time.Now()) {
			t.Errorf("cookies %v", c)
		}
	}
	for _, at := range []*service{s, other} {
		if status, answer := at.who(t, consoleCookie(token)); status != 401 {
			t.Errorf("afterwards: %d %s", status, answer)
		}
		if status, answer := at.who(t, consoleCookie(another)); status != 200 {
			t.Errorf("another session: %d %s", status, answer)
		}
	}
	if r, answer := s.rest(t, "POST", "/authz/sign-out", ownPage+asJSON, "{}"); r.StatusCode != 200 {
		t.Errorf("nobody: %d %s", r.StatusCode, answer)
	}
}

// Only the page's browser gets the cookie, only for the page, and only over TLS where there is TLS: by the connection, or by what the page
// says of where it came from.
func TestConsoleCookie(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	for _, c := range []struct {
		headers string
		secure  bool
	}{
		{"Origin: http://aeroplane.test\r\n", false}, {"Origin: https://aeroplane.test\r\n", true}, {ownPage, false},
		{ownPage + "Origin: https://aeroplane.test\r\n", true}, {"Origin: http://aeroplane.test\r\nX-Forwarded-Proto: https\r\n", false},
	} {
		r, answer := s.rest(t, "POST", "/authz/sign-in", c.headers+asJSON, `{"code":"`+s.link(t)+`"}`)
		if r.StatusCode != 200 {
			t.Fatalf("%d %s", r.StatusCode, answer)
		}
		left, _ := s.rest(t, "POST", "/authz/sign-out", c.headers+asJSON+consoleCookie(r.Cookies()[0].Value), "{}")
		for _, cookie := range []*http.Cookie{r.Cookies()[0], left.Cookies()[0]} {
			cookie.Value, cookie.Raw, cookie.Expires, cookie.RawExpires = "", "", time.Time{}, ""
			want := http.Cookie{Name: "aeroplane_authz_console", HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: c.secure}
			if diff := cmp.Diff(want, *cookie); diff != "" {
				t.Errorf("%q (-want +got):\n%s", c.headers, diff)
			}
		}
	}
	byTLS := httptest.NewTLSServer(s.HTTP)
	defer byTLS.Close()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, byTLS.URL+"/authz/sign-in", strings.NewReader(`{"code":"`+s.link(t)+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Sec-Fetch-Site": {"same-origin"}, "Content-Type": {"application/json"}}
	answer, err := byTLS.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if c := answer.Cookies(); len(c) != 1 || !c[0].Secure {
		t.Errorf("by TLS: %d %v", answer.StatusCode, c)
	}
}

// The page asks who looks at it.
func TestConsoleWho(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	console := s.openConsole(t)
	for name, c := range map[string]struct {
		headers string
		want    map[string]any
	}{
		"an owner":                   {sessionCookie(s.browse(t, "root", authzv1.UserRole_USER_ROLE_OWNER).session), map[string]any{"userId": "root", "role": "owner", "everybodys": true, "expiresAt": nil}},
		"a user":                     {sessionCookie(s.browseAsUser(t, "ada").session), map[string]any{"userId": "ada", "role": "user", "everybodys": false, "expiresAt": nil}},
		"nobody in particular":       {sessionCookie(s.browse(t, "", authzv1.UserRole_USER_ROLE_OWNER).session), map[string]any{"userId": "", "role": "owner", "everybodys": true, "expiresAt": nil}},
		"a token":                    {s.bearer(), map[string]any{"userId": "", "role": "administrator", "everybodys": true, "expiresAt": nil}},
		"a console session":          {consoleCookie(console), map[string]any{"userId": "", "role": "administrator", "everybodys": true, "expiresAt": "a time"}},
		"a console session, for ada": {consoleCookie(console) + "Aeroplane-Acting-User: ada\r\n", map[string]any{"userId": "", "role": "administrator", "everybodys": true, "expiresAt": "a time"}},
	} {
		status, answer := s.who(t, c.headers)
		var got map[string]any
		if err := json.Unmarshal([]byte(answer), &got); err != nil || status != 200 {
			t.Errorf("%s: %d %s", name, status, answer)
		}
		if text, ok := got["expiresAt"].(string); ok {
			if at, err := time.Parse(time.RFC3339, text); err != nil || time.Until(at) > 8*time.Hour || time.Until(at) < 7*time.Hour {
				t.Errorf("%s: until %s, %v", name, text, err)
			}
			got["expiresAt"] = "a time"
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for name, headers := range map[string]string{"nobody": "", "a bad session": consoleCookie("x") + sessionCookie("x"), "a gateway": "Authorization: Bearer " + s.GatewayToken + "\r\n"} {
		if status, answer := s.who(t, headers); status != 401 && status != 403 {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
}

// Where the database does not answer, nobody is taken for nobody, and the other cookie does not take the place of the console session's.
func TestConsoleWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	down := &downStore{Store: openStore(t)}
	seen := new(tally)
	s := start(t, servertest.Options{Store: down, Observer: seen})
	token, ada := s.openConsole(t), s.browseAsUser(t, "ada").session
	code := s.link(t)
	seen.take()
	down.down.Store(true)
	for name, answer := range map[string]func() (*http.Response, string){
		"a call": func() (*http.Response, string) {
			return s.rest(t, "GET", "/authz/v1/keys", consoleCookie(token)+sessionCookie(ada), "")
		},
		"who":     func() (*http.Response, string) { return s.rest(t, "GET", "/authz/session", consoleCookie(token), "") },
		"live":    func() (*http.Response, string) { return s.rest(t, "GET", "/authz/live", consoleCookie(token), "") },
		"sign in": func() (*http.Response, string) { return s.signIn(t, code) },
		"sign out": func() (*http.Response, string) {
			return s.rest(t, "POST", "/authz/sign-out", consoleCookie(token)+ownPage+asJSON, "{}")
		},
	} {
		if r, body := answer(); r.StatusCode != 503 || len(r.Cookies()) > 0 || refused(t, body).Code != int(codes.Unavailable) {
			t.Errorf("%s: %d %s", name, r.StatusCode, body)
		}
	}
	// Nor do strangers raise the alarm that is for decisions which could not be made.
	for _, headers := range []string{"", "Authorization: Bearer x\r\n", "Authorization: Bearer " + s.GatewayToken + "\r\n"} {
		s.rest(t, "GET", "/authz/v1/keys", headers, "")
	}
	if told := seen.take(); len(told) > 0 {
		t.Errorf("the observer is told of %q", told)
	}
}

// Who looks is found out as a decision is, and is none: only what is done is counted.
func TestConsoleIsNotCounted(t *testing.T) {
	t.Parallel()
	var told tally
	store := &faulty{Store: openStore(t)}
	s := start(t, servertest.Options{Store: store, Observer: &told})
	ada := sessionCookie(s.browseAsUser(t, "ada").session)
	told.take()
	for _, c := range []struct {
		headers string
		want    int
	}{{ada, 200}, {sessionCookie("x"), 401}, {ada + "X-API-Key: x\r\n", 401}, {"", 401}} {
		for _, target := range []string{"/authz/session", "/authz/v1/keys"} {
			if r, answer := s.rest(t, "GET", target, c.headers, ""); r.StatusCode != c.want {
				t.Errorf("%s with %q: %d %s", target, c.headers, r.StatusCode, answer)
			}
		}
	}
	if r, answer := s.rest(t, "POST", "/authz/v1/keys", ada+ownPage+asJSON, fmt.Sprintf(restKey, "k", "")); r.StatusCode != 200 {
		t.Errorf("%d %s", r.StatusCode, apikey.Redact(answer))
	}
	store.lookup = func(context.Context, authz.Query) (authz.Facts, error) {
		return authz.Facts{}, errors.New("a fault of ours")
	}
	if status, answer := s.who(t, ada); status != 503 {
		t.Errorf("%d %s", status, answer)
	}
	if diff := cmp.Diff([]string{"CreateKey ok"}, told.take()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// Who has no session cannot have so many looked up that nothing else gets to the database.
func TestConsoleLookUpsAreBounded(t *testing.T) {
	t.Parallel()
	slow := &slowStore{Store: openStore(t), arrived: make(chan struct{}, 10), release: make(chan struct{})}
	s := start(t, servertest.Options{Store: slow})
	code := s.link(t)
	var waiting sync.WaitGroup
	for range 2 {
		waiting.Go(func() {
			if status, answer := s.who(t, consoleCookie("x")); status != 401 {
				t.Errorf("%d %s", status, answer)
			}
		})
		<-slow.arrived
	}
	for name, ask := range map[string]func() (*http.Response, string){
		"who":     func() (*http.Response, string) { return s.rest(t, "GET", "/authz/session", consoleCookie("x"), "") },
		"sign in": func() (*http.Response, string) { return s.signIn(t, code) },
		"sign out": func() (*http.Response, string) {
			return s.rest(t, "POST", "/authz/sign-out", consoleCookie("x")+ownPage+asJSON, "{}")
		},
	} {
		if r, answer := ask(); r.StatusCode != 503 || !strings.Contains(answer, "OVERLOADED") {
			t.Errorf("%s, while two are looked up: %d %s", name, r.StatusCode, answer)
		}
	}
	if len(slow.arrived) > 0 {
		t.Error("more are looked up")
	}
	close(slow.release)
	waiting.Wait()
	if r, answer := s.signIn(t, code); r.StatusCode != 200 {
		t.Errorf("afterwards: %d %s", r.StatusCode, answer)
	}
}

// A slowStore looks up console sessions when it is released.
type slowStore struct {
	servertest.Store
	arrived, release chan struct{}
}

func (s *slowStore) ConsoleSession(ctx context.Context, of authz.Digest) (authz.ConsoleSession, error) {
	s.arrived <- struct{}{}
	<-s.release
	return s.Store.ConsoleSession(ctx, of)
}

// A downStore knows nothing of console sessions while it is down.
type downStore struct {
	servertest.Store
	down atomic.Bool
}

func (d *downStore) err() error {
	if d.down.Load() {
		return &authz.Error{Kind: authz.Unavailable, Code: authz.CodeStoreUnavailable, Message: "the database does not answer"}
	}
	return nil
}

func (d *downStore) ConsoleSession(ctx context.Context, of authz.Digest) (authz.ConsoleSession, error) {
	if err := d.err(); err != nil {
		return authz.ConsoleSession{}, err
	}
	return d.Store.ConsoleSession(ctx, of)
}

func (d *downStore) OpenConsole(ctx context.Context, c authz.Change, code authz.Digest, s authz.ConsoleSession) (authz.ConsoleSession, error) {
	if err := d.err(); err != nil {
		return authz.ConsoleSession{}, err
	}
	return d.Store.OpenConsole(ctx, c, code, s)
}

func (d *downStore) EndConsole(ctx context.Context, c authz.Change, of authz.Digest) error {
	if err := d.err(); err != nil {
		return err
	}
	return d.Store.EndConsole(ctx, c, of)
}
