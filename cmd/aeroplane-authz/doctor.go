// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/doctor"
)

func (a *app) doctor() *cobra.Command {
	return group("doctor", "Examine what stands around the server", a.doctorGateway())
}

// doctorFlags are those of doctor gateway.
type doctorFlags struct {
	upstream          string
	keyStdin          bool
	keyFile           string
	gatewayCA         string
	noIdentityHeaders bool
}

func (a *app) doctorGateway() *cobra.Command {
	cmd := command("gateway URL --upstream ADDRESS [flags]", "Send awkward requests through a gateway, and see what arrives", exactly("URL"), nil)
	cmd.Long = `Examine a gateway, in a test set-up: send it some 350 requests that client, gateway, service and upstream could take for different ones,
be the upstream that they arrive at, and report each on which they disagree, or where something arrives that the client made up.

Have the gateway at URL ask the server, and forward everything to ADDRESS, where this command listens meanwhile. It begins with two harmless
requests, and sends no other unless these arrive: it is no danger to an upstream that is not its own. Every request asks for things called
aeroplane-authz-doctor, and bears that name in User-Agent. It speaks HTTP/1.1.

What is needed to ask with is made first and revoked at the end: two keys for all projects, which expire in an hour, and a session. With a key of
yours, from --key-stdin, --key-file or AEROPLANE_AUTHZ_KEY, nothing is made, and what needs a session or a key that writes is tried as far as
that key goes; the token to call with may then be that of a gateway.

Faults are for you to mend. What a warning means depends on the upstream. Notes tell of requests that the gateway refuses by itself.

Exit codes: 0 no faults, 1 faults, 2 wrong usage, 3 the gateway or the server cannot be reached, or the gateway leads elsewhere.`
	var f doctorFlags
	flags := cmd.Flags()
	flags.StringVar(&f.upstream, "upstream", "", "the host and port to be the gateway's upstream on")
	flags.BoolVar(&f.keyStdin, "key-stdin", false, "read a key to ask with from standard input")
	flags.StringVar(&f.keyFile, "key-file", "", "read a key to ask with from a `file`")
	flags.StringVar(&f.gatewayCA, "gateway-ca", "", "a PEM `file` with the authorities to trust for an https URL instead of the system's")
	flags.BoolVar(&f.noIdentityHeaders, "no-identity-headers", false, "the upstream is told in another way than by headers who is calling")
	cmd.MarkFlagsMutuallyExclusive("key-stdin", "key-file")
	return a.calling(cmd, admin, func(ctx context.Context, c *connection, cmd *cobra.Command, args []string) error {
		config, err := f.config(args[0])
		if err != nil {
			return err
		}
		discharge, err := a.prescribe(ctx, c, &f, config)
		if err != nil {
			return err
		}
		defer discharge()
		if config.Upstream, err = new(net.ListenConfig).Listen(ctx, "tcp", f.upstream); err != nil {
			return usage("upstream: %w", err)
		}
		config.Progress = c.progress()
		report, err := doctor.Run(ctx, *config)
		switch {
		case errors.Is(err, doctor.ErrKey):
			return fail(exitNo, "%w", err)
		case err != nil:
			return fail(exitUnreachable, "%w", err)
		}
		if err := c.plain(report, func(w io.Writer) { printReport(w, report) }); err != nil {
			return err
		}
		if !report.Clean() {
			return &failure{code: exitNo}
		}
		return nil
	})
}

// config checks the flags.
func (f *doctorFlags) config(gateway string) (*doctor.Config, error) {
	u, err := url.Parse(gateway)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return nil, usage("URL must be that of the gateway, such as http://127.0.0.1:8080, without a path")
	}
	if _, _, err := net.SplitHostPort(f.upstream); err != nil {
		return nil, usage("--upstream is needed: the host and port that the gateway forwards to, such as 127.0.0.1:3000; this command listens there")
	}
	c := &doctor.Config{Gateway: &url.URL{Scheme: u.Scheme, Host: u.Host}, NoIdentityHeaders: f.noIdentityHeaders}
	if f.gatewayCA == "" {
		return c, nil
	}
	pem, err := os.ReadFile(f.gatewayCA)
	if err != nil {
		return nil, usage("gateway-ca: %w", err)
	}
	c.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	if !c.TLS.RootCAs.AppendCertsFromPEM(pem) {
		return nil, usage("gateway-ca: %s holds no certificate in PEM", f.gatewayCA)
	}
	return c, nil
}

// prescribe sees to what the doctor asks with: the key that there is, or keys and a session of its own, which discharge takes back.
func (a *app) prescribe(ctx context.Context, c *connection, f *doctorFlags, config *doctor.Config) (discharge func(), err error) {
	config.Service = func(ctx context.Context, in *v1.AuthorizeRequest) (*v1.AuthorizeResponse, error) {
		return v1.NewAuthorizationServiceClient(c).Authorize(ctx, in)
	}
	key := c.Key.Reveal()
	switch {
	case f.keyStdin:
		key, err = a.secretFrom("-")
	case f.keyFile != "":
		key, err = a.secretFrom(f.keyFile)
	}
	if err != nil || key != "" {
		config.Read, config.Write = key, key
		return func() {}, err
	}
	p := &prescription{c: c}
	if err := p.fill(ctx, config); err != nil {
		p.takeBack()
		return nil, err
	}
	return p.takeBack, nil
}

// doctorsHour is how long what the doctor asks with is good for, if nothing takes it back.
const doctorsHour = time.Hour

// printReport prints findings by severity, and what their groups try.
func printReport(w io.Writer, r *doctor.Report) {
	fmt.Fprintf(w, "%s: %s, of which %d arrived; %s, %s, %s\n", r.Gateway, count(r.Requests, "request", "requests"), r.Arrived,
		count(r.Faults, "fault", "faults"), count(r.Warnings, "warning", "warnings"), count(r.Notes, "note", "notes"))
	if r.Skipped > 0 {
		fmt.Fprintf(w, "%s not tried, for want of a session\n", count(r.Skipped, "case was", "cases were"))
	}
	told := ""
	for _, f := range r.Findings {
		if f.Severity == doctor.Note {
			break // the last; they are in the JSON
		}
		if f.Group != told {
			told = f.Group
			fmt.Fprintf(w, "\n%s: %s\n", f.Group, r.Groups[f.Group])
		}
		fmt.Fprintf(w, "  %-7s  %-7s  %s: %s\n", f.Severity, f.Kind, f.Case, f.Says)
	}
	if r.Notes > 0 {
		fmt.Fprintf(w, "\nNotes, on what the gateway refuses by itself, are in --output json.\n")
	}
}

// progress tells a person who has waited for some seconds how far things are.
func (c *connection) progress() func(n, of int) {
	last := time.Now()
	return func(n, of int) {
		if time.Since(last) > 5*time.Second {
			last = time.Now()
			c.note("request %d of %d", n, of)
		}
	}
}
