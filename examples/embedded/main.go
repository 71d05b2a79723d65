// SPDX-License-Identifier: Apache-2.0

// Command embedded is a reverse proxy that decides by itself, with a database in a directory, where it first makes a key.
//
//	embedded 127.0.0.1:8080 ./data http://127.0.0.1:3000
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
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/embedded"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: embedded LISTEN DIR UPSTREAM")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	upstream, err := url.Parse(os.Args[3])
	check(err)
	replica, err := embedded.Open(ctx, embedded.Config{Dir: os.Args[2]}) // on Postgres it is embedded.Join
	check(err)
	check(firstKey(ctx, replica))
	proxy := httputil.NewSingleHostReverseProxy(upstream)
	server := http.Server{Addr: os.Args[1], Handler: guard(replica.Replica, proxy), ReadHeaderTimeout: 10 * time.Second}
	go func() { defer stop(); log.Print(server.ListenAndServe()) }()
	<-ctx.Done()
	stop() // a second signal ends the process at once
	_ = server.Shutdown(context.Background())
	check(replica.Close())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// firstKey makes a key for everything, and prints it, unless there is any, whatever has become of that.
func firstKey(ctx context.Context, s *embedded.Service) error {
	whatever := authz.KeyFilter{States: []authz.KeyState{authz.Live, authz.Expired, authz.Revoked}}
	there, _, err := s.Issuer.List(ctx, whatever, authz.PageRequest{Size: 1})
	if err != nil || len(there) > 0 {
		return err
	}
	made, err := s.Issuer.Create(ctx, authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "first start"},
		authz.KeyRequest{Name: "first", Access: authz.Write, Projects: authz.ProjectScope{All: true}, Forever: true})
	if err == nil {
		fmt.Println("the first key, which is shown this once:", made.Secret.Reveal())
	}
	return err
}

// guard lets a request pass to next if it is allowed, and answers for it otherwise.
func guard(replica *embedded.Replica, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !sound(r) {
			refuse(w, http.StatusBadRequest, "Malformed request path")
			return
		}
		headers := authz.CredentialHeaders{
			Authorization: r.Header["Authorization"], APIKey: r.Header["X-Api-Key"], Cookie: r.Header["Cookie"],
		}
		decision, err := replica.Authorize(r.Context(), authz.Request{
			Method: r.Method, Target: r.RequestURI, Credential: headers.Credential(),
		})
		switch {
		case err != nil: // no decision is never a yes
			refuse(w, http.StatusServiceUnavailable, "Authorization is not available")
		case !decision.Allowed:
			refuse(w, decision.Reason.HTTPStatus(), decision.Reason.String())
		default: // the upstream filters lists by what is visible, and checks a transfer that is unchecked
			grant, _ := json.Marshal(map[string]any{"user": decision.UserID, "project": decision.Grant.ProjectID,
				"visible": decision.Grant.Visible, "transferUnchecked": decision.Grant.TransferTargetUnchecked})
			r.Header.Set("Aeroplane-Grant", string(grant)) // in place of whatever the client sent
			next.ServeHTTP(w, r)
		}
	})
}

// sound reports whether a request can be decided on as it will be passed on: no header comes in a spelling that the upstream may
// take for another (X_API_Key), and Connection does not name a header that the proxy would then drop on the way.
func sound(r *http.Request) bool {
	for name := range r.Header {
		if strings.Contains(name, "_") {
			return false
		}
	}
	named := strings.Split(strings.ToLower(strings.Join(r.Header["Connection"], ",")), ",")
	return !slices.ContainsFunc(named, func(header string) bool {
		return !slices.Contains([]string{"", "close", "keep-alive", "upgrade"}, strings.TrimSpace(header))
	})
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
