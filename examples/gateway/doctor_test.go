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
)

// The doctor has nothing to say of the gateway.
func TestDoctor(t *testing.T) {
	run, key := startService(t, authzv1.AccessLevel_ACCESS_LEVEL_WRITE)
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
		Gateway: at, Upstream: upstream, Read: key, Write: key,
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
