// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	bt "aeroplane.run/authz/internal/browsertest"
)

// A forgery is what a page of others can have a browser send, with the cookie of ours.
type forgery struct {
	from   func(address string) string
	script string
}

// A browser sends the cookie along with all that a page of the same site asks for, as one of another host under one domain is; and, for two
// minutes where it has no SameSite, as that of the test has none, with forms of whatever site. Ports do not part sites.
func sameSite(address string) string    { return strings.Replace(address, "127.0.0.1", "localhost", 1) }
func anotherSite(address string) string { return address }

const (
	// A form, which needs nobody's leave; as JSON by a trick with its one field's name.
	formAsJSON = `const f = document.createElement("form"); f.method = "post"; f.enctype = "text/plain"; f.action = ours + "v1/keys"; f.target = "_self";
		const i = document.createElement("input"); i.name = body.slice(0, -1) + ',"requestId":"'; i.value = '"}'; f.append(i); document.body.append(f); f.submit()`
	formToRevoke = `const f = document.createElement("form"); f.method = "post"; f.action = ours + "v1/keys/" + id + ":revoke"; document.body.append(f); f.submit()`
	formToCreate = `const f = document.createElement("form"); f.method = "post"; f.action = api; document.body.append(f); f.submit()`
)

var forgeries = []forgery{
	{anotherSite, formAsJSON}, {anotherSite, formToRevoke}, {anotherSite, formToCreate},
	{sameSite, formAsJSON}, {sameSite, formToRevoke}, {sameSite, formToCreate},
	// Requests of scripts, which are sent and whose answers are not shown to them.
	{sameSite, `fetch(ours + "v1/keys", {method: "POST", mode: "no-cors", credentials: "include", headers: {"Content-Type": "text/plain"}, body}).catch(() => {})`},
	{sameSite, `fetch(ours + "v1/keys/" + id + ":revoke", {method: "POST", mode: "no-cors", credentials: "include"}).catch(() => {})`},
	{sameSite, `navigator.sendBeacon(ours + "v1/keys/" + id + ":revoke", new Blob(["{}"], {type: "text/plain"}))`},
	{sameSite, `fetch(ours + "sign-out", {method: "POST", mode: "no-cors", credentials: "include"}).catch(() => {})`},
	// With a preflight.
	{sameSite, `fetch(ours + "v1/keys", {method: "POST", credentials: "include", headers: {"Content-Type": "application/json"}, body}).catch(() => {})`},
	{sameSite, `fetch(api + "/" + id, {method: "DELETE", credentials: "include"}).catch(() => {})`},
}

// A page of others that knows everything but the session can change nothing with it: neither where it comes from passes, nor, without a
// preflight, what it sends.
func TestForgedRequests(t *testing.T) {
	s := newStage(t)
	made := s.create("ada", "ada's own")
	sent := make(chan bool, 100) // of each request but those that only look: whether it has the cookie, or asks whether it may be sent
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: s.HTTPAddr})
		r.Out.Host = r.In.Host
		if r.In.Method != http.MethodGet {
			_, err := r.In.Cookie("aeroplane_session")
			sent <- err == nil || r.In.Method == http.MethodOptions
		}
	}})
	t.Cleanup(front.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(front.URL, "http://"), ":")
	ours := "http://localhost:" + port + "/authz/"
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!doctype html><html lang=en><title>Win!</title><link rel=icon href=data:,><h1>Win!</h1>")
	}))
	t.Cleanup(evil.Close)
	for i, forgery := range forgeries {
		page := bt.New(t)
		page.Expect(t, "") // the browser complains, as well it may
		page.SetCookie(t, ours, sessionCookie("ada"))
		page.Load(t, ours)
		page.Text(t, "main", "ada's own") // so the cookie is good here
		page.Load(t, forgery.from(evil.URL))
		bt.Eval[bool](t, page, fmt.Sprintf(`(() => { const ours = %s, id = %s, api = %s, body = %s; %s; return true; })()`, quote(ours), quote(made.GetKey().GetId()),
			quote("http://localhost:"+port+"/api/system/api-keys"),
			quote(`{"name":"forged","accessLevel":"ACCESS_LEVEL_WRITE","projects":{"all":true},"neverExpires":true}`), forgery.script))
		if shows := <-sent; !shows {
			t.Errorf("forgery %d came without the cookie, and shows nothing", i)
		}
		page.Until(t, `document.readyState === "complete"`)
		page = s.as("ada")
		page.Text(t, row(made.GetKey().GetId()), "Live")
		if keys := s.keysOf("ada"); len(keys) != 1 || keys[0].GetRevokeTime() != nil {
			t.Fatalf("forgery %d: the keys are %v", i, keys)
		}
	}

	// Nor can such a page look at ours, or have it clicked on.
	page := bt.New(t)
	page.Expect(t, "")
	page.SetCookie(t, ours, sessionCookie("ada"))
	page.Load(t, ours)
	page.Load(t, evil.URL)
	got := bt.Eval[string](t, page, fmt.Sprintf(`fetch(%s, {credentials: "include"}).then((r) => r.text(), (e) => "refused")`, quote(ours+"v1/keys")))
	if got != "refused" {
		t.Errorf("another site has read %.60s", got)
	}
	bt.Eval[bool](t, page, fmt.Sprintf(`new Promise((done) => { const f = document.createElement("iframe"); f.src = %s; f.onload = () => done(true); document.body.append(f); })`, quote(ours)))
	if bt.Eval[bool](t, page, `(() => { try { return document.querySelector("iframe").contentDocument !== null } catch { return false } })()`) {
		t.Error("another site has the page in a frame, and sees into it")
	}
}
