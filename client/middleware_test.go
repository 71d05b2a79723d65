// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"aeroplane.run/authz/client"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server/servertest"
)

// yes allows everything, and keeps what it was asked.
func yes(asked chan<- *authzv1.AuthorizeRequest) fake {
	return fake{answer: func(_ context.Context, q *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error) {
		if asked != nil {
			asked <- q
		}
		return &authzv1.AuthorizeResponse{Allowed: true, Grant: new(authzv1.Grant)}, nil
	}}
}

// What the service has allowed is not passed on if it is not what next would read.
func TestRewrittenBefore(t *testing.T) {
	c := asking(t, yes(nil))
	for name, rewrite := range map[string]func(http.Handler) http.Handler{
		"a prefix": func(h http.Handler) http.Handler { return http.StripPrefix("/a", h) },
		"a query": func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { r.URL.RawQuery = "x"; h.ServeHTTP(w, r) })
		},
		"no RequestURI": func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { r.RequestURI = ""; h.ServeHTTP(w, r) })
		},
	} {
		gateway := serve(t, rewrite(c.Middleware(unreached(t))))
		if got := raw(t, gateway, "GET /a/b HTTP/1.1\r\n", ""); statusOf(got) != 503 {
			t.Errorf("%s: %s", name, got)
		}
	}
}

// The original request is its server's: it is left as it was.
func TestTheRequestItselfIsLeftAlone(t *testing.T) {
	c := asking(t, yes(nil))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = http.Header{"Aeroplane-User": {"u"}, "X-A": {"a"}, "Upgrade": {"h2c"}}
	r.Trailer = http.Header{"X-T": nil}
	c.Middleware(http.HandlerFunc(func(_ http.ResponseWriter, passed *http.Request) {
		passed.Header.Set("X-B", "b")
		passed.Header["X-A"][0] = "changed"
	})).ServeHTTP(httptest.NewRecorder(), r)
	if len(r.Header) != 3 || r.Header.Get("Aeroplane-User") != "u" || r.Header.Get("X-A") != "a" || r.Trailer == nil {
		t.Errorf("%v %v", r.Header, r.Trailer)
	}
}

// Trailers come when all is decided: none reaches next, whether it was announced or not.
func TestTrailers(t *testing.T) {
	c := asking(t, yes(nil))
	gateway := serve(t, c.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %v %d", body, err, len(r.Trailer))
	})))
	for _, announced := range []string{"", "Trailer: Aeroplane-User\r\n"} {
		got := raw(t, gateway, "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n"+announced,
			"3\r\nabc\r\n0\r\nAeroplane-User: u\r\nX-Other: v\r\n\r\n")
		if !strings.Contains(got, "abc <nil> 0") {
			t.Errorf("%q: %s", announced, got)
		}
	}
}

// Behind another protocol than HTTP/1.1 or a websocket, requests would travel that nobody asked about.
func TestUpgrades(t *testing.T) {
	c := asking(t, yes(nil))
	gateway := serve(t, inFront(t, c))
	for _, u := range []struct {
		head string
		want bool // it reaches the upstream
	}{
		{"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n", false},
		{"Connection: Upgrade\r\nUpgrade: websocket, h2c\r\n", false},
		{"Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n", false},
		{"Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n", false},
		{"Connection: Upgrade\r\nUpgrade: WebSocket\r\n", true},
	} {
		got := raw(t, gateway, "GET / HTTP/1.1\r\n"+u.head, "")
		if statusOf(got) != 200 || strings.Contains(got, "\nUpgrade: ") != u.want || strings.Contains(got, "Settings: ") {
			t.Errorf("%s\n%s", u.head, got)
		}
	}
}

// Who takes over the connection, flushes or sets deadlines gets what the server gave.
func TestNextHasTheWriterItself(t *testing.T) {
	c := asking(t, yes(nil))
	gateway := serve(t, c.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to := http.NewResponseController(w)
		if err := errors.Join(to.SetWriteDeadline(time.Time{}), to.EnableFullDuplex(), to.Flush()); err != nil {
			t.Error(err)
		}
		conn, _, err := to.Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = io.WriteString(conn, "by hand")
	})))
	if got := raw(t, gateway, "GET / HTTP/1.1\r\n", ""); !strings.HasSuffix(got, "by hand") {
		t.Errorf("%s", got)
	}
}

// A panic of next is next's, http.ErrAbortHandler as well.
func TestPanics(t *testing.T) {
	c := asking(t, yes(nil))
	for _, p := range []any{http.ErrAbortHandler, "a text"} {
		func() {
			defer func() {
				if got := recover(); got != p {
					t.Errorf("%v, want %v", got, p)
				}
			}()
			c.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(p) })).
				ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
		}()
	}
}

// A request that was cancelled meanwhile is not passed on, whether the answer came or not. It is answered: whoever has cancelled it may
// not be the client, and an answer without a status would be a 200.
func TestCancelled(t *testing.T) {
	for _, answers := range []string{"never", "too late", "just before"} {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var log servertest.Logbook
		address := listenAs(t, fake{answer: func(calling context.Context, _ *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error) {
			if answers != "just before" {
				cancel()
			}
			if answers == "never" {
				<-calling.Done()
			}
			return &authzv1.AuthorizeResponse{Allowed: true, Grant: new(authzv1.Grant)}, nil
		}})
		thenCancel := grpc.WithUnaryInterceptor(func(calling context.Context, method string, q, a any, cc *grpc.ClientConn, call grpc.UnaryInvoker,
			options ...grpc.CallOption) error {
			defer cancel()
			return call(calling, method, q, a, cc, options...)
		})
		c := connect(t, client.Config{
			Target: address, Token: client.NewSecret(token), Log: log.Logger(), DialOptions: []grpc.DialOption{thenCancel}})
		w := httptest.NewRecorder()
		c.Middleware(unreached(t)).ServeHTTP(w, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
		if w.Code != 503 || strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("%s: %d\n%s", answers, w.Code, &log)
		}
	}
}

// A websocket goes through, both ways.
func TestWebsocket(t *testing.T) {
	c := asking(t, yes(nil))
	upstream := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, both, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		fmt.Fprintf(both, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: %s\r\n\r\n", r.Header.Get("Upgrade"))
		_ = both.Flush()
		line, _ := both.ReadString('\n')
		_, _ = io.WriteString(conn, "heard "+line)
	}))
	to, err := url.Parse("http://" + upstream)
	if err != nil {
		t.Fatal(err)
	}
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	proxy := &httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to) }}
	conn, err := net.Dial("tcp", serve(t, c.Middleware(proxy)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "GET / HTTP/1.1\r\nHost: gateway.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
	from := bufio.NewReader(conn)
	answer, err := http.ReadResponse(from, nil)
	if err != nil || answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v, %v", answer, err)
	}
	fmt.Fprint(conn, "hello\n")
	if rest, err := from.ReadString('\n'); err != nil || rest != "heard hello\n" {
		t.Errorf("%q, %v", rest, err)
	}
}
