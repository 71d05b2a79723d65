// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"google.golang.org/grpc/codes"
)

// Gateways ask over HTTP as soon as the server serves, and no more once it has ended.
func TestForwardAuthOfTheServer(t *testing.T) {
	t.Parallel()
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	p := startServer(t, t.TempDir(), "--http-listen", address, "--log-level", "debug")
	_, key, err := p.createKey(t.Context())
	mustCode(t, err, codes.OK)
	ask := func(key, token string) (status int, caller string) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/forward-auth/caddy", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"X-Forwarded-Method": {"GET"}, "X-Forwarded-Uri": {"/api/projects?token=hidden"}, "X-Api-Key": {key}}
		if token != "" {
			r.Header.Set("Aeroplane-Gateway-Token", token)
		}
		answer, err := new(http.Client).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		return answer.StatusCode, answer.Header.Get("Aeroplane-Caller")
	}
	for _, c := range []struct {
		key, token string
		status     int
		caller     string
	}{{key, "", 200, "key"}, {key, testToken, 200, "key"}, {key, testToken + "x", 503, ""}, {key + "x", "", 401, ""}} {
		if status, caller := ask(c.key, c.token); status != c.status || caller != c.caller {
			t.Errorf("token %v: %d %q, want %d %q", c.token != "", status, caller, c.status, c.caller)
		}
	}
	dashboard, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/api/system/api-keys", nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer, err := new(http.Client).Do(dashboard); err != nil || answer.Body.Close() != nil || answer.StatusCode != 401 {
		t.Errorf("the dashboard's page: %v, %v", answer, err)
	}
	http.DefaultClient.CloseIdleConnections()
	if err := p.end(t, syscall.SIGTERM); err != nil {
		t.Errorf("it ended with %v", err)
	}
	log := p.output.String()
	if !strings.Contains(log, "msg=denied") || !strings.Contains(log, "path=/api/projects\n") || strings.Contains(log, "hidden") || strings.Contains(log, key) {
		t.Error("the log does not tell of the denial, or tells too much")
	}
	if conn, err := net.Dial("tcp", address); err == nil {
		_ = conn.Close()
		t.Error("it still listens")
	}
}

// With a certificate it is asked over TLS, and HTTP/2.
func TestForwardAuthOverTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cert, key, err := selfSigned([]net.IP{net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	for name, pem := range map[string][]byte{"cert.pem": cert, "key.pem": key} {
		if err := os.WriteFile(dir+"/"+name, pem, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	address, err := freeAddress()
	if err != nil {
		t.Fatal(err)
	}
	environ := []string{"AEROPLANE_AUTHZ_LISTEN=127.0.0.1:0", "AEROPLANE_AUTHZ_HTTP_LISTEN=" + address, "AEROPLANE_AUTHZ_OPS_LISTEN=off",
		"AEROPLANE_AUTHZ_DATA_DIR=" + dir + "/data", "AEROPLANE_AUTHZ_TLS_CERT=" + dir + "/cert.pem", "AEROPLANE_AUTHZ_TLS_KEY=" + dir + "/key.pem"}
	ended := make(chan int, 1)
	ctx, cancel := context.WithCancel(t.Context())
	var out output
	go func() { ended <- run(ctx, []string{"serve"}, environ, nil, &out, &out) }()
	defer func() {
		cancel()
		if code := <-ended; code != exitOK {
			t.Errorf("it ended with %d\n%s", code, out.String())
		}
	}()
	for !strings.Contains(out.String(), "over HTTP") {
		select {
		case code := <-ended:
			ended <- code
			t.Fatalf("it ended with %d\n%s", code, out.String())
		default:
		}
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}
	defer transport.CloseIdleConnections()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+address+"/forward-auth/traefik", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"X-Forwarded-Method": {"GET"}, "X-Forwarded-Uri": {"/"}}
	answer, err := (&http.Client{Transport: transport}).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != 200 || answer.ProtoMajor != 2 {
		t.Errorf("%s %s", answer.Proto, answer.Status)
	}
	r.URL.Scheme = "http"
	if plain, err := (&http.Client{Transport: transport}).Do(r); err == nil {
		defer plain.Body.Close()
		if plain.StatusCode != 400 {
			t.Errorf("without TLS: %s", plain.Status)
		}
	}
}
