// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"

	"aeroplane.run/authz/client"
)

// A gateway: a reverse proxy to an upstream, which lets pass what the service allows, and tells the upstream who is calling.
func Example() {
	service := startForExample() // which runs elsewhere otherwise
	defer service.stop()
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%s %s, called by a %s that may %s, and sees the projects %s",
			r.Method, r.URL, r.Header.Get("Aeroplane-Caller"), r.Header.Get("Aeroplane-Access"), r.Header.Get("Aeroplane-Projects"))
	}))
	defer upstream.Close()

	asking, err := client.New(client.Config{
		Target: service.Addr, // beyond this machine with TLS: &tls.Config{}
		Token:  client.NewSecret(service.GatewayToken),
		Log:    slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	defer asking.Close()
	to, err := url.Parse(upstream.URL)
	if err != nil {
		log.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.URL.RawQuery = r.In.URL.RawQuery // as it was received
		r.SetXForwarded()
	}}
	gateway := httptest.NewServer(asking.Middleware(proxy))
	defer gateway.Close()

	call := func(method, target, key string) {
		r, err := http.NewRequest(method, gateway.URL+target, nil)
		if err != nil {
			log.Fatal(err)
		}
		if key != "" {
			r.Header.Set("Authorization", "Bearer "+key)
		}
		r.Header.Set("Aeroplane-Projects", "p-web") // forged
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			log.Fatal(err)
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(answer.StatusCode, string(body))
	}
	call("GET", "/api/projects?page=2", service.key)
	call("POST", "/api/projects", service.key)
	call("GET", "/api/projects", "")
	call("GET", "/api//projects", service.key)
	service.stop()
	call("GET", "/api/projects", service.key)
	// Output:
	// 200 GET /api/projects?page=2, called by a key that may read, and sees the projects *
	// 403 {"error":"This API key is read-only"}
	// 401 {"error":"Authentication required"}
	// 400 {"error":"Malformed request path"}
	// 503 {"error":"Authorization is not available"}
}
