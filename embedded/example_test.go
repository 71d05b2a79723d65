// SPDX-License-Identifier: Apache-2.0

package embedded_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"aeroplane.run/authz"
	"aeroplane.run/authz/embedded"
)

// A gateway with a database of its own makes a key, decides by it, and revokes it.
func ExampleOpen() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "authz-*")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	replica, err := embedded.Open(ctx, embedded.Config{Dir: dir})
	if err != nil {
		log.Fatal(err)
	}
	defer replica.Close()

	me := authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "example"}
	made, err := replica.Issuer.Create(ctx, me, authz.KeyRequest{
		Name: "CI", Access: authz.Read, Projects: authz.ProjectScope{All: true}, Forever: true,
	})
	if err != nil {
		log.Fatal(err)
	}
	headers := authz.CredentialHeaders{Authorization: []string{"Bearer " + made.Secret.Reveal()}}
	ask := func(method, target string) {
		d, err := replica.Authorize(ctx, authz.Request{Method: method, Target: target, Credential: headers.Credential()})
		switch {
		case err != nil:
			fmt.Println("503 no decision is never a yes")
		case !d.Allowed:
			fmt.Println(d.Reason.HTTPStatus(), d.Reason)
		default:
			fmt.Println(method, target, "may pass")
		}
	}
	ask("GET", "/api/projects")
	ask("POST", "/api/projects")
	if _, err := replica.Issuer.Revoke(ctx, me, made.Key.ID); err != nil {
		log.Fatal(err)
	}
	ask("GET", "/api/projects")
	// Output:
	// GET /api/projects may pass
	// 403 This API key is read-only
	// 401 Invalid or expired API key
}

// A gateway joins the replicas on a Postgres, as a role that may do nothing but decide.
func ExampleJoin() {
	replica, err := embedded.Join(context.Background(), embedded.JoinConfig{
		DSN:          "postgres://edge_1@db.internal/authz?sslmode=verify-full&sslrootcert=/etc/ssl/db.pem",
		PasswordFile: "/run/secrets/edge_1",
	})
	if err != nil {
		log.Fatal(err)
	}
	defer replica.Close() // so that revocations do not wait for it
}
