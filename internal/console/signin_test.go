// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"

	"aeroplane.run/authz"
	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	bt "aeroplane.run/authz/internal/browsertest"
)

// link makes a link that opens the page for an administrator.
func (s *stage) link() string {
	s.Helper()
	out, err := v1.NewConsoleServiceClient(s.Admin).CreateConsoleLink(s.Context(), &v1.CreateConsoleLinkRequest{})
	s.must(err)
	return out.GetUrl()
}

// An administrator comes in by a link, once, sees everybody's keys, makes one for nobody in particular, and goes out again.
func TestAdministrator(t *testing.T) {
	s := newStage(t)
	s.create("ada", "of ada")
	link := s.link()
	page := bt.Open(t, link)
	page.Text(t, ".who", "Administrator")
	page.Text(t, "tbody", "User ada")
	if address := bt.Eval[string](t, page, "location.href"); strings.Contains(address, "code") {
		t.Errorf("the code is still in the address: %s", address)
	}
	s.createOnPage(page, "of nobody")
	page.Text(t, "dialog", `curl "$AEROPLANE_URL/api/projects"`) // where Aeroplane is this page does not know
	s.copyKey(page)
	s.press(page, "Close")
	s.press(page, "Audit")
	page.Text(t, "tbody", "the token “test”")
	page.Expect(t, "401")
	s.press(page, "Sign out")
	page.Text(t, "main", "You are not signed in")
	page.Load(t, s.link())
	s.press(page, "Audit")
	s.choose(page, "Show", "Links to this page")
	for _, text := range []string{"made a link to this page", "opened this page by a link", "signed out of this page"} {
		page.Text(t, "tbody", text)
	}
	page.Visible(t, `tbody [title="console.close"]`)
}

// Whatever can be on record is told in words.
func TestActionsInWords(t *testing.T) {
	audit, err := os.ReadFile("page/audit.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, action := range authz.Actions() {
		if !strings.Contains(string(audit), "'"+string(action)+"': '") {
			t.Errorf("the page has no words for %s", action)
		}
	}
}

// A link opens the page once, and who comes with an old one is told what to do.
func TestUsedLink(t *testing.T) {
	s := newStage(t)
	link := s.link()
	first := bt.Open(t, link)
	first.Text(t, ".who", "Administrator")
	second := bt.New(t)
	second.Expect(t, "401")
	second.Load(t, link)
	second.Text(t, "main", "The link was used already, or is older than a minute. Print another with aeroplane-authz console.")

	first.Expect(t, "401")
	s.press(first, "Sign out")
	first.Text(t, "main", "You are not signed in")
	first.Expect(t, "404") // there is no front page
	first.Load(t, s.url+"?again")
	first.Text(t, "main", "You are not signed in")
	first.Load(t, s.link()) // a link in a page that is open already
	first.Text(t, ".who", "Administrator")
}

// A link that could not be exchanged for a moment is good until it was.
func TestLinkInTrouble(t *testing.T) {
	s := newStage(t)
	f := s.front()
	f.broken.Store(true)
	page := bt.New(t)
	page.Expect(t, "502")
	page.Load(t, f.url+"#"+strings.SplitN(s.link(), "#", 2)[1])
	page.Text(t, "main", "This cannot be shown now")
	f.broken.Store(false)
	s.press(page, "Try again")
	page.Text(t, ".who", "Administrator")

	// A proxy that says of nothing where it came from is not the link's fault.
	wrong := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: s.HTTPAddr})
		r.Out.Header.Del("Origin")
		r.Out.Header.Del("Sec-Fetch-Site")
	}})
	t.Cleanup(wrong.Close)
	other := bt.New(t)
	other.Expect(t, "403")
	other.Load(t, wrong.URL+"/authz/#"+strings.SplitN(s.link(), "#", 2)[1])
	other.Text(t, "main", "This request did not come from this service's own pages")
}

// A link that was used already keeps nobody out who is signed in.
func TestUsedLinkOfSomebodySignedIn(t *testing.T) {
	s := newStage(t)
	link := s.link()
	page := bt.Open(t, link)
	page.Text(t, ".who", "Administrator")
	page.Expect(t, "401")
	page.Load(t, s.url+"?again#"+strings.SplitN(link, "#", 2)[1])
	page.Text(t, "#toasts", "That link was used already, or is too old.")
	page.Text(t, ".who", "Administrator")
}

// A page that is open when its session ends shows nothing more.
func TestSessionEnds(t *testing.T) {
	s := newStage(t)
	s.create("ada", "of ada")
	page := s.as("ada")
	page.Text(t, "tbody", "of ada")
	page.Expect(t, "401", "404")
	s.endSession("ada")
	page.Text(t, "main", "You are not signed in")
	page.Gone(t, "tbody")
	page.Axe(t)
}

// Who is not signed in is sent to Aeroplane where that is at this address, and nowhere else.
func TestWayToAeroplane(t *testing.T) {
	s := newStage(t)
	beside, alone := bt.New(t), bt.New(t)
	beside.Expect(t, "401")
	beside.Load(t, s.front().url)
	beside.Visible(t, `.blank a[href="/"]`)
	alone.Expect(t, "401", "404")
	alone.Load(t, s.url)
	alone.Text(t, "main", "Log in to Aeroplane first, in this browser, and come back.")
	if bt.Eval[bool](t, alone, `fetch("./").then(() => document.querySelector(".blank a") !== null)`) {
		t.Error("a link leads to where there is no Aeroplane")
	}
}
