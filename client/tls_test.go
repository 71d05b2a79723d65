// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"aeroplane.run/authz/client"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// The token reaches whoever has a certificate that is good for the target, on every replica, and nobody else.
func TestTLS(t *testing.T) {
	own := httptest.NewTLSServer(nil) // has a certificate for 127.0.0.1, but not for localhost
	defer own.Close()
	roots := x509.NewCertPool()
	roots.AddCert(own.Certificate())
	var asked atomic.Int64
	answering := fake{answer: func(ctx context.Context, _ *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error) {
		asked.Add(1)
		md, _ := metadata.FromIncomingContext(ctx)
		if got := strings.Join(md["authorization"], "|"); got != "Bearer "+token {
			t.Errorf("the token came as %q", got)
		}
		if got := strings.Join(md["user-agent"], "|"); !strings.HasPrefix(got, "aeroplane-authz-client ") {
			t.Errorf("the caller says that it is %q", got)
		}
		return &authzv1.AuthorizeResponse{Allowed: true, Grant: new(authzv1.Grant)}, nil
	}}
	encrypted := grpc.Creds(credentials.NewServerTLSFromCert(&own.TLS.Certificates[0]))
	first, second, plain := listenAs(t, answering, encrypted), listenAs(t, answering, encrypted), listenAs(t, answering)
	byName := strings.Replace(first, "127.0.0.1", "localhost", 1)
	trusting := &tls.Config{RootCAs: roots}
	for _, c := range []struct {
		name, target string
		tls          *tls.Config
		options      []grpc.DialOption
		want         bool
	}{
		{"one", first, trusting, nil, true},
		{"two", first + "," + second, trusting, nil, true},
		{"two, the first under another name", byName + "," + second, trusting, nil, true},
		{"a name that is said", byName, &tls.Config{RootCAs: roots, ServerName: "example.com"}, nil, true},
		{"options do not undo it", first, trusting, []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials())}, true},
		{"the roots of the system", first, new(tls.Config), nil, false},
		{"another name", byName, trusting, nil, false},
		{"another name in a list", byName + "," + byName, trusting, nil, false},
		{"not encrypted", plain, trusting, nil, false},
		{"not encrypted by us", first, nil, nil, false},
	} {
		asked.Store(0)
		made := connect(t, client.Config{Target: c.target, Token: client.NewSecret(token), TLS: c.tls, DialOptions: c.options})
		for range 4 {
			if _, err := made.Authorize(t.Context(), new(authzv1.AuthorizeRequest)); (err == nil) != c.want {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		if n := asked.Load(); (n == 4) != c.want || !c.want && n > 0 {
			t.Errorf("%s: %d calls have come through", c.name, n)
		}
	}
}
