// SPDX-License-Identifier: Apache-2.0

// Command gateway is a reverse proxy that asks aeroplane-authz before it forwards a request.
//
//	AEROPLANE_AUTHZ_TOKEN=... gateway 127.0.0.1:8080 127.0.0.1:8460 http://127.0.0.1:3000
package main

import (
	"fmt"
	"log"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"aeroplane.run/authz/client"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: gateway LISTEN AUTHZ UPSTREAM")
	}
	upstream, err := url.Parse(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	service, err := connect(os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	server := http.Server{Addr: os.Args[1], Handler: gateway(service, upstream), ReadHeaderTimeout: 10 * time.Second}
	fmt.Println("listening on", server.Addr)
	log.Fatal(server.ListenAndServe())
}

func connect(target string) (*client.Client, error) {
	return client.New(client.Config{
		Target: target, // host and port of one replica or more; beyond this machine, with TLS: &tls.Config{}
		Token:  client.NewSecret(os.Getenv("AEROPLANE_AUTHZ_TOKEN")),
		Log:    slog.Default(), // told why, where there is no decision
	})
}

func gateway(service *client.Client, upstream *url.URL) http.Handler {
	return service.Middleware(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(upstream)
		maps.DeleteFunc(r.Out.Header, forGatewaysToSay)               // X-Real-IP and the like
		r.Out.Host, r.Out.URL.RawQuery = r.In.Host, r.In.URL.RawQuery // as they were received
		r.SetXForwarded()
	}})
}

// forGatewaysToSay reports whether a header says where a request comes from, or has the name of a variable that CGI makes of another header.
// ReverseProxy has dropped those that SetXForwarded sets.
func forGatewaysToSay(name string, _ []string) bool {
	switch name {
	case "X-Real-Ip", "True-Client-Ip", "Client-Ip", "X-Client-Ip", "X-Cluster-Client-Ip", "Cf-Connecting-Ip", "X-Remote-User", "Aeroplane-Gateway-Token":
		return true
	}
	return slices.ContainsFunc([]string{"X-Forwarded-", "X-Envoy-", "X-Auth-Request-", "Http_"}, func(p string) bool { return strings.HasPrefix(name, p) })
}
