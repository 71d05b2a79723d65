// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
	"aeroplane.run/authz/internal/follow"
)

// Beside a running Aeroplane, with Caddy in front: what happens in Aeroplane decides what passes, on both databases.
func TestBesideAeroplane(t *testing.T) { onEveryStore(t, testBesideAeroplane) }

func testBesideAeroplane(t *testing.T, f *fixture) {
	a := aeroplanetest.Start(t)
	a.User("ada", "owner")
	a.User("bob", "user")
	a.Project("p-web", "ada", "web")
	a.Project("p-shop", "ada", "shop")
	a.Project("p-bob", "bob", "web")
	a.Service("svc", "p-web")
	a.Deployment("dep", "svc")
	_, web := a.Key(aeroplanetest.Key{User: "ada", Access: "write", Selected: true, Projects: []string{"p-web"}})
	revoked, all := a.Key(aeroplanetest.Key{User: "ada"})
	ada := a.Session("of-ada", "ada", time.Now().Add(time.Hour))
	a.Write("svc", time.Millisecond)

	f.follow(a.Path)
	g := startEdited(t, "caddy", f.httpAddr, startUpstream(t), dashboardOn)
	status := func(line, credential string) (int, string) {
		t.Helper()
		method, _, _ := strings.Cut(line, " ")
		r, body := g.send(method, line+" HTTP/1.1\r\nHost: aeroplane.test\r\n"+credential+"\r\n\r\n")
		if passed := r.Header.Get("X-Reached") != ""; passed != (r.StatusCode == http.StatusOK) && !strings.Contains(line, "/api/system/api-keys") {
			t.Errorf("%s: %d, and passed is %v", line, r.StatusCode, passed)
		}
		return r.StatusCode, body
	}
	becomes := func(want int, line, credential string) {
		t.Helper()
		for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			got, body := status(line, credential)
			if got == want {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("%s: %d, want %d: %s", line, got, want, body)
			}
		}
	}
	byKey := func(key string) string { return "Authorization: Bearer " + key }
	byAda := "Cookie: aeroplane_session=" + ada
	const logs = "GET /api/deployments/dep/logs"
	becomes(200, logs, byKey(web))
	becomes(200, "GET /api/services/svc", byAda)
	becomes(403, "GET /api/projects/shop", byKey(web))

	a.Move("svc", "p-shop")
	becomes(403, logs, byKey(web))
	becomes(200, logs, byKey(all))
	a.Move("svc", "p-bob")
	becomes(403, logs, byKey(all))
	a.Move("svc", "p-web")
	becomes(200, logs, byKey(web))
	a.RevokeKey(revoked)
	becomes(401, logs, byKey(all))

	// The dashboard's calls come here: the key that Aeroplane has made is shown and revoked, and Aeroplane's own word does not bring it back.
	page := byAda + "\r\nSec-Fetch-Site: same-origin"
	_, list := status("GET /api/system/api-keys", page)
	id := regexp.MustCompile(`"id":"([^"]+)"`).FindStringSubmatch(list)
	if id == nil {
		t.Fatalf("no key is shown: %s", list)
	}
	if got, body := status("DELETE /api/system/api-keys/"+id[1], page); got != 200 {
		t.Fatalf("%d %s", got, body)
	}
	if got, body := status(logs, byKey(web)); got != 401 {
		t.Errorf("the key that was revoked: %d %s", got, body)
	}
	a.Exec("UPDATE api_keys SET name = 'another' WHERE id = $1", id[1])
	a.EndSession("of-ada")
	becomes(401, "GET /api/services/svc", byAda)
	if got, _ := status(logs, byKey(web)); got != 401 {
		t.Errorf("the key that was revoked is back: %d", got)
	}
}

// The way back: without what stands between the marks Caddy asks nobody.
func TestTheWayBack(t *testing.T) {
	block := regexp.MustCompile(`(?s)\t*# authz: begin.*?# authz: end\n`)
	sample := sampleOf(t, "caddy/Caddyfile")
	if n := len(block.FindAllString(sample, -1)); n != 2 || strings.Contains(block.ReplaceAllString(sample, ""), "forward_auth") {
		t.Fatalf("%d blocks:\n%s", n, block.ReplaceAllString(sample, ""))
	}
	var cut []string
	for _, b := range block.FindAllString(sample, -1) {
		cut = append(cut, b, "")
	}
	g := startEdited(t, "caddy", "127.0.0.1:1", startUpstream(t), strings.NewReplacer(cut...))
	r, _ := g.send("GET", "GET /api/services/svc HTTP/1.1\r\nHost: aeroplane.test\r\n\r\n")
	if r.StatusCode != 200 || r.Header.Get("X-Reached") == "" {
		t.Error(r.Status)
	}
}

// follow keeps the service in step with an Aeroplane until the test ends.
func (f *fixture) follow(path string) {
	f.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	syncer := &authz.Syncer{Store: f.store, Now: time.Now}
	running.Go(func() { follow.New(follow.Config{Path: path, Target: follow.Own{Syncer: syncer}}).Run(ctx) })
	f.t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}
