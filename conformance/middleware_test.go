// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aeroplane.run/authz/client"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/door"
	"aeroplane.run/authz/server/servertest"
)

// newMiddleware runs a gateway in Go, whose upstream answers with the identity headers that reached it, and returns a connection to it.
func newMiddleware(t *testing.T, run *servertest.Running) net.Conn {
	t.Helper()
	c := must[*client.Client](t)(client.New(client.Config{Target: run.Addr, Token: client.NewSecret(run.GatewayToken)}))
	t.Cleanup(func() { _ = c.Close() })
	gateway := httptest.NewServer(c.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, name := range door.Names {
			w.Header()[name] = r.Header[name]
		}
	})))
	t.Cleanup(gateway.Close)
	conn := must[net.Conn](t)(net.Dial("tcp", gateway.Listener.Addr().String()))
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// agreeMiddleware sends the request itself, of which the middleware has to ask what was asked.
func (p *proxyDoors) agreeMiddleware(in *authzv1.AuthorizeRequest, want told) {
	p.t.Helper()
	body := bodyOf(p.t, in)
	if !p.expressible(&authzv1.AuthorizeRequest{Method: in.GetMethod(), Path: in.GetPath(), Credential: in.GetCredential()}) ||
		strings.ContainsAny(in.GetMethod()+in.GetPath(), " \t") || !strings.HasPrefix(in.GetPath(), "/") || len(body) > door.MaxTransferBody {
		return // no request, or none that can be sent
	}
	request := fmt.Sprintf("%s %s HTTP/1.1\r\nHost: gateway.test\r\nContent-Length: %d\r\n", in.GetMethod(), in.GetPath(), len(body))
	for _, line := range linesOf(in.GetHeaders()) {
		request += line.name + ": " + line.value + "\r\n"
	}
	r, got := p.send(&p.middleware, in.GetMethod(), request+"\r\n"+body)
	switch {
	case want.Status == 400 && r.StatusCode == 400 && r.Header.Get("Content-Type") != "application/json":
		_ = p.middleware.conn.Close() // net/http refuses by itself what is no URL
		p.middleware = newExchange(must[net.Conn](p.t)(net.Dial("tcp", p.middleware.conn.RemoteAddr().String())))
		return
	case in.GetMethod() == http.MethodHead:
		got = want.Body
	}
	p.same("package client", in, want, toldBy(r, got))
}
