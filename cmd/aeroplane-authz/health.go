// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/cobra"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"aeroplane.run/authz/internal/settings"
)

// health is what a container is probed by: it needs no shell, no token and no other program.
func (a *app) health() *cobra.Command {
	cmd := command("health [flags]", "Ask whether the server serves; exit code 0 means that it does", noArguments, nil)
	cmd.Long = `Ask whether the server serves. Exit code 0 means that it does.

A probe that runs with the settings of the server, in its container, needs no others. Without an address it calls the
one that the server listens on; and if tls-cert is set, but none of tls, tls-ca and tls-server-name, it calls over TLS,
and expects exactly the certificate in that file, whatever names and dates are in it.`
	service := cmd.Flags().String("service", "", "ask about one `service`, such as aeroplane.authz.v1.KeyService")
	withSettings(cmd, 0, "listen", "tls-cert")
	return a.calling(cmd, nobody, func(ctx context.Context, c *connection, _ *cobra.Command, _ []string) error {
		out, err := healthpb.NewHealthClient(c).Check(ctx, &healthpb.HealthCheckRequest{Service: *service})
		if err != nil {
			return err
		}
		if err := c.answer(out, func(w io.Writer) {
			_, _ = io.WriteString(w, strings.ReplaceAll(strings.ToLower(out.GetStatus().String()), "_", " ")+"\n")
		}); err != nil {
			return err
		}
		if out.GetStatus() != healthpb.HealthCheckResponse_SERVING {
			return &failure{code: exitNo}
		}
		return nil
	})
}

// ownServer completes the settings of a caller with those of the server that it probes: the address, and the file of the
// certificate to expect, which is empty where the caller's own settings say how to call.
func ownServer(v *settings.Settings) (pinned string, err error) {
	if v.From("address") == "default" {
		if v.Address, err = reachable(v.Listen); err != nil {
			return "", err
		}
	}
	for _, name := range []string{"tls", "tls-ca", "tls-server-name"} {
		if v.From(name) != "default" {
			return "", nil
		}
	}
	v.TLS = v.TLSCert != ""
	return v.TLSCert, nil
}

// reachable returns the address by which this machine reaches a server that listens on another one, or on all.
func reachable(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return "", usage("listen must be a host and a port, such as 127.0.0.1:8460, not %q", listen)
	}
	ip, err := netip.ParseAddr(host)
	switch {
	case host == "" || err == nil && ip.Unmap() == netip.IPv4Unspecified():
		host = "127.0.0.1"
	case err == nil && ip.IsUnspecified():
		host = "::1"
	}
	return net.JoinHostPort(host, port), nil
}

// pinnedTLS expects exactly the certificate in a file, and nothing of it: a probe on the server's own machine, which
// sends no secret, asks whether that server answers, not whether others would trust it.
func pinnedTLS(file string) *tls.Config {
	return &tls.Config{
		MinVersion:         tls.VersionTLS12,
		InsecureSkipVerify: true, // names and authorities; the certificate itself is verified below
		VerifyConnection: func(state tls.ConnectionState) error {
			// The file is read now, since the server takes up a new certificate at the next handshake.
			want, err := firstCertificate(file)
			if err != nil {
				return err
			}
			if len(state.PeerCertificates) == 0 || !bytes.Equal(state.PeerCertificates[0].Raw, want) {
				return fmt.Errorf("the server's certificate is not the one in %s", file)
			}
			return nil
		},
	}
}

// firstCertificate returns the first certificate of a file, which is the server's own: its issuers follow.
func firstCertificate(file string) ([]byte, error) {
	rest, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for {
		var block *pem.Block
		block, rest = pem.Decode(rest)
		switch {
		case block == nil:
			return nil, fmt.Errorf("%s holds no certificate in PEM", file)
		case block.Type == "CERTIFICATE":
			return block.Bytes, nil
		}
	}
}
