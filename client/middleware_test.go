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
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"aeroplane.run/authz/client"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server/servertest"
)

// echo is an upstream that tells what has reached it: the request line, and its headers in their order, a line each.
func echo(w http.ResponseWriter, r *http.Request) {
	fmt.Fprintf(w, "%s %s\n", r.Method, r.RequestURI)
	var lines []string
	for name, values := range r.Header {
		for _, v := range values {
			lines = append(lines, name+": "+v+"\n")
		}
	}
	slices.Sort(lines)
	_, _ = io.WriteString(w, strings.Join(lines, ""))
}

// inFront returns a handler that asks c, and passes on to an echo behind a reverse proxy.
func inFront(t *testing.T, c *client.Client) http.Handler {
	t.Helper()
	to, err := url.Parse("http://" + serve(t, http.HandlerFunc(echo)))
	if err != nil {
		t.Fatal(err)
	}
	transport := new(http.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return c.Middleware(&httputil.ReverseProxy{Transport: transport, Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.URL.RawQuery = r.In.URL.RawQuery
	}})
}

const (
	badPath    = `{"error":"Malformed request path"}`
	badHeaders = `{"error":"Malformed request headers"}`
	badName    = `{"error":"A request header has a name that may be taken for another"}`
	dropped    = `{"error":"Connection names a header that has to reach the upstream"}`
	nobody     = `{"error":"Authentication required"}`
	badKey     = `{"error":"Invalid or expired API key"}`
	badMethod  = `{"error":"Method not allowed"}`
)

// What a gateway answers, byte by byte, before an upstream behind a reverse proxy. KEY is a key that reads.
func TestRawRequests(t *testing.T) {
	run := start(t, servertest.Options{})
	key := newKey(t, run, reads)
	gateway := serve(t, inFront(t, connect(t, of(run))))
	const list, auth = "GET /api/projects HTTP/1.1\r\n", "Authorization: Bearer KEY\r\n"
	for _, c := range []struct {
		name, head string
		status     int
		want       string // in the answer
	}{
		{"a key", list + auth, 200, "GET /api/projects\n"},
		{"a key in any case", "GET /api/projects HTTP/1.1\r\naUTHORIZATION:bearer  KEY \r\n", 200, "GET /api/projects\n"},
		{"the other header", list + "x-Api-kEy: KEY\r\n", 200, "GET /api/projects\n"},
		{"both alike", list + auth + "X-Api-Key: KEY\r\n", 200, "GET /api/projects\n"},
		{"HEAD", "HEAD /api/projects HTTP/1.1\r\n" + auth, 200, "Content-Length"},
		{"a preflight", "OPTIONS /api/projects HTTP/1.1\r\n", 200, "OPTIONS /api/projects\n"},
		{"public", "GET /api/health HTTP/1.1\r\n", 200, "GET /api/health\n"},
		{"the front end", "GET / HTTP/1.1\r\n", 200, "GET /\n"},
		{"a query as it was", "GET /api/projects?a=%zz;b&&c=/../%2F? HTTP/1.1\r\n" + auth, 200, "GET /api/projects?a=%zz;b&&c=/../%2F?\n"},
		{"a query of nothing", "GET /api/projects? HTTP/1.1\r\n" + auth, 200, "GET /api/projects?\n"},
		{"escapes as they were", "GET /a%20b%21!$&'()*+,=:@~%3C HTTP/1.1\r\n", 200, "GET /a%20b%21!$&'()*+,=:@~%3C\n"},
		{"HTTP/1.0", "GET /api/projects HTTP/1.0\r\n" + auth, 200, "GET /api/projects\n"},

		{"nobody", list, 401, nobody},
		{"nobody, in 401's own words", list, 401, "Www-Authenticate: Bearer"},
		{"not to be kept", list, 401, "Cache-Control: no-store"},
		{"read-only", "POST /api/projects HTTP/1.1\r\nContent-Length: 0\r\n" + auth, 403, `{"error":"This API key is read-only"}`},
		{"HEAD of nobody", "HEAD /api/projects HTTP/1.1\r\n", 401, "Content-Type: application/json"},
		{"a doubled key", list + auth + auth, 401, badKey},
		{"a doubled key, once in another case", list + auth + "authorization: Bearer KEY\r\n", 401, badKey},
		{"two keys", list + auth + "X-API-Key: other\r\n", 401, badKey},
		{"joined keys", list + "Authorization: Bearer KEY, Bearer KEY\r\n", 401, badKey},
		{"a key in the query", "GET /api/projects?api_key=KEY HTTP/1.1\r\n", 401, nobody},
		{"two cookies, of which the first counts", list + "Cookie: aeroplane_session=a\r\nCookie: aeroplane_session=b\r\n", 401, nobody},

		{"a doubled slash", "GET /api//projects HTTP/1.1\r\n" + auth, 400, badPath},
		{"dots", "GET /api/x/../projects HTTP/1.1\r\n" + auth, 400, badPath},
		{"escaped dots", "GET /api/x/%2e%2e/projects HTTP/1.1\r\n" + auth, 400, badPath},
		{"an escaped slash", "GET /api%2Fprojects HTTP/1.1\r\n" + auth, 400, badPath},
		{"another case", "GET /API/projects HTTP/1.1\r\n" + auth, 400, badPath},
		{"a fragment", "GET /api/projects#x HTTP/1.1\r\n" + auth, 400, badPath},
		{"a semicolon", "GET /api/projects;x HTTP/1.1\r\n" + auth, 400, badPath},
		{"a backslash", "GET /api\\projects HTTP/1.1\r\n" + auth, 400, badPath},
		{"beyond ASCII", "GET /api/projects/\u00fc HTTP/1.1\r\n" + auth, 400, badPath},
		{"not UTF-8", "GET /api/projects/\xff HTTP/1.1\r\n" + auth, 400, badPath},
		{"not UTF-8 in the query", "GET /api/projects?\xff HTTP/1.1\r\n" + auth, 400, badPath},
		{"absolute form", "GET http://gateway.test/api/projects HTTP/1.1\r\n" + auth, 400, badPath},
		{"absolute form of a public path", "GET http://gateway.test/api/health HTTP/1.1\r\n" + auth, 400, badPath},
		{"too long", "GET /" + strings.Repeat("a", 9000) + " HTTP/1.1\r\n", 400, badPath},
		{"CONNECT to a host", "CONNECT gateway.test:443 HTTP/1.1\r\n" + auth, 405, badMethod},
		{"CONNECT to a path", "CONNECT /api/projects HTTP/1.1\r\n" + auth, 405, badMethod},
		{"TRACE", "TRACE /api/projects HTTP/1.1\r\n" + auth, 405, badMethod},
		{"a method in another case", "get /api/health HTTP/1.1\r\n" + auth, 405, badMethod},

		{"a key that is not UTF-8", list + "Authorization: Bearer \xff\r\n", 400, badHeaders},
		{"the other, not UTF-8", list + "X-API-Key: \xff\r\n", 400, badHeaders},
		{"a cookie that is not UTF-8", list + auth + "Cookie: a=\xff\r\n", 400, badHeaders},
		{"some header that is not UTF-8", list + auth + "X-Name: M\xfcller\r\n", 200, "X-Name: M\xfcller\n"},
		{"an alias", list + auth + "X_API_Key: k\r\n", 400, badName},
		{"an alias with a dot", list + auth + "x.api-key: k\r\n", 400, badName},
		{"an alias of an identity", list + auth + "Aeroplane_User: k\r\n", 400, badName},
		{"an alias of an identity, with a dot", "GET /api/health HTTP/1.1\r\naeroplane.caller: k\r\n", 400, badName},
		{"an underscore elsewhere", list + auth + "X_Trace: k\r\n", 200, "X_trace: k\n"},

		{"a key that the proxy would drop", list + auth + "Connection: Authorization\r\n", 400, dropped},
		{"a cookie that the proxy would drop", list + auth + "Connection: keep-alive, Cookie\r\n", 400, dropped},
		{"an identity that the proxy would drop", list + auth + "Connection: aeroplane-user\r\n", 400, dropped},
		{"a body's length that the proxy would drop", list + auth + "Connection: Content-Length\r\n", 400, dropped},
		{"what nobody knows, dropped", list + auth + "Connection: x-what\r\n", 400, dropped},
		{"in a second line", list + auth + "Connection: keep-alive\r\nConnection: , ,\tAUTHORIZATION\r\n", 400, dropped},
		{"what is for the next hop", list + auth + "Connection: Keep-Alive, TE,\r\nTE: trailers\r\n", 200, "GET /api/projects\n"},
		{"too much to ask about", list + "Authorization: Bearer " + strings.Repeat("k", 70_000) + "\r\n", 400, `{"error":"Malformed request"}`},
	} {
		answer := raw(t, gateway, strings.ReplaceAll(c.head, "KEY", key), "")
		if statusOf(answer) != c.status || !strings.Contains(answer, c.want) {
			t.Errorf("%s: want %d and %q, got\n%s", c.name, c.status, c.want, answer)
		}
	}
}

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
		var log logbook
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
			Target: address, Token: client.NewSecret(token), Log: log.logger(), DialOptions: []grpc.DialOption{thenCancel}})
		w := httptest.NewRecorder()
		c.Middleware(unreached(t)).ServeHTTP(w, httptest.NewRequest("GET", "/", nil).WithContext(ctx))
		if w.Code != 503 || strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("%s: %d\n%s", answers, w.Code, &log)
		}
	}
}

// The same by HTTP/2, where a target is a pseudo-header that may hold what a request line may not.
func TestHTTP2(t *testing.T) {
	run := start(t, servertest.Options{})
	key := newKey(t, run, reads)
	gateway := httptest.NewUnstartedServer(inFront(t, connect(t, of(run))))
	gateway.EnableHTTP2 = true
	gateway.StartTLS()
	defer gateway.Close()
	for _, c := range []struct {
		name, method, target string
		headers              http.Header
		status               int
		want                 string
	}{
		{"a key", "GET", "/api/projects?a;b", http.Header{"X-Api-Key": {key}, "Aeroplane-User": {"forged"}}, 200, "GET /api/projects?a;b\n"},
		{"nobody", "GET", "/api/projects", nil, 401, nobody},
		{"read-only", "DELETE", "/api/projects/p", http.Header{"Authorization": {"Bearer " + key}}, 403, "read-only"},
		{"a doubled key", "GET", "/api/projects", http.Header{"X-Api-Key": {key, key}}, 401, badKey},
		{"dots", "GET", "/api/x/../projects", http.Header{"X-Api-Key": {key}}, 400, badPath},
		{"a fragment", "GET", "/api/projects#x", http.Header{"X-Api-Key": {key}}, 400, badPath},
		{"a blank", "GET", "/api/projects x", http.Header{"X-Api-Key": {key}}, 400, badPath},
		{"not UTF-8", "GET", "/api/projects/\xff", http.Header{"X-Api-Key": {key}}, 400, badPath},
		{"a cookie that is not UTF-8", "GET", "/api/projects", http.Header{"Cookie": {"a=\xff"}}, 400, badHeaders},
		{"an alias", "GET", "/api/projects", http.Header{"x_api_key": {key}}, 400, badName},
		{"a method", "TRACE", "/api/health", nil, 405, badMethod},
	} {
		to, err := url.Parse(gateway.URL)
		if err != nil {
			t.Fatal(err)
		}
		to.Opaque = c.target // goes out as it is
		r := (&http.Request{Method: c.method, URL: to, Header: c.headers}).WithContext(t.Context())
		answer, err := gateway.Client().Do(r)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.ProtoMajor != 2 || answer.StatusCode != c.status || !strings.Contains(string(body), c.want) ||
			strings.Contains(string(body), "forged") {
			t.Errorf("%s: want %d and %q, got %s %d %v\n%s", c.name, c.status, c.want, answer.Proto, answer.StatusCode, err, body)
		}
	}
}

// OPTIONS * does not reach handlers of a usual server. One that passes it on has it refused.
func TestAsteriskForm(t *testing.T) {
	run := start(t, servertest.Options{})
	gateway := httptest.NewUnstartedServer(connect(t, of(run)).Middleware(unreached(t)))
	gateway.Config.DisableGeneralOptionsHandler = true
	gateway.Start()
	defer gateway.Close()
	for _, method := range []string{"OPTIONS", "GET"} {
		got := raw(t, gateway.Listener.Addr().String(), method+" * HTTP/1.1\r\n", "")
		if statusOf(got) != 400 || !strings.Contains(got, badPath) {
			t.Errorf("%s: %s", method, got)
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
