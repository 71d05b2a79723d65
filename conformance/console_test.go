// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bufio"
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/server/servertest"
)

// A fleetMember is one of several replicas on one database, and its administrator.
type fleetMember struct {
	*servertest.Running
	t       *testing.T
	keys    authzv1.KeyServiceClient
	console authzv1.ConsoleServiceClient
}

// startFleet starts replicas on one Postgres.
func startFleet(t *testing.T, n int) (fleet []fleetMember) {
	dsn := testservers.Postgres(t).NewDatabase(t)
	token := rand.Text() + rand.Text()
	for range n {
		store, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn, Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		r := servertest.Start(t, servertest.Options{Store: store, AdminToken: token})
		fleet = append(fleet, fleetMember{r, t, authzv1.NewKeyServiceClient(r.Admin), authzv1.NewConsoleServiceClient(r.Admin)})
	}
	return fleet
}

// ask sends what the page would, with a cookie if there is one.
func (m fleetMember) ask(ctx context.Context, method, target, cookie, body string) *http.Response {
	m.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+m.HTTPAddr+"/authz"+target, strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	r.Header = http.Header{"Sec-Fetch-Site": {"same-origin"}, "Content-Type": {"application/json"}}
	if cookie != "" {
		r.AddCookie(&http.Cookie{Name: "aeroplane_authz_console", Value: cookie})
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		m.t.Fatal(err)
	}
	return answer
}

// status is that of a whole answer.
func (m fleetMember) status(method, target, cookie, body string) int {
	m.t.Helper()
	answer := m.ask(m.t.Context(), method, target, cookie, body)
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	return answer.StatusCode
}

// A code that one replica has made is opened at another, once; the session is good at all of them, and ended at one it has ended at all.
func TestConsoleOfAFleet(t *testing.T) {
	fleet := startFleet(t, 3)
	link := must[*authzv1.CreateConsoleLinkResponse](t)(fleet[0].console.CreateConsoleLink(t.Context(), &authzv1.CreateConsoleLinkRequest{}))
	_, code, _ := strings.Cut(link.GetUrl(), "#code=")
	opened := fleet[1].ask(t.Context(), "POST", "/sign-in", "", `{"code":"`+code+`"}`)
	_ = opened.Body.Close()
	if opened.StatusCode != http.StatusOK || len(opened.Cookies()) != 1 {
		t.Fatal(opened.Status)
	}
	token := opened.Cookies()[0].Value
	for i, m := range fleet {
		if got := m.status("POST", "/sign-in", "", `{"code":"`+code+`"}`); got != http.StatusUnauthorized {
			t.Errorf("the code once more at %d: %d", i, got)
		}
		if got := m.status("GET", "/v1/keys", token, ""); got != http.StatusOK {
			t.Errorf("at %d: %d", i, got)
		}
	}
	if got := fleet[2].status("POST", "/sign-out", token, "{}"); got != http.StatusOK {
		t.Fatal(got)
	}
	for i, m := range fleet {
		if got := m.status("GET", "/v1/keys", token, ""); got != http.StatusUnauthorized {
			t.Errorf("afterwards at %d: %d", i, got)
		}
	}
}

// A page that one replica serves is told of what is changed through another.
func TestLiveOfAFleet(t *testing.T) {
	fleet := startFleet(t, 2)
	link := must[*authzv1.CreateConsoleLinkResponse](t)(fleet[0].console.CreateConsoleLink(t.Context(), &authzv1.CreateConsoleLinkRequest{}))
	_, code, _ := strings.Cut(link.GetUrl(), "#code=")
	opened := fleet[0].ask(t.Context(), "POST", "/sign-in", "", `{"code":"`+code+`"}`)
	_ = opened.Body.Close()
	token := opened.Cookies()[0].Value
	key := must[*authzv1.CreateKeyResponse](t)(fleet[1].keys.CreateKey(t.Context(), &authzv1.CreateKeyRequest{Name: "ci", AccessLevel: authzv1.AccessLevel_ACCESS_LEVEL_READ,
		Projects: &authzv1.ProjectScope{All: true}, Expiry: &authzv1.CreateKeyRequest_NeverExpires{NeverExpires: true}}))

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	stream := fleet[0].ask(ctx, "GET", "/live", token, "")
	defer stream.Body.Close()
	lines := bufio.NewScanner(stream.Body)
	until := func(wanted ...string) {
		t.Helper()
		for lines.Scan() {
			if slices.Contains(wanted, lines.Text()) {
				return
			}
		}
		t.Fatalf("the stream ended before %q: %v", wanted, lines.Err())
	}
	until(": still here")
	revoked := must[*authzv1.RevokeKeyResponse](t)(fleet[1].keys.RevokeKey(t.Context(), &authzv1.RevokeKeyRequest{Id: key.GetKey().GetId()}))
	until("data: " + revoked.GetReceipt().GetRevision())
	if got := fleet[1].status("POST", "/sign-out", token, "{}"); got != http.StatusOK {
		t.Fatal(got)
	}
	// Signing out is no change that a page is told of. The next one is when the stream looks whether it still may.
	must[*authzv1.RevokeKeyResponse](t)(fleet[1].keys.RevokeKey(t.Context(), &authzv1.RevokeKeyRequest{Id: key.GetKey().GetId()}))
	until("event: ended")
	for lines.Scan() {
		if !slices.Contains([]string{"data:", ""}, lines.Text()) {
			t.Errorf("it goes on: %s", lines.Text())
		}
	}
}
