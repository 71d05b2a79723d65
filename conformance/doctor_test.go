// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"net"
	"net/url"
	"testing"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/doctor"
	"aeroplane.run/authz/internal/sqlite"
)

// known are warnings that no configuration of a proxy can do away with. docs/gateways.md tells of them.
var known = map[string]bool{
	"caddy: in trailers that are announced":   true,
	"haproxy: in trailers that are announced": true, // before 3.0
	"haproxy: in trailers":                    true,
}

// The doctor finds no fault with a proxy that has the configuration which deploy/ has for it.
func TestDoctorThroughGateways(t *testing.T) {
	store := must[*sqlite.Store](t)(sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Migrate: true}))
	f := newFixture(t, store)
	f.userIDs = map[string]string{}
	read, write, session := f.expand("{key:read/all}"), f.expand("{key:write/all}"), f.expand("{session:user2}")
	for name := range gateways {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			upstream := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
			g := startGateway(t, name, f.httpAddr, upstream.Addr().String())
			report := must[*doctor.Report](t)(doctor.Run(t.Context(), doctor.Config{
				Gateway: &url.URL{Scheme: "http", Host: g.address}, Upstream: upstream, Read: read, Write: write, Session: session,
				Service: func(ctx context.Context, in *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error) {
					return f.gateway.AuthorizationServiceClient.Authorize(ctx, in)
				},
			}))
			for _, found := range report.Findings {
				if found.Severity == doctor.Fault || found.Severity == doctor.Warning && !known[name+": "+found.Case] {
					t.Errorf("%s %s: %s, %s: %s", found.Severity, found.Kind, found.Group, found.Case, found.Says)
				}
			}
			if report.Requests < 300 || report.Arrived < 50 || report.Skipped != 0 {
				t.Errorf("%d requests, of which %d arrived, %d skipped", report.Requests, report.Arrived, report.Skipped)
			}
		})
	}
}
