// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"aeroplane.run/authz/internal/doctor"
	"aeroplane.run/authz/internal/doctor/doctortest"
)

// serve runs a handler until the test ends, and returns its URL.
func serve(t *testing.T, h http.HandlerFunc) *url.URL {
	t.Helper()
	return doctortest.Start(t, h)
}

// A gateway that leads to somebody else's upstream gets two harmless requests at the most.
func TestNothingIsSentElsewhere(t *testing.T) {
	t.Parallel()
	c := open(t)
	for name, leads := range map[string]func(r *http.Request) bool{ // whether a request leads to the doctor
		"everything elsewhere":  func(*http.Request) bool { return false },
		"the API elsewhere":     func(r *http.Request) bool { return !strings.HasPrefix(r.URL.Path, "/api") },
		"User-Agent is dropped": func(r *http.Request) bool { r.Header.Set("User-Agent", "gateway"); return true },
	} {
		var elsewhere, all atomic.Int32
		_, err := doctor.Run(t.Context(), c.config(t, func(upstream string) *url.URL {
			right := doctortest.New(doctortest.Ask(c.ask), upstream)
			return serve(t, func(w http.ResponseWriter, r *http.Request) {
				all.Add(1)
				if r.Method != http.MethodGet {
					t.Errorf("%s: %s %s was sent", name, r.Method, r.RequestURI)
				}
				if !leads(r) {
					elsewhere.Add(1)
					_, _ = io.WriteString(w, "a real upstream")
					return
				}
				right.ServeHTTP(w, r)
			})
		}))
		if err == nil || !strings.Contains(err.Error(), "so nothing else was sent") && name != "User-Agent is dropped" {
			t.Errorf("%s: %v", name, err)
		}
		if all.Load() > 2 {
			t.Errorf("%s: %d requests were sent", name, all.Load())
		}
	}
}

// A gateway that leads elsewhere in part is left alone as soon as that shows.
func TestStopsWhenSomebodyElseAnswers(t *testing.T) {
	t.Parallel()
	c := open(t)
	var elsewhere atomic.Int32
	_, err := doctor.Run(t.Context(), c.config(t, func(upstream string) *url.URL {
		right := doctortest.New(doctortest.Ask(c.ask), upstream)
		return serve(t, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/projects/aeroplane-authz-doctor" {
				elsewhere.Add(1)
				_, _ = io.WriteString(w, "a real upstream")
				return
			}
			right.ServeHTTP(w, r)
		})
	}))
	if err == nil || !strings.Contains(err.Error(), `stopped at "control", "a key that may write": it was answered with status 200 by somebody else`) {
		t.Error(err)
	}
	if n := elsewhere.Load(); n != 1 {
		t.Errorf("%d requests went elsewhere", n)
	}
}

func TestOverTLS(t *testing.T) {
	t.Parallel()
	c := open(t)
	config := c.config(t, func(upstream string) *url.URL {
		server := httptest.NewUnstartedServer(doctortest.New(doctortest.Ask(c.ask), upstream))
		server.EnableHTTP2 = true // which must not be chosen
		server.StartTLS()
		t.Cleanup(server.Close)
		u, err := url.Parse(server.URL)
		if err != nil {
			t.Fatal(err)
		}
		return u
	})
	upstream := config.Upstream.Addr().String()
	if _, err := doctor.Run(t.Context(), config); err == nil || !strings.Contains(err.Error(), "the gateway cannot be reached: tls: ") {
		t.Errorf("an authority that is not known: %v", err)
	}
	var err error
	if config.Upstream, err = net.Listen("tcp", upstream); err != nil {
		t.Fatal(err)
	}
	config.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authorityOf(t, config.Gateway)}
	report, err := doctor.Run(t.Context(), config)
	if err != nil || !report.Clean() || report.Arrived < 50 {
		t.Errorf("%+v, %v", report, err)
	}
}

// authorityOf returns what a server shows as the authority to trust.
func authorityOf(t *testing.T, u *url.URL) *x509.CertPool {
	t.Helper()
	conn, err := tls.Dial("tcp", u.Host, &tls.Config{InsecureSkipVerify: true})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	pool := x509.NewCertPool()
	pool.AddCert(conn.ConnectionState().PeerCertificates[0])
	return pool
}

// An interrupt ends it at once, and it says where it was.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	c := open(t)
	ctx, interrupt := context.WithCancel(t.Context())
	config := c.config(t, func(upstream string) *url.URL {
		return doctortest.Start(t, doctortest.New(doctortest.Ask(c.ask), upstream))
	})
	config.Progress = func(n, _ int) {
		if n == 20 {
			interrupt()
		}
	}
	if _, err := doctor.Run(ctx, config); !errors.Is(err, context.Canceled) || !strings.HasPrefix(err.Error(), `stopped at "paths", `) {
		t.Error(err)
	}
}

// A gateway that repeats what it was sent does not make the report repeat it.
func TestNoSecretIsReported(t *testing.T) {
	t.Parallel()
	c := open(t)
	report := c.examine(t, doctortest.Leaky)
	seen := false
	for _, f := range report.Findings {
		if strings.Contains(f.Says, c.read) || strings.Contains(f.Says, c.write) || strings.Contains(f.Says, c.session) {
			t.Errorf("%+v", f)
		}
		seen = seen || strings.Contains(f.Says, "Aeroplane-Key is [read-key]")
	}
	if !seen {
		t.Error("the gateway did not repeat a key, so that this shows nothing")
	}
}
