// SPDX-License-Identifier: Apache-2.0

package doctor_test

import (
	"context"
	"crypto/sha256"
	"net"
	"net/http/httputil"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"aeroplane.run/authz/client"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/doctor"
	"aeroplane.run/authz/internal/doctor/doctortest"
	"aeroplane.run/authz/internal/sqlite"
	"aeroplane.run/authz/server/servertest"
)

// A clinic is a real service with what the doctor needs.
type clinic struct {
	service              *servertest.Running
	read, write, session string
	ask                  doctor.Ask
}

func open(t *testing.T) *clinic {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	run := servertest.Start(t, servertest.Options{Store: store})
	key := func(access authzv1.AccessLevel) string {
		made, err := authzv1.NewKeyServiceClient(run.Admin).CreateKey(t.Context(), &authzv1.CreateKeyRequest{
			Name: "doctor", AccessLevel: access, Projects: &authzv1.ProjectScope{All: true},
			Expiry: &authzv1.CreateKeyRequest_ExpiresIn{ExpiresIn: durationpb.New(time.Hour)},
		})
		if err != nil {
			t.Fatal(err)
		}
		return made.GetSecret()
	}
	c := &clinic{service: run, read: key(authzv1.AccessLevel_ACCESS_LEVEL_READ), write: key(authzv1.AccessLevel_ACCESS_LEVEL_WRITE), session: "session-of-the-doctor"}
	digest := sha256.Sum256([]byte(c.session))
	if _, err := authzv1.NewSessionServiceClient(run.Admin).PutSession(t.Context(), &authzv1.PutSessionRequest{Session: &authzv1.Session{
		TokenSha256: digest[:], Role: authzv1.UserRole_USER_ROLE_USER, ExpireTime: timestamppb.New(time.Now().Add(time.Hour)),
	}}); err != nil {
		t.Fatal(err)
	}
	client := authzv1.NewAuthorizationServiceClient(run.Gateway)
	c.ask = func(ctx context.Context, in *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error) {
		return client.Authorize(ctx, in)
	}
	return c
}

// config is that of an examination of a gateway, which is made for an upstream.
func (c *clinic) config(t *testing.T, gateway func(upstream string) *url.URL) doctor.Config {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return doctor.Config{Gateway: gateway(l.Addr().String()), Upstream: l, Service: c.ask, Read: c.read, Write: c.write, Session: c.session}
}

func (c *clinic) examine(t *testing.T, mistakes ...doctortest.Mistake) *doctor.Report {
	t.Helper()
	report, err := doctor.Run(t.Context(), c.config(t, func(upstream string) *url.URL {
		return doctortest.Start(t, doctortest.New(doctortest.Ask(c.ask), upstream, mistakes...))
	}))
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// The gateway that is right: nothing is wrong with it, and what it refuses by itself is noted.
func TestRightGateway(t *testing.T) {
	t.Parallel()
	c := open(t)
	for _, report := range []*doctor.Report{c.examine(t), c.examine(t, doctortest.Discreet)} {
		for _, f := range report.Findings {
			if f.Severity != doctor.Note {
				t.Errorf("%+v", f)
			}
		}
		want := len(doctor.Corpus()[0].Cases) // the control group comes once more
		for _, g := range doctor.Corpus() {
			want += len(g.Cases)
		}
		if report.Requests != want || report.Arrived < 50 || report.Skipped != 0 {
			t.Errorf("%d requests, of which %d arrived, %d skipped, want %d requests", report.Requests, report.Arrived, report.Skipped, want)
		}
	}
}

// A gateway that is made with package client.
func TestGatewayWithClient(t *testing.T) {
	t.Parallel()
	c := open(t)
	asking, err := client.New(client.Config{Target: c.service.Addr, Token: client.NewSecret(c.service.GatewayToken)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = asking.Close() })
	report, err := doctor.Run(t.Context(), c.config(t, func(upstream string) *url.URL {
		return doctortest.Start(t, asking.Middleware(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: upstream})
			r.Out.URL.RawQuery = r.In.URL.RawQuery // as it was received
			r.SetXForwarded()
		}}))
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		if f.Severity == doctor.Fault { // what the proxy behind it passes on of the client's is for warnings
			t.Errorf("%+v", f)
		}
	}
}

// Each mistake is seen, and called what it is.
func TestWrongGateways(t *testing.T) {
	t.Parallel()
	c := open(t)
	for _, mistake := range doctortest.Mistakes {
		t.Run(mistake.Name, func(t *testing.T) {
			t.Parallel()
			report := c.examine(t, mistake)
			found := false
			for _, f := range report.Findings {
				found = found || string(f.Kind) == mistake.Kind && f.Severity != doctor.Note && strings.Contains(f.Says, mistake.Says)
			}
			if !found {
				t.Errorf("no finding is %s and says %q, among", mistake.Kind, mistake.Says)
				for _, f := range report.Findings {
					if f.Severity != doctor.Note {
						t.Logf("%s %s: %s, %s: %s", f.Severity, f.Kind, f.Group, f.Case, f.Says)
					}
				}
			}
		})
	}
}

// A gateway that sees the end of a request in another place than the upstream does.
func TestSmuggling(t *testing.T) {
	t.Parallel()
	c := open(t)
	report, err := doctor.Run(t.Context(), c.config(t, func(upstream string) *url.URL {
		return doctortest.StartByHand(t, doctortest.Ask(c.ask), upstream)
	}))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []doctor.Finding{
		{Severity: doctor.Fault, Kind: doctor.Bypass, Group: "framing", Case: "a length, and chunks", Says: "which was in the body of another request"},
		{Severity: doctor.Fault, Kind: doctor.Smuggle, Group: "framing", Case: "a length, and chunks", Says: "both Content-Length and Transfer-Encoding"},
		{Severity: doctor.Fault, Kind: doctor.Smuggle, Group: "lengths", Case: "two that differ, the last one short", Says: "two Content-Lengths"},
		{Severity: doctor.Fault, Kind: doctor.Smuggle, Group: "hosts", Case: "two alike", Says: "two Hosts arrived"},
		{Severity: doctor.Fault, Kind: doctor.Smuggle, Group: "identity", Case: "a bare carriage return", Says: "a carriage return or a null byte"},
	} {
		if !slices.ContainsFunc(report.Findings, func(f doctor.Finding) bool {
			return f.Severity == want.Severity && f.Kind == want.Kind && f.Group == want.Group && f.Case == want.Case && strings.Contains(f.Says, want.Says)
		}) {
			t.Errorf("not found: %+v", want)
		}
	}
	if t.Failed() {
		for _, f := range report.Findings {
			t.Logf("%s %s: %s, %s: %s", f.Severity, f.Kind, f.Group, f.Case, f.Says)
		}
	}
}
