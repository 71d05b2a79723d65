// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"

	"aeroplane.run/authz/internal/testservers"
)

// measureDoors compares what each door takes with calls of Authorize, and then real proxies that ask with the same proxies that do not.
func measureDoors(b *bench) {
	b.prepare()
	b.askAll(b.lite, b.zipf)
	table := newComparison(b.out, "Doors", costs...)
	calls := side{unary, b.lite, 64, b.zipf}
	b.bar(table, side{checks64, b.lite, 64, b.zipf}, calls)
	b.bar(table, side{overHTTP("forward-auth", b.lite.http, asProxy, byStatus), b.lite, 64, b.zipf}, calls)

	b.bar(table, side{overHTTP("AuthZEN", b.lite.http, asEvaluator, byDecision), b.lite, 64, b.zipf}, calls)

	table = newComparison(b.out, "Proxies, and the service's processor time with theirs", costs...)
	for _, name := range []string{"nginx", "HAProxy", "Caddy", "a proxy in Go"} {
		b.within(name, func(b *bench) {
			upstream := startUpstream(b)
			asking, address := b.startProxy(name, upstream, true)
			silent, other := b.startProxy(name, upstream, false)
			b.bar(table, side{overHTTP(name, address, asClient, byStatus), asking, 64, b.zipf},
				side{overHTTP(name+" without authorization", other, asClient, byStatus), silent, 64, b.zipf})
		})
	}
}

// checks64 is a Check of ext_authz for each decision, with the headers that Envoy sends.
var checks64 = form{"ext_authz", func(ctx context.Context, c *contestant, q *questions, callers int) ([]caller, error) {
	var all []caller
	for i := range callers {
		client := authv3.NewAuthorizationClient(c.gateway[i%len(c.gateway)])
		place := q.from(i, callers)
		all = append(all, func(t *tally) error {
			question := place.next()
			in := question.request
			lines := &corev3.HeaderMap{Headers: []*corev3.HeaderValue{
				{Key: ":authority", RawValue: []byte("aeroplane.test")}, {Key: ":path", RawValue: []byte(in.GetPath())},
				{Key: ":method", RawValue: []byte(in.GetMethod())}, {Key: "user-agent", RawValue: []byte("bench")},
			}}
			for name, values := range map[string][]string{"authorization": in.GetHeaders().GetAuthorization(),
				"x-api-key": in.GetHeaders().GetXApiKey(), "cookie": in.GetHeaders().GetCookie()} {
				for _, v := range values {
					lines.Headers = append(lines.Headers, &corev3.HeaderValue{Key: name, RawValue: []byte(v)})
				}
			}
			request := &authv3.AttributeContext_HttpRequest{Method: in.GetMethod(), Path: in.GetPath(), Host: "aeroplane.test", Protocol: "HTTP/1.1", HeaderMap: lines}
			asked := time.Now()
			answer, err := client.Check(ctx, &authv3.CheckRequest{Attributes: &authv3.AttributeContext{
				Request: &authv3.AttributeContext_Request{Http: request},
			}})
			if err != nil {
				return err
			}
			t.note(asked, 1)
			if (answer.GetOkResponse() != nil) != question.allowed {
				return errWrong
			}
			return nil
		})
	}
	return all, nil
}}

// startProxy starts a proxy with our configuration, or with what remains of that if it is to ask nobody. It returns its address.
func (b *bench) startProxy(name, upstream string, asks bool) (c *contestant, address string) {
	b.Helper()
	address, err := testservers.FreeAddress()
	if err != nil {
		b.Fatal(err)
	}
	c = &contestant{name: name, empty: !asks, asked: map[*questions]bool{b.zipf: true}}
	if !asks {
		c.name += " without authorization"
	}
	config := func(file string, asking string) string {
		text, err := os.ReadFile("deploy/" + file)
		if err != nil {
			b.Fatal(err)
		}
		replaced := strings.NewReplacer(":8080", portOf(address), ":8462", portOf(b.lite.http), ":3000", portOf(upstream)).Replace(string(text))
		if !asks {
			replaced = regexp.MustCompile(asking).ReplaceAllString(replaced, "")
		}
		return replaced
	}
	var proxy *testservers.Proxy
	switch name {
	case "nginx":
		proxy = testservers.Nginx(b, config("nginx/nginx.conf", `(?m)^ *(auth_request .*|''      '';)$`), address)
	case "HAProxy":
		proxy = testservers.HAProxy(b, map[string]string{
			"haproxy.cfg": config("haproxy/haproxy.cfg", `(?m)^.*(lua|txn\.authz).*$`), "authz.lua": config("haproxy/authz.lua", ""),
		}, address)
	case "Caddy":
		proxy = testservers.Caddy(b, config("caddy/Caddyfile", `(?ms)^\t\tforward_auth .*?^\t\t}$|^[^\n]*@untold[^\n]*$`), address)
	default:
		c.process = b.startGoProxy(address, upstream, asks)
	}
	if proxy != nil {
		c.process, c.more = proxy, proxy.Workers
	}
	if workers := c.more; asks {
		c.more = func() (pids []int) {
			if workers != nil {
				pids = workers()
			}
			return append(pids, b.lite.process.Pid())
		}
	}
	return c, address
}

// startGoProxy starts a reverse proxy in Go, with package client or without.
func (b *bench) startGoProxy(address, upstream string, asks bool) *testservers.Program {
	b.Helper()
	args := []string{address, upstream}
	if asks {
		args = append(args, b.lite.address)
	}
	cmd := exec.Command(buildProgram(b, "bench/proxy"), args...)
	cmd.Env = []string{variable("TOKEN", gatewayToken)}
	program, err := testservers.StartProgram(b, cmd)
	if err != nil {
		b.Fatal(err)
	}
	if err := testservers.Await(b.Context(), address); err != nil {
		b.Fatal(fmt.Errorf("the proxy in Go: %w", err))
	}
	return program
}

// portOf returns the port of an address, with its colon.
func portOf(address string) string { return address[strings.LastIndexByte(address, ':'):] }
