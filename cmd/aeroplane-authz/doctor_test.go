// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"aeroplane.run/authz/client"
)

// doctored runs doctor gateway on a gateway in Go, which is made for the address of its upstream, and returns the exit code and what is printed.
func doctored(t *testing.T, make func(upstream *url.URL, c *client.Client) http.Handler, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	server := startServer(t, t.TempDir())
	asking, err := client.New(client.Config{Target: server.Target(), Token: client.NewSecret(testToken)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = asking.Close() })
	upstream, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	gateway := httptest.NewServer(make(&url.URL{Scheme: "http", Host: upstream}, asking))
	t.Cleanup(gateway.Close)
	environ := []string{"AEROPLANE_AUTHZ_ADDRESS=" + server.Target(), "AEROPLANE_AUTHZ_TOKEN=" + testToken}
	var out, notes bytes.Buffer
	code = run(t.Context(), append([]string{"doctor", "gateway", gateway.URL, "--upstream", upstream}, args...), environ, strings.NewReader(""), &out, &notes)
	printed := strings.ReplaceAll(out.String()+notes.String(), "ap_0000000000000000_", "") // which is no key, and part of the corpus
	if strings.Contains(printed, testToken) || strings.Contains(printed, "ap_") {
		t.Error("a secret is printed")
	}
	return code, out.String(), notes.String()
}

// proxied is a reverse proxy that passes on what the client has sent.
func proxied(to *url.URL) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host, r.Out.URL.RawQuery = r.In.Host, r.In.URL.RawQuery
	}, ErrorLog: log.New(io.Discard, "", 0), Transport: &http.Transport{DisableKeepAlives: true, DialContext: new(net.Dialer).DialContext}}
}

func TestDoctorOfAGateway(t *testing.T) {
	t.Parallel()
	code, out, notes := doctored(t, func(to *url.URL, c *client.Client) http.Handler { return c.Middleware(proxied(to)) })
	if code != exitOK || !strings.Contains(out, " 0 faults, ") || strings.Contains(out, "fault    ") || strings.Contains(notes, "could not be revoked") {
		t.Errorf("exit code %d\n%s%s", code, out, notes)
	}
	if code, out, notes = doctored(t, func(to *url.URL, c *client.Client) http.Handler { return c.Middleware(proxied(to)) }, "--output", "json"); code != exitOK ||
		!strings.Contains(out, `"faults": 0`) || !strings.Contains(out, `"kind": "DIFFERS"`) {
		t.Errorf("exit code %d\n%s%s", code, out, notes)
	}
}

// A gateway that asks nobody.
func TestDoctorOfAWrongGateway(t *testing.T) {
	t.Parallel()
	code, out, notes := doctored(t, func(to *url.URL, _ *client.Client) http.Handler { return proxied(to) })
	for _, want := range []string{
		"\ncontrol: plain requests: if these go wrong, the gateway does not ask the service as it should\n",
		"fault    FORGED   all that arrived: no identity header arrived with any request",
		"fault    BYPASS   the same without a key: GET /api/projects arrived, and the service refuses it: 401 Authentication required",
	} {
		if code != exitNo || !strings.Contains(out, want) {
			t.Errorf("exit code %d, want %d and %q in\n%s%s", code, exitNo, want, out, notes)
		}
	}
}
