// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"aeroplane.run/authz/internal/sqlite"
	"aeroplane.run/authz/internal/testservers"
)

// A gateway is a real proxy with the configuration that deploy/ has for it, between a client and an upstream that tells what reached it.
type gateway struct {
	t       *testing.T
	address string
	conn    net.Conn
	answers *bufio.Reader
}

// gateways are the proxies that run here, each with how it is started.
var gateways = map[string]func(t *testing.T, set func(file string) string, address string) *testservers.Proxy{
	"caddy": func(t *testing.T, set func(string) string, address string) *testservers.Proxy {
		return testservers.Caddy(t, set("caddy/Caddyfile"), address)
	},
	"nginx": func(t *testing.T, set func(string) string, address string) *testservers.Proxy {
		return testservers.Nginx(t, set("nginx/nginx.conf"), address)
	},
	"haproxy": func(t *testing.T, set func(string) string, address string) *testservers.Proxy {
		return testservers.HAProxy(t, map[string]string{"haproxy.cfg": set("haproxy/haproxy.cfg"), "authz.lua": set("haproxy/authz.lua")}, address)
	},
}

// startGateway starts a proxy with its configuration as it is, but for the three addresses in it.
func startGateway(t *testing.T, name, service, upstream string) *gateway {
	t.Helper()
	return startEdited(t, name, service, upstream, strings.NewReplacer())
}

// startEdited starts a proxy whose configuration is edited besides.
func startEdited(t *testing.T, name, service, upstream string, edit *strings.Replacer) *gateway {
	t.Helper()
	address := must[string](t)(testservers.FreeAddress())
	replacer := strings.NewReplacer(":8080", portOf(address), ":8462", portOf(service), ":3000", portOf(upstream))
	gateways[name](t, func(file string) string {
		return replacer.Replace(edit.Replace(sampleOf(t, file)))
	}, address)
	g := &gateway{t: t, address: address}
	t.Cleanup(g.hangUp)
	return g
}

// sampleOf is a configuration as deploy/ has it.
func sampleOf(t *testing.T, file string) string {
	t.Helper()
	return string(must[[]byte](t)(os.ReadFile("../deploy/" + file)))
}

func (g *gateway) hangUp() {
	if g.conn != nil {
		_ = g.conn.Close()
		g.conn = nil
	}
}

// send sends a request as it is written, on the connection that there is, and returns the answer.
func (g *gateway) send(method, request string) (*http.Response, string) {
	g.t.Helper()
	if g.conn == nil {
		g.conn = must[net.Conn](g.t)(net.Dial("tcp", g.address))
		g.answers = bufio.NewReader(g.conn)
	}
	if err := g.conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		g.t.Fatal(err)
	}
	must[int](g.t)(io.WriteString(g.conn, request))
	r, err := http.ReadResponse(g.answers, &http.Request{Method: method})
	if err != nil {
		g.t.Fatalf("no answer to %.300q: %v", request, err)
	}
	defer r.Body.Close()
	body := string(must[[]byte](g.t)(io.ReadAll(r.Body)))
	if r.Close {
		g.hangUp()
	}
	return r, body
}

func digest(line string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(line))) }

// Through each real proxy all of the corpus gets the answers that it is owed, and what may pass reaches the upstream as it was sent.
func TestDecisionsThroughGateways(t *testing.T) {
	for name := range gateways {
		t.Run(name, func(t *testing.T) {
			store := must[*sqlite.Store](t)(sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Migrate: true}))
			f := newFixture(t, store)
			f.populate()
			g := startGateway(t, name, f.httpAddr, startUpstream(t))
			for _, d := range corpus(t) {
				if d.TargetProject != nil {
					continue // no door of these sees a body
				}
				target := f.expand(d.Path)
				request := d.Method + " " + target + " HTTP/1.1\r\nHost: aeroplane.test\r\n"
				for _, h := range d.Headers {
					request += h[0] + ": " + f.expand(h[1]) + "\r\n"
				}
				r, body := g.send(d.Method, request+"\r\n")
				if status := refusesItself(name, d.Method, request); status == r.StatusCode && !d.Want.Allow && r.Header.Get("X-Reached") == "" {
					continue
				}
				if why := judge(d.Method, d.Method+" "+target, d.Want, r, body); why != "" {
					t.Errorf("%s\n%d %s: %s", d.text, r.StatusCode, body, why)
				}
			}
		})
	}
}

// refusesItself returns the status with which a proxy refuses a request by itself, in words of its own; 0 for one that it asks about.
func refusesItself(name, method, request string) int {
	switch {
	case name != "nginx":
		return 0
	case method == "TRACE":
		return 405
	case method == "get", strings.Count(strings.ToLower(request), "\r\nauthorization:") > 1:
		return 400
	}
	return 0
}

// judge says what is wrong with an answer.
func judge(method, line string, want wanted, r *http.Response, body string) string {
	reached := r.Header.Get("X-Reached")
	switch {
	case reached != "" && !want.Allow:
		return "it reached the upstream"
	case want.Allow && reached == "":
		return "it did not reach the upstream"
	case want.Allow && reached != digest(line):
		return "it reached the upstream as another request"
	case want.Allow:
		return ""
	case r.StatusCode != int(want.Status):
		return "another status"
	case method != http.MethodHead && body != `{"error":"`+want.Error+`"}`:
		return "another body"
	case r.Header.Get("Cache-Control") != "no-store" || strings.Join(r.Header.Values("Www-Authenticate"), "|") != map[bool]string{true: "Bearer"}[want.Status == 401]:
		return "other headers"
	}
	return ""
}

// portOf returns the port of an address, with its colon.
func portOf(address string) string { return address[strings.LastIndexByte(address, ':'):] }
