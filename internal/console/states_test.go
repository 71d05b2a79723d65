// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	bt "aeroplane.run/authz/internal/browsertest"
)

// calls are what the page asks for, and no files of it.
var calls = regexp.MustCompile(`/(v1/.*|session|live|sign-in)$`)

// A front stands before the service, as a proxy does, at another path than its own, and can be made to fail. Aeroplane is there as well.
type front struct {
	url    string
	broken atomic.Bool
	slow   chan struct{} // closed: lists are answered
	failed chan string   // the paths of what was not answered
	server *httptest.Server
}

func (s *stage) front() *front {
	f := &front{slow: make(chan struct{}), failed: make(chan string, 1000)}
	close(f.slow)
	within := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: s.HTTPAddr})
		r.Out.URL.Path = strings.TrimPrefix(r.In.URL.Path, "/settings")
		r.Out.Host = r.In.Host
	}}
	f.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/v1/keys") {
			<-f.slow
		}
		if f.broken.Load() && calls.MatchString(r.URL.Path) {
			f.failed <- r.URL.Path
			http.Error(w, "the proxy is confused", http.StatusBadGateway)
			return
		}
		if r.URL.Path == "/" {
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			return
		}
		within.ServeHTTP(w, r)
	}))
	s.Cleanup(f.server.Close)
	f.url = f.server.URL + "/settings/authz/"
	return f
}

// While the list is on its way, its place is kept; behind a proxy, at whatever path.
func TestLoading(t *testing.T) {
	s := newStage(t)
	s.create("ada", "CI deploys")
	f := s.front()
	f.slow = make(chan struct{})
	page := bt.New(t)
	page.SetCookie(t, f.url, sessionCookie("ada"))
	page.Load(t, f.url)
	page.Visible(t, ".bones")
	page.Axe(t)
	close(f.slow)
	page.Text(t, "tbody", "CI deploys")
	page.Gone(t, ".bones")
	if got := page.LayoutShift(t); got > 0.02 {
		t.Errorf("the page has jumped by %.3f", got)
	}
}

// Where the service cannot answer the page says so, and goes on when it can.
func TestTrouble(t *testing.T) {
	s := newStage(t)
	made := s.create("ada", "CI deploys")
	f := s.front()
	page := bt.New(t)
	page.Expect(t, "502")
	page.SetCookie(t, f.url, sessionCookie("ada"))
	page.Load(t, f.url)
	page.Text(t, "tbody", "CI deploys")

	f.broken.Store(true)
	s.enter(page, "Search", "C")
	page.Text(t, "main", "This cannot be shown now")
	page.Text(t, "main", "The service cannot answer just now.")
	page.Axe(t)
	f.broken.Store(false)
	s.press(page, "Try again")
	page.Text(t, row(made.GetKey().GetId()), "Live")

	f.broken.Store(true) // what is shown stays, where it cannot be brought up to date
	lookAgain(t, page)
	page.Text(t, "#said", "The list could not be brought up to date.")
	page.Text(t, ".old", "The list could not be brought up to date, and is shown as it was.")
	page.Axe(t)
	page.Text(t, row(made.GetKey().GetId()), "Live")
	s.press(page, "Revoke CI deploys")
	s.press(page, "Revoke key")
	page.Text(t, "dialog", "It is not known whether the key is revoked.")
	s.press(page, "Cancel")

	page.Load(t, f.url+"?again") // and from the beginning
	page.Text(t, "main", "This cannot be shown now")
	page.Axe(t)
	f.broken.Store(false)
	s.press(page, "Try again")
	page.Text(t, row(made.GetKey().GetId()), "Live")
}

// The stream of changes is opened anew when it broke off, and what was missed is made up for.
func TestLiveAfterTrouble(t *testing.T) {
	s := newStage(t)
	made := s.create("ada", "CI deploys")
	f := s.front()
	page := bt.New(t)
	page.Expect(t, "502", "ERR_")
	page.SetCookie(t, f.url, sessionCookie("ada"))
	page.Load(t, f.url)
	page.Text(t, row(made.GetKey().GetId()), "Live")
	f.broken.Store(true)
	f.server.CloseClientConnections()
	for path := range f.failed {
		if strings.HasSuffix(path, "/live") {
			break
		}
	}
	s.revoke(made.GetKey().GetId())
	f.broken.Store(false)
	page.Text(t, row(made.GetKey().GetId()), "Revoked")
}
