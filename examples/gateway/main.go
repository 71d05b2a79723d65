// SPDX-License-Identifier: Apache-2.0

// Command gateway is a reverse proxy that asks aeroplane-authz before it forwards a request.
//
//	AEROPLANE_AUTHZ_TOKEN=... gateway 127.0.0.1:8080 127.0.0.1:8460 http://127.0.0.1:3000
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: gateway LISTEN AUTHZ UPSTREAM")
	}
	upstream, err := url.Parse(os.Args[3])
	if err != nil {
		log.Fatal(err)
	}
	// Plaintext is for loopback: elsewhere give credentials.NewTLS.
	conn, err := grpc.NewClient(os.Args[2], grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	server := http.Server{
		Addr:              os.Args[1],
		Handler:           guard(authzv1.NewAuthorizationServiceClient(conn), httputil.NewSingleHostReverseProxy(upstream)),
		ReadHeaderTimeout: 10 * time.Second,
	}
	fmt.Println("listening on", server.Addr)
	log.Fatal(server.ListenAndServe())
}

// guard lets a request pass to next if the service allows it, and answers for it otherwise.
func guard(service authzv1.AuthorizationServiceClient, next http.Handler) http.Handler {
	token := "Bearer " + os.Getenv("AEROPLANE_AUTHZ_TOKEN")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !sound(r) {
			refuse(w, http.StatusBadRequest, "Malformed request path")
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
		defer cancel()
		answer, err := service.Authorize(metadata.AppendToOutgoingContext(ctx, "authorization", token), &authzv1.AuthorizeRequest{
			Method: r.Method, Path: r.RequestURI,
			Credential: &authzv1.AuthorizeRequest_Headers{Headers: &authzv1.CredentialHeaders{
				Authorization: r.Header["Authorization"], XApiKey: r.Header["X-Api-Key"], Cookie: r.Header["Cookie"],
			}},
		})
		switch {
		case err != nil: // no decision is never a yes
			refuse(w, http.StatusServiceUnavailable, "Authorization is not available")
		case !answer.Allowed:
			refuse(w, int(answer.Denial.HttpStatus), answer.Denial.Message)
		default: // the upstream filters lists by the grant's visibleProjects, and checks a transfer that is unchecked
			r.Header.Set("Aeroplane-Grant", protojson.MarshalOptions{}.Format(answer.Grant)) // in place of whatever the client sent
			next.ServeHTTP(w, r)
		}
	})
}

// sound reports whether a request can be asked about as it will be passed on: all of the question is UTF-8, no header
// comes in a spelling that the upstream may take for another (X_API_Key), and Connection does not name a header that the
// proxy would then drop on the way.
func sound(r *http.Request) bool {
	for name, values := range r.Header {
		if strings.Contains(name, "_") || !utf8.ValidString(strings.Join(values, "")) {
			return false
		}
	}
	for named := range strings.SplitSeq(strings.Join(r.Header["Connection"], ","), ",") {
		switch strings.ToLower(strings.TrimSpace(named)) {
		case "", "close", "keep-alive", "upgrade":
		default:
			return false
		}
	}
	return utf8.ValidString(r.Method + r.RequestURI)
}

// refuse answers as Aeroplane does.
func refuse(w http.ResponseWriter, status int, message string) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"error": message})
}
