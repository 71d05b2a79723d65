// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aeroplane.run/authz/client"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server/servertest"
)

// identities are the lines of an echo that tell who is calling.
func identities(answer string) (lines []string) {
	for line := range strings.Lines(answer) {
		if strings.HasPrefix(strings.ToLower(line), "aeroplane") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// An upstream gets every identity header once, and none of a client's.
func TestIdentityHeaders(t *testing.T) {
	run := start(t, servertest.Options{})
	projects(t, run)
	all, some := newKey(t, run, reads), newKey(t, run, writes, "p", "q")
	with, without := of(run), of(run)
	without.NoIdentityHeaders = true
	set, bare := serve(t, inFront(t, connect(t, with))), serve(t, inFront(t, connect(t, without)))
	const forged = "Aeroplane-Caller: session\r\naeroplane-ROLE: owner\r\nAeroplane-Role: owner\r\nAeroplane-Projects: *\r\nAEROPLANE-USER: u\r\n"
	for _, c := range []struct {
		name, gateway, head string
		want                string // values in the order of names, KEY for the id of a key; empty: no header
	}{
		{"nobody", set, "GET /api/health HTTP/1.1\r\n", "Access: -|Caller: -|Key: -|Project: -|Projects: -|Role: -|Transfer: -|User: -"},
		{"a key", set, "GET /api/projects HTTP/1.1\r\nX-API-Key: " + all + "\r\n",
			"Access: read|Caller: key|Key: KEY|Project: -|Projects: *|Role: -|Transfer: -|User: -"},
		{"some projects", set, "GET /api/projects HTTP/1.1\r\nX-API-Key: " + some + "\r\n",
			"Access: write|Caller: key|Key: KEY|Project: -|Projects: p,q|Role: -|Transfer: -|User: -"},
		{"one project", set, "GET /api/services/s/overview HTTP/1.1\r\nX-API-Key: " + some + "\r\n",
			"Access: write|Caller: key|Key: KEY|Project: p|Projects: -|Role: -|Transfer: -|User: -"},
		{"left out", bare, "GET /api/projects HTTP/1.1\r\nX-API-Key: " + all + "\r\n", ""},
	} {
		answer := raw(t, c.gateway, c.head+forged, "")
		got := strings.ReplaceAll(strings.Join(identities(answer), "|"), "Aeroplane-", "")
		for _, key := range []string{all, some} {
			got = strings.ReplaceAll(got, key[3:19], "KEY") // its id, which stands after ap_
		}
		if statusOf(answer) != 200 || got != c.want {
			t.Errorf("%s: want %s, got\n%s", c.name, c.want, answer)
		}
	}
}

// A grant that does not fit into headers is refused, and passed on where next asks for it by itself.
func TestMoreProjectsThanFit(t *testing.T) {
	ids := strings.Split(strings.TrimSuffix(strings.Repeat("a-project-with-a-long-name,", 400), ","), ",")
	address := listenAs(t, always(&authzv1.AuthorizeResponse{Allowed: true, Grant: &authzv1.Grant{
		VisibleProjects: &authzv1.ProjectScope{ProjectIds: ids}}}, nil))
	for without, want := range map[bool]string{
		false: "403 the caller sees 400 projects, too many for the header Aeroplane-Projects", true: "200 400",
	} {
		c := connect(t, client.Config{Target: address, Token: client.NewSecret(token), NoIdentityHeaders: without})
		w := httptest.NewRecorder()
		c.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			grant, ok := client.GrantFrom(r.Context())
			if !ok {
				t.Error("there is no grant")
			}
			fmt.Fprint(w, len(grant.VisibleProjects.ProjectIds))
		})).ServeHTTP(w, httptest.NewRequest("GET", "/api/projects", nil))
		if got := fmt.Sprint(w.Code, " ", strings.TrimPrefix(w.Body.String(), `{"error":"`)); !strings.HasPrefix(got, want) {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

func TestGrantFromElsewhere(t *testing.T) {
	if g, ok := client.GrantFrom(t.Context()); g != nil || ok {
		t.Errorf("%v, %v", g, ok)
	}
}
