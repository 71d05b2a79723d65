// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/settings"
)

// A role is which token a call needs.
type role string

const (
	admin   role = "admin"
	gateway role = "gateway"
	nobody  role = "" // no token
)

// A connection is what a command calls the server over, and prints its answers with.
type connection struct {
	*grpc.ClientConn
	*settings.Settings
	printer
}

// calling gives a command the settings of callers, and a connection while it works.
func (a *app) calling(cmd *cobra.Command, as role,
	work func(ctx context.Context, c *connection, cmd *cobra.Command, args []string) error) *cobra.Command {
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return classify(a.connected(cmd, as, func(c *connection) error {
			return work(cmd.Context(), c, cmd, args)
		}))
	}
	return withSettings(cmd, settings.Client)
}

func (a *app) connected(cmd *cobra.Command, as role, work func(*connection) error) error {
	v, err := a.load(cmd)
	if err != nil {
		return err
	}
	return a.connectedWith(cmd.Context(), v, as, work)
}

func (a *app) connectedWith(ctx context.Context, v *settings.Settings, as role, work func(*connection) error) (err error) {
	var pinned string
	if as == nobody { // which only a probe is
		if pinned, err = ownServer(v); err != nil {
			return err
		}
	}
	if err := v.CheckClient(ctx, settings.DNS); err != nil {
		return usage("%w", err)
	}
	if v.ActingUser != "" && !authz.ValidUserID(v.ActingUser) {
		return usage("acting-user must be 1 to 128 visible ASCII characters other than the comma")
	}
	token, err := tokenFor(v, as, logger(v, a.stderr))
	if err != nil {
		return err
	}
	conn, err := dial(v, as, token, pinned)
	if err != nil {
		return err
	}
	defer conn.Close()
	return work(&connection{conn, v, printer{a.stdout, a.stderr, v.Output == "json"}})
}

// maxAnswer bounds an answer: a page of keys that each select a thousand projects.
const maxAnswer = 64 << 20

// dial prepares a connection. It is made at the first call. A pinned certificate is in the file of that name.
func dial(v *settings.Settings, as role, token, pinned string) (*grpc.ClientConn, error) {
	identify := func(ctx context.Context) context.Context {
		if token != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
		}
		if v.ActingUser != "" {
			ctx = metadata.AppendToOutgoingContext(ctx, "aeroplane-acting-user", v.ActingUser)
		}
		return ctx
	}
	options := []grpc.DialOption{grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxAnswer)),
		// Who follows Aeroplane calls for as long as it runs, and is to notice that a server is gone. The server allows a ping every 10 s.
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: 15 * time.Second, Timeout: 5 * time.Second}), grpc.WithUnaryInterceptor(
			func(ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, next grpc.UnaryInvoker, opts ...grpc.CallOption) error {
				ctx, cancel := context.WithTimeout(ctx, v.Timeout)
				defer cancel()
				return withOrigin(next(identify(ctx), method, req, reply, cc, opts...), tokenOrigin(v, as))
			}), grpc.WithStreamInterceptor( // which lasts as long as there is something to say
			func(ctx context.Context, desc *grpc.StreamDesc, cc *grpc.ClientConn, method string, next grpc.Streamer, opts ...grpc.CallOption) (
				grpc.ClientStream, error) {
				return next(identify(ctx), desc, cc, method, opts...)
			})}
	switch {
	case pinned != "":
		options = append(options, grpc.WithTransportCredentials(credentials.NewTLS(pinnedTLS(pinned))))
	case v.TLS:
		config, err := clientTLS(v)
		if err != nil {
			return nil, err
		}
		options = append(options, grpc.WithTransportCredentials(credentials.NewTLS(config)))
	case v.InsecurePlaintext:
		options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	default:
		options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithContextDialer(dialLoopback))
		return grpc.NewClient("passthrough:///"+v.Address, options...)
	}
	return grpc.NewClient("dns:///"+v.Address, options...)
}

// dialLoopback looks again at what a name has been resolved to: plaintext stays on this machine.
func dialLoopback(ctx context.Context, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if !isLoopback(conn.RemoteAddr()) {
		_ = conn.Close()
		return nil, fmt.Errorf("%s is another machine", address)
	}
	return conn, nil
}

func isLoopback(addr net.Addr) bool {
	at, err := netip.ParseAddrPort(addr.String())
	return err == nil && at.Addr().Unmap().IsLoopback()
}

func clientTLS(v *settings.Settings) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if v.TLSCA != "" {
		var err error
		if config, err = trusting("tls-ca", v.TLSCA); err != nil {
			return nil, err
		}
	}
	config.ServerName = v.TLSServerName
	return config, nil
}

// trusting returns a configuration that trusts the authorities in a file, which an option of the given name names.
func trusting(name, file string) (*tls.Config, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, usage("%s: %w", name, err)
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, usage("%s: %s holds no certificate in PEM", name, file)
	}
	return config, nil
}

// tokenFor returns the token to call with: the one that is set, or the one that a server on this machine generated.
func tokenFor(v *settings.Settings, as role, log *slog.Logger) (string, error) {
	if as == nobody {
		return "", nil
	}
	name, path := "token", ""
	switch {
	case v.TokenFile != "":
		name, path = "token-file", v.TokenFile
	case v.Token.IsZero():
		name, path = "the generated token", tokenPath(v.DataDir, as)
	}
	secret, err := settings.ReadSecret(v.Token, path, log)
	switch {
	case err != nil && v.TokenFile == "":
		return "", usage("no token to call with: set AEROPLANE_AUTHZ_TOKEN or --token-file, or run this as the user of a server "+
			"that has generated one: %w", err)
	case err != nil:
		return "", usage("%s: %w", name, err)
	}
	// A file may hold "name token" lines, as the server reads them.
	for line := range strings.Lines(secret.Reveal()) {
		fields := strings.Fields(line)
		if n := len(fields); (n == 1 || n == 2) && !strings.HasPrefix(fields[0], "#") {
			return fields[n-1], nil
		}
	}
	return "", usage("%s: must be a token, or a name and a token", name)
}

// tokenOrigin says where the token to call with comes from: a file, or a variable.
func tokenOrigin(v *settings.Settings, as role) string {
	switch {
	case v.TokenFile != "":
		return v.TokenFile
	case v.Token.IsZero():
		return tokenPath(v.DataDir, as)
	}
	return v.From("token")
}

// withOrigin says of a token that the server does not know, or that is of another role, where it comes from.
func withOrigin(err error, origin string) error {
	if code := status.Code(err); code != codes.Unauthenticated && code != codes.PermissionDenied {
		return err
	}
	st := status.Convert(err).Proto()
	st.Message += "; it was that of " + origin
	return status.ErrorProto(st)
}

// tokenPath is where a server puts the token that it generates.
func tokenPath(dataDir string, as role) string { return filepath.Join(dataDir, string(as)+".token") }
