// SPDX-License-Identifier: Apache-2.0

// Command proxy is a reverse proxy in Go, for measurements. With the address of a service it asks it about each request; without one it
// asks nobody.
//
//	AEROPLANE_AUTHZ_TOKEN=... proxy LISTEN UPSTREAM [AUTHZ]
package main

import (
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"

	"aeroplane.run/authz/client"
)

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: proxy LISTEN UPSTREAM [AUTHZ]")
	}
	to := &url.URL{Scheme: "http", Host: os.Args[2]}
	var handler http.Handler = &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(to)
			r.Out.Host, r.Out.URL.RawQuery = r.In.Host, r.In.URL.RawQuery
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
	}
	if len(os.Args) > 3 {
		c, err := client.New(client.Config{Target: os.Args[3], Token: client.NewSecret(os.Getenv("AEROPLANE_AUTHZ_TOKEN"))})
		if err != nil {
			log.Fatal(err)
		}
		handler = c.Middleware(handler)
	}
	log.Fatal(http.ListenAndServe(os.Args[1], handler)) // on loopback, of one caller who means well
}
