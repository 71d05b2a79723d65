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

// forgeries are what a page of another site can have a browser send, with the cookies of ours. The cookie of the test has no SameSite: such
// a one a browser sends with other sites' forms for two minutes.
var forgeries = []string{
	// A form, which needs nobody's leave; as JSON by a trick with its one field's name.
	`const f = document.createElement("form"); f.method = "post"; f.enctype = "text/plain"; f.action = ours + "v1/keys"; f.target = "_self";
	 const i = document.createElement("input"); i.name = body.slice(0, -1) + ',"requestId":"'; i.value = '"}'; f.append(i); document.body.append(f); f.submit()`,
	`const f = document.createElement("form"); f.method = "post"; f.action = ours + "v1/keys/" + id + ":revoke"; document.body.append(f); f.submit()`,
	`const f = document.createElement("form"); f.method = "post"; f.action = api; document.body.append(f); f.submit()`,
	// Requests of scripts, which are sent and whose answers are not shown to them.
	`fetch(ours + "v1/keys", {method: "POST", mode: "no-cors", credentials: "include", headers: {"Content-Type": "text/plain"}, body}).catch(() => {})`,
	`fetch(ours + "v1/keys/" + id + ":revoke", {method: "POST", mode: "no-cors", credentials: "include"}).catch(() => {})`,
	`fetch(ours + "v1/keys", {method: "POST", credentials: "include", headers: {"Content-Type": "application/json"}, body}).catch(() => {})`, // with a preflight
	`fetch(api + "/" + id, {method: "DELETE", credentials: "include"}).catch(() => {})`,
	`navigator.sendBeacon(ours + "v1/keys/" + id + ":revoke", new Blob(["{}"], {type: "text/plain"}))`,
	`fetch(ours + "sign-out", {method: "POST", mode: "no-cors", credentials: "include"}).catch(() => {})`,
}

// A page of another site that knows everything but the session can change nothing with it.
func TestForgedRequests(t *testing.T) {
	s := newStage(t)
	made := s.create("ada", "ada's own")
	sent := make(chan bool, 100) // of each request that changes something: whether it has the cookie
	front := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: "http", Host: s.HTTPAddr})
		r.Out.Host = r.In.Host
		if r.In.Method != http.MethodGet {
			_, err := r.In.Cookie("aeroplane_session")
			sent <- err == nil
		}
	}})
	t.Cleanup(front.Close)
	_, port, _ := strings.Cut(strings.TrimPrefix(front.URL, "http://"), ":")
	// Other than by their ports, which do not part sites: the one by its address, the other by a name.
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
		page.Load(t, evil.URL)
		bt.Eval[bool](t, page, fmt.Sprintf(`(() => { const ours = %s, id = %s, api = %s, body = %s; %s; return true; })()`, quote(ours), quote(made.GetKey().GetId()),
			quote("http://localhost:"+port+"/api/system/api-keys"),
			quote(`{"name":"forged","accessLevel":"ACCESS_LEVEL_WRITE","projects":{"all":true},"neverExpires":true}`), forgery))
		if withCookie := <-sent; !withCookie && strings.Contains(forgery, "submit()") {
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
