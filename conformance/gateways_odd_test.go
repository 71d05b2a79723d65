// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"aeroplane.run/authz/internal/door"
	"aeroplane.run/authz/internal/sqlite"
	"aeroplane.run/authz/internal/testservers"
)

// oddRequests are such as client, proxy, service and upstream could take for different ones. KEY is a read key for all projects. Those that
// may reach the upstream have to arrive as they are named, and all others not at all.
var oddRequests = []struct {
	name, request string
	reaches       string // the line that has to arrive; empty: nothing may; with a question mark before it: or nothing
}{
	{"plain", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\n", "GET /api/projects"},
	{"a query", "GET /api/projects?a=/../%2e%2e//b&c HTTP/1.1\r\nAuthorization: Bearer KEY\r\n", "GET /api/projects?a=/../%2e%2e//b&c"},
	{"a query that is empty", "GET /api/projects? HTTP/1.1\r\nAuthorization: Bearer KEY\r\n", "GET /api/projects?"},
	{"an escape that is needed", "GET /api/projects/a%20b HTTP/1.1\r\nAuthorization: Bearer KEY\r\n", "GET /api/projects/a%20b"},
	{"small letters in a name", "GET /api/projects HTTP/1.1\r\nauthorization: bearer KEY\r\n", "GET /api/projects"},
	{"blanks round a value", "GET /api/projects HTTP/1.1\r\nX-API-Key: \t KEY \t\r\n", "GET /api/projects"},

	{"identity forged", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\nAeroplane-User: root\r\nAEROPLANE-ROLE: owner\r\naeroplane-user: root\r\n" +
		"Aeroplane-Projects: p\r\n", "GET /api/projects"},
	{"identity forged in other spellings", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\nAeroplane_User: root\r\nAeroplane.User: root\r\n" +
		"aeroplane_role: owner\r\nAeroplane~User: root\r\nAeroplane!Role: owner\r\n", "GET /api/projects"},
	{"identity forged on a public page", "GET / HTTP/1.1\r\nAeroplane-User: root\r\nAeroplane-Caller: session\r\nAeroplane_User: root\r\n", "GET /"},
	{"identity to be dropped on the way", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\nConnection: Aeroplane-User, Aeroplane-Caller\r\n", "GET /api/projects"},
	{"the key to be dropped on the way", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\nConnection: keep-alive, Authorization\r\n", "GET /api/projects"},
	{"headers of the dialects", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\nX-Forwarded-Uri: /api/system\r\nX-Forwarded-Method: DELETE\r\n" +
		"X-Original-URI: /api/system\r\nX-Original-Method: DELETE\r\nX_Forwarded_Uri: /x\r\n", "GET /api/projects"},
	{"a gateway's token", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\nAeroplane-Gateway-Token: x\r\nAeroplane_Gateway_Token: x\r\n", "GET /api/projects"},
	{"where it comes from", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\nX-Forwarded-For: 10.9.9.9\r\nForwarded: for=10.9.9.9\r\nX-Real-IP: 10.9.9.9\r\n" +
		"True-Client-IP: 10.9.9.9\r\nClient-IP: 10.9.9.9\r\nCF-Connecting-IP: 10.9.9.9\r\nX-Client-IP: 10.9.9.9\r\nX-Cluster-Client-IP: 10.9.9.9\r\n" +
		"X-Forwarded-Host: forged\r\nX-Forwarded-Proto: forged\r\nX-Forwarded-Prefix: /forged\r\nX-Forwarded-Server: forged\r\nX-Forwarded-Path: /forged\r\n" +
		"X-Forwarded-User: forged\r\nX-Forwarded-Client-Cert: forged\r\nX-Remote-User: forged\r\n", "GET /api/projects"},
	{"a key under other names", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\nX_API_Key: other\r\nX.API.Key: other\r\nX~API-Key: other\r\n" +
		"X-API+Key: other\r\nX!API!Key: other\r\n", "GET /api/projects"},
	{"another method", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\nX-HTTP-Method-Override: FORGED\r\nX-HTTP-Method: FORGED\r\n" +
		"X-Method-Override: FORGED\r\n", "GET /api/projects"},
	{"another path", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\nX-Original-URL: /forged\r\nX-Original-Path: /forged\r\nX-Rewrite-URL: /forged\r\n" +
		"X-Envoy-Original-Path: /forged\r\nX-Auth-Request-Redirect: /forged\r\n", "GET /api/projects"},
	{"a proxy for CGI", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\nProxy: forged\r\nProxy-Connection: forged\r\n", "GET /api/projects"},
	{"identity in a line that goes on", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\nX-A: b\r\n Aeroplane-User: c\r\n", "?GET /api/projects"},
	{"identity behind a bare line feed", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\nX-A: b\nAeroplane-User: root\r\n", "GET /api/projects"},
	{"identity behind a bare carriage return", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\nX-A: b\rAeroplane-User: root\r\n", ""},
	{"a byte that is no UTF-8", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\nX-A: \xff\r\n", "GET /api/projects"},

	{"h2c", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n" +
		"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n", "GET /api/projects"},
	{"h2c on a public page", "GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\n", "GET /"},
	{"h2c behind a WebSocket, in a line of its own", "GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n", "?GET /"},
	{"h2c behind a WebSocket", "GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: websocket, h2c\r\n", "?GET /"},
	{"a protocol that nobody knows", "GET / HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: forged\r\n", "GET /"},
	{"a WebSocket that drops identity", "GET / HTTP/1.1\r\nConnection: Upgrade, Aeroplane-User\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n" +
		"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n", "GET /"},

	{"HTTP/1.0", "GET /api/projects HTTP/1.0\r\nAuthorization: Bearer KEY\r\n", "GET /api/projects"},
	{"two blanks", "GET  /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\n", "?GET /api/projects"},
	{"a target that needs no change", "GET /api/projects/a!$&'()*+,=:@b%2c HTTP/1.1\r\nAuthorization: Bearer KEY\r\n", "GET /api/projects/a!$&'()*+,=:@b%2c"},
	{"a query of odd characters", "GET /api/projects?a=%zz&\"<>{}|^`;[] HTTP/1.1\r\nAuthorization: Bearer KEY\r\n", "GET /api/projects?a=%zz&\"<>{}|^`;[]"},

	{"a write named as a read", "DELETE /api/projects/p HTTP/1.1\r\nAuthorization: Bearer KEY\r\nX-HTTP-Method-Override: GET\r\nX-Forwarded-Method: GET\r\n" +
		"X-Original-Method: GET\r\n", ""},
	{"a path named as another", "GET /api/system/settings HTTP/1.1\r\nAuthorization: Bearer KEY\r\nX-Forwarded-Uri: /\r\nX-Original-URI: /\r\nX-Original-URL: /\r\n" +
		"X-Rewrite-URL: /\r\n", ""},
	{"only a key under other names", "GET /api/projects HTTP/1.1\r\nX_API_Key: KEY\r\nX.API.Key: KEY\r\nX-Api_Key: KEY\r\n", ""},
	{"two keys", "GET /api/projects HTTP/1.1\r\nX-API-Key: KEY\r\nX-API-Key: KEY\r\n", ""},
	{"two tokens", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\nAuthorization: Bearer KEY\r\n", ""},
	{"two tokens in one", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY, Bearer KEY\r\n", ""},
	{"a key beside another token", "GET /api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\nX-API-Key: other\r\n", ""},

	{"a doubled slash", "GET //api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\n", ""},
	{"a doubled slash within", "GET /api//projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\n", ""},
	{"a slash at the end", "GET /api/projects/ HTTP/1.1\r\nAuthorization: Bearer KEY\r\n", ""},
	{"a dot", "GET /api/./projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\n", ""},
	{"dots", "GET /api/projects/../system/settings HTTP/1.1\r\nAuthorization: Bearer KEY\r\n", ""},
	{"dots from outside", "GET /assets/../api/system/settings HTTP/1.1\r\n", ""},
	{"escaped dots", "GET /assets/%2e%2e/api/system/settings HTTP/1.1\r\n", ""},
	{"an escaped slash", "GET /assets%2f..%2fapi/system/settings HTTP/1.1\r\n", ""},
	{"an escaped letter", "GET /%61pi/system/settings HTTP/1.1\r\n", ""},
	{"escaped twice", "GET /%2561pi/system/settings HTTP/1.1\r\n", ""},
	{"a broken escape", "GET /api/projects/%zz HTTP/1.1\r\nAuthorization: Bearer KEY\r\n", ""},
	{"an escaped zero", "GET /api/projects/%00 HTTP/1.1\r\nAuthorization: Bearer KEY\r\n", ""},
	{"a semicolon", "GET /api;x/system/settings HTTP/1.1\r\n", ""},
	{"a backslash", "GET /assets\\..\\api\\system HTTP/1.1\r\n", ""},
	{"another case", "GET /API/system/settings HTTP/1.1\r\n", ""},
	{"bytes beyond ASCII", "GET /\xc3\xa9 HTTP/1.1\r\n", ""},
	{"a zero", "GET /a\x00b HTTP/1.1\r\n", ""},
	{"a tab", "GET /a\tb HTTP/1.1\r\n", ""},
	{"a fragment", "GET /api/system#/../../ HTTP/1.1\r\n", ""},
	{"too long", "GET /" + strings.Repeat("a", 8192) + " HTTP/1.1\r\n", ""},
	{"no slash", "GET api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\n", ""},
	{"no path", "OPTIONS * HTTP/1.1\r\n", ""},
	{"absolute form of what calls itself HTTP/2", "GET http://aeroplane.test/api/projects HTTP/2.0\r\nAuthorization: Bearer KEY\r\n", ""},
	{"absolute form", "GET http://aeroplane.test/api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\n", ""},
	{"absolute form of another host", "GET http://elsewhere.test/api/projects HTTP/1.1\r\nAuthorization: Bearer KEY\r\n", ""},
	{"absolute form without a path", "GET http://aeroplane.test HTTP/1.1\r\n", ""},
	{"absolute form of another scheme", "GET x://aeroplane.test/ HTTP/1.1\r\n", ""},
	{"a scheme without a root", "GET http:assets/a HTTP/1.1\r\n", ""},
	{"a fragment on a public page", "GET /assets/a#/../../api/system HTTP/1.1\r\n", ""},
	{"characters that need an escape", "GET /assets/a\"b<c>{d}|^` HTTP/1.1\r\n", ""},
	{"an escape that is not needed", "GET /assets/%7Ea HTTP/1.1\r\n", ""},
	{"two hosts", "GET / HTTP/1.1\r\nHost: elsewhere.test\r\n", ""},
	{"an authority", "CONNECT aeroplane.test:443 HTTP/1.1\r\n", ""},
	{"another method", "PROPFIND / HTTP/1.1\r\n", ""},
	{"a method in small letters", "get / HTTP/1.1\r\n", ""},
	{"a method of two words", "GET GET / HTTP/1.1\r\n", ""},
	{"two lengths", "GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n", ""},
	{"a blank before the colon", "GET / HTTP/1.1\r\nX-API-Key : KEY\r\n", ""},
}

// What reaches the upstream is what was decided on, told of whom it was decided for, and of nothing that the client claims.
func TestOddRequestsThroughGateways(t *testing.T) {
	store := must[*sqlite.Store](t)(sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Migrate: true}))
	f := newFixture(t, store)
	f.userIDs = map[string]string{}
	upstream, key := startUpstream(t), f.expand("{key:read/all}")
	for name := range gateways {
		t.Run(name, func(t *testing.T) {
			g := startGateway(t, name, f.httpAddr, upstream)
			for _, c := range oddRequests {
				method, _, _ := strings.Cut(c.request, " ")
				line, rest, _ := strings.Cut(strings.ReplaceAll(c.request, "KEY", key), "\r\n")
				r, body := g.send(method, line+"\r\nHost: aeroplane.test\r\n"+rest+"\r\n")
				g.hangUp()
				body = strings.ReplaceAll(body, key, "KEY")
				reached, reaches := r.Header.Get("X-Reached"), strings.TrimPrefix(c.reaches, "?")
				switch {
				case reached == "" && strings.HasPrefix(c.reaches, "?") && r.StatusCode == 400:
				case c.reaches == "" && reached != "":
					t.Errorf("%s: it reached the upstream:\n%s", c.name, body)
				case c.reaches == "" && (r.StatusCode < 400 || r.StatusCode > 505) && name+c.name != "caddyno path": // which it answers itself
					t.Errorf("%s: %d", c.name, r.StatusCode)
				case c.reaches == "":
				case reached != digest(reaches):
					t.Errorf("%s: %d, %s did not reach the upstream, but\n%s", c.name, r.StatusCode, reaches, body)
				default:
					wantArrived(t, c.name, c.request, body)
				}
				for header := range r.Header {
					if strings.HasPrefix(header, "Aeroplane-") {
						t.Errorf("%s: the client is told %s", c.name, header)
					}
				}
			}
		})
	}
}

// wantArrived wants the identity headers, and none of what a client has claimed.
func wantArrived(t *testing.T, name, sent, arrived string) {
	t.Helper()
	var told []string
	for line := range strings.Lines(arrived) {
		header, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		folded := strings.ToLower(strings.NewReplacer("_", "-", ".", "-").Replace(header))
		switch {
		case strings.HasPrefix(folded, "aeroplane-"):
			told = append(told, header)
			if i := slices.IndexFunc(door.Names[:], func(n string) bool { return strings.EqualFold(n, header) }); i < 0 {
				t.Errorf("%s: %s arrived", name, header)
			}
		case folded == "x-api-key" && !strings.EqualFold(header, "x-api-key"):
			t.Errorf("%s: %s arrived", name, header)
		}
		for _, claimed := range []string{"root", "owner", "other", "10.9.9.9", "forged", "FORGED", "h2c"} {
			if strings.Contains(value, claimed) && strings.Contains(sent, claimed) {
				t.Errorf("%s: %q arrived", name, line)
			}
		}
		if strings.EqualFold(header, "connection") && strings.Contains(strings.ToLower(value), "aeroplane") {
			t.Errorf("%s: %q arrived, which whoever is next may follow", name, line)
		}
	}
	if len(told) != len(door.Names) {
		t.Errorf("%s: the upstream is told %q:\n%s", name, told, arrived)
	}
	if strings.Contains(sent, "Bearer") && !strings.Contains(strings.ToLower(arrived), "\r\nauthorization: bearer ") {
		t.Errorf("%s: the key did not arrive:\n%s", name, arrived)
	}
}

// A service that is away, slow or out of its mind, and who is no service at all, lets nothing pass. The client is told that there is no decision.
func TestGatewaysFailClosed(t *testing.T) {
	upstream := startUpstream(t)
	for service, answer := range map[string]string{
		"away":              "",
		"slow":              "wait",
		"closes":            "close",
		"garbage":           "\x00\x01\x02 garbage\r\n\r\n",
		"an error":          "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n",
		"a redirect":        "HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n",
		"no page":           "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
		"cut short":         "HTTP/1.1 200 OK\r\nAeroplane-Caller: key\r\n",
		"no identity":       "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"an empty identity": "HTTP/1.1 200 OK\r\nAeroplane-User:\r\nContent-Length: 0\r\n\r\n",
	} {
		address := startNonsense(t, answer)
		for name := range gateways {
			t.Run(fmt.Sprint(name, " ", service), func(t *testing.T) {
				t.Parallel()
				g := startGateway(t, name, address, upstream)
				r, body := g.send("GET", "GET / HTTP/1.1\r\nHost: aeroplane.test\r\nAeroplane-User: root\r\nAeroplane_User: root\r\n\r\n")
				if r.StatusCode != 503 || body != `{"error":"`+door.Unavailable+`"}` || r.Header.Get("Cache-Control") != "no-store" {
					t.Errorf("%d %v %s", r.StatusCode, r.Header, body)
				}
			})
		}
	}
}

// startNonsense starts what is no service: it answers every connection the same. It returns its address.
func startNonsense(t *testing.T, answer string) string {
	t.Helper()
	if answer == "" {
		return must[string](t)(testservers.FreeAddress())
	}
	return testservers.Serve(t, func(conn net.Conn) {
		switch answer {
		case "wait":
			<-t.Context().Done()
		case "close":
		default:
			_, _ = io.ReadFull(conn, make([]byte, 16)) // something of the question
			_, _ = io.WriteString(conn, answer)
			<-t.Context().Done()
		}
	})
}
