// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"net"
	"net/http/httptest"
	"net/url"
	"testing"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/doctor"
	"aeroplane.run/authz/internal/sqlite"
	"aeroplane.run/authz/server/servertest"
)

// The doctor has nothing to say of the gateway.
func TestDoctor(t *testing.T) {
	store, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	run := servertest.Start(t, servertest.Options{Store: store})
	key, err := authzv1.NewKeyServiceClient(run.Admin).CreateKey(t.Context(), &authzv1.CreateKeyRequest{
		Name: "doctor", AccessLevel: authzv1.AccessLevel_ACCESS_LEVEL_WRITE, Projects: &authzv1.ProjectScope{All: true},
		Expiry: &authzv1.CreateKeyRequest_NeverExpires{NeverExpires: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("AEROPLANE_AUTHZ_TOKEN", run.GatewayToken)
	asking, err := connect(run.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer asking.Close()
	upstream, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(gateway(asking, &url.URL{Scheme: "http", Host: upstream.Addr().String()}))
	defer server.Close()
	at, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	report, err := doctor.Run(t.Context(), doctor.Config{
		Gateway: at, Upstream: upstream, Read: key.GetSecret(), Write: key.GetSecret(),
		Service: func(ctx context.Context, in *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error) {
			return authzv1.NewAuthorizationServiceClient(run.Gateway).Authorize(ctx, in)
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, found := range report.Findings {
		if found.Severity == doctor.Fault || found.Severity == doctor.Warning {
			t.Errorf("%s %s: %s, %s: %s", found.Severity, found.Kind, found.Group, found.Case, found.Says)
		}
	}
	if report.Arrived < 50 {
		t.Errorf("%d of %d requests arrived", report.Arrived, report.Requests)
	}
}
