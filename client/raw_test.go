// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"

	"aeroplane.run/authz/client"
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

		{"other methods", list + auth + "X-HTTP-Method-Override: FORGED\r\nX_Method_Override: FORGED\r\nX-A: b\r\n", 200, "X-A: b\n"},
		{"other targets", list + auth + "X-Original-URL: FORGED\r\nX-Rewrite-URL: FORGED\r\nX-Forwarded-Uri: FORGED\r\nX-A: b\r\n", 200, "X-A: b\n"},

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
		if statusOf(answer) != c.status || !strings.Contains(answer, c.want) || strings.Contains(answer, "FORGED") {
			t.Errorf("%s: want %d and %q, got\n%s", c.name, c.status, c.want, answer)
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
