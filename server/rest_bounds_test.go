// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"aeroplane.run/authz/server/servertest"
)

// A user's session may send, and ask for, as much as the page needs, and no more: what one user does others wait for.
func TestRESTBoundsOfSessions(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	ada := s.browseAsUser(t, "ada")
	good := fmt.Sprintf(restKey, "k", "")
	large := good + strings.Repeat(" ", 256<<10-len(good))
	for body, want := range map[string]int{large: 200, large + " ": 413} {
		if status, answer := s.bySession(t, ada, "POST", "/authz/v1/keys", body); status != want {
			t.Errorf("%d bytes: %d %s", len(body), status, answer)
		}
	}
	if status, _ := s.byAdmin(t, "POST", "/authz/v1/keys", large+" "); status != 200 {
		t.Errorf("an administrator: %d", status)
	}

	for i := range 201 {
		if status, answer := s.bySession(t, ada, "POST", "/authz/v1/keys", fmt.Sprintf(restKey, fmt.Sprint("of ada ", i), "")); status != 200 {
			t.Fatalf("%d %s", status, answer)
		}
	}
	for _, c := range []struct{ ask, want int }{{1000, 200}, {200, 200}, {7, 7}, {0, 100}} {
		status, answer := s.bySession(t, ada, "GET", fmt.Sprint("/authz/v1/keys?pageSize=", c.ask), "")
		var page struct {
			Keys          []struct{ ID string }
			NextPageToken string
		}
		if err := json.Unmarshal([]byte(answer), &page); err != nil || status != 200 || len(page.Keys) != c.want || page.NextPageToken == "" {
			t.Errorf("a page of %d has %d keys, want %d; %d, %v", c.ask, len(page.Keys), c.want, status, err)
		}
	}
}

// Of more projects than a key may have none is looked at.
func TestRESTTooManyProjects(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	body := `{"name":"k","accessLevel":"ACCESS_LEVEL_READ","neverExpires":true,"projects":{"projectIds":[""` + strings.Repeat(`,""`, 1000) + `]}}`
	status, answer := s.byAdmin(t, "POST", "/authz/v1/keys", body)
	if fields := refused(t, answer).fields(); status != 400 || len(fields) != 1 || fields[0] != "projects" {
		t.Errorf("%d, at fault are %q", status, fields)
	}
}

// Two cookies of one name are refused in whatever spelling somebody may read them, and signing out ends whichever is good.
func TestRESTTwoCookies(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	ada, bob, console := s.browseAsUser(t, "ada").session, s.browseAsUser(t, "bob").session, s.openConsole(t)
	for _, cookies := range []string{
		"aeroplane_session=" + bob + "; aeroplane_session=" + ada, "aeroplane_session=\t" + bob + "; aeroplane_session=" + ada,
		"aeroplane_session=" + bob + "; " + strings.Repeat("a=;", 4000) + "aeroplane_session=" + ada, "aeroplane_session=" + ada + "\r\nCookie: aeroplane_session=" + bob,
		"aeroplane_session\t=" + bob + ";aeroplane_session=" + ada, "aeroplane_authz_console=bogus; aeroplane_authz_console=" + console,
	} {
		if status, answer := s.who(t, "Cookie: "+cookies+"\r\n"); status != 401 {
			t.Errorf("%.80q: %d %s", cookies, status, answer)
		}
	}
	cookies := "Cookie: aeroplane_authz_console=bogus; aeroplane_authz_console=" + console + "; aeroplane_authz_console=\r\n"
	if r, answer := s.rest(t, "POST", "/authz/sign-out", cookies+ownPage+asJSON, "{}"); r.StatusCode != 200 {
		t.Errorf("signing out: %d %s", r.StatusCode, answer)
	}
	if status, _ := s.who(t, consoleCookie(console)); status != 401 {
		t.Errorf("the session goes on: %d", status)
	}
	many := "Cookie: " + strings.Repeat("aeroplane_authz_console=x; ", 21) + "\r\n"
	if r, answer := s.rest(t, "POST", "/authz/sign-out", many+ownPage+asJSON, "{}"); r.StatusCode != 400 {
		t.Errorf("21 cookies: %d %s", r.StatusCode, answer)
	}
}
