// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/doctor"
	"aeroplane.run/authz/internal/settings"
)

// gatewayFlags say how to examine a gateway.
type gatewayFlags struct {
	upstream, ca, keyFile       string
	keyStdin, noIdentity, notes bool
}

func (f *gatewayFlags) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&f.upstream, "upstream", "", "the `host:port` to be the gateway's upstream at, while this runs")
	flags.StringVar(&f.ca, "gateway-ca", "", "a PEM `file` with the authorities to trust for the gateway instead of the system's")
	flags.BoolVar(&f.noIdentity, "no-identity-headers", false, "the upstream is told in another way than by headers who is calling")
	flags.BoolVar(&f.notes, "notes", false, "print notes too: what the gateway refuses by itself, or is stricter about")
	flags.BoolVar(&f.keyStdin, "key-stdin", false, "read a key to ask with from standard input, instead of creating some")
	flags.StringVar(&f.keyFile, "key-file", "", "read a key to ask with from a `file`, instead of creating some")
	cmd.MarkFlagsMutuallyExclusive("key-stdin", "key-file")
}

func (a *app) doctorGateway() *cobra.Command {
	cmd := command("gateway URL --upstream HOST:PORT [flags]", "Find what a gateway lets pass that the service refuses", exactly("URL"), nil)
	cmd.Long = `Fire some 400 awkward requests at a gateway, such as http://127.0.0.1:8080, and see what becomes of them: paths in every
confusing spelling, doubled and aliased headers, forged identities, odd methods and bodies. This command is the upstream itself,
at the address of --upstream, and asks the service what it decides on each request, as it was sent and as it arrived. It reports
where the three disagree.

For a test set-up only: have the gateway forward everything to HOST:PORT, in HTTP/1.1, and ask the service as usual. Two harmless
requests find out whether it does; if they do not arrive here, nothing else is sent. All requests have the User-Agent
aeroplane-authz-doctor. Examined is HTTP/1.1, over TLS if the URL begins with https.

With an admin token it creates keys and a session of its own, which end in an hour at the latest, and revokes them when it is done.
With --key-stdin, --key-file or AEROPLANE_AUTHZ_KEY it uses that key, which should reach all projects, and needs the token of a
gateway only; AEROPLANE_AUTHZ_SESSION may name a session as well, without which some cases are left out.

A fault is a BYPASS (it arrived, and the service refuses it), SMUGGLE (two readers see its end, or its headers, in two ways), FORGED (the
upstream is told something else of the caller than was granted), CHANGED (what arrived is not what was sent), or a plain request
that went wrong. What a warning means depends on the upstream.

Exit codes: 0 no faults, 1 faults, 2 wrong usage, or a key that is refused, 3 the gateway could not be examined to the end.`
	var f gatewayFlags
	f.define(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return classify(a.examine(cmd, &f, args[0]))
	}
	return withSettings(cmd, settings.Client)
}

// examine asks as a gateway where there is a key to ask with, and otherwise as an admin, who can create one.
func (a *app) examine(cmd *cobra.Command, f *gatewayFlags, text string) error {
	at, err := gatewayURL(text)
	if err != nil {
		return err
	}
	if f.upstream == "" {
		return usage("--upstream is needed: the host and port that the gateway forwards to, where this command listens while it runs")
	}
	v, err := a.load(cmd)
	if err != nil {
		return err
	}
	as := admin
	if f.keyStdin || f.keyFile != "" || !v.Key.IsZero() {
		as = gateway
	}
	return a.connectedWith(cmd.Context(), v, as, func(c *connection) error {
		tell := seldom(a.stderr, 5*time.Second)
		config := doctor.Config{Gateway: at, NoIdentityHeaders: f.noIdentity, Progress: func(n, of int) { tell("%d of %d requests sent", n, of) }}
		if f.ca != "" {
			if config.TLS, err = trusting("gateway-ca", f.ca); err != nil {
				return err
			}
		}
		if config.Upstream, err = net.Listen("tcp", f.upstream); err != nil {
			return usage("--upstream: %w", err)
		}
		defer config.Upstream.Close()
		config.Service = func(ctx context.Context, in *v1.AuthorizeRequest) (*v1.AuthorizeResponse, error) {
			return v1.NewAuthorizationServiceClient(c).Authorize(ctx, in)
		}
		if as == gateway {
			return a.examineWithKey(cmd.Context(), f, c, config)
		}
		own := &ownCredentials{c: c}
		err := own.create(cmd.Context(), &config)
		if err == nil {
			err = runDoctor(cmd.Context(), f, c, config)
		}
		left := own.revoke(cmd.Context())
		if left != nil && err != nil { // which says how it went, and what is left is to be known all the same
			c.note("%v", left)
			return err
		}
		return cmp.Or(err, left)
	})
}

func (a *app) examineWithKey(ctx context.Context, f *gatewayFlags, c *connection, config doctor.Config) (err error) {
	key := c.Key.Reveal()
	switch {
	case f.keyStdin:
		key, err = a.secretFrom("-")
	case f.keyFile != "":
		key, err = a.secretFrom(f.keyFile)
	}
	if err != nil {
		return err
	}
	for _, b := range []byte(key + c.Session.Reveal()) {
		if b <= ' ' || b > '~' { // it would make another request of each
			return usage("the key or session to ask with holds a blank, or a byte that is not visible ASCII: none does")
		}
	}
	config.Read, config.Write, config.Session = key, key, c.Session.Reveal()
	return runDoctor(ctx, f, c, config)
}

func gatewayURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" ||
		u.Path != "" && u.Path != "/" {
		return nil, usage("URL must be http or https with a host, and maybe a port, and nothing else, such as http://127.0.0.1:8080")
	}
	u.Path = ""
	return u, nil
}

func runDoctor(ctx context.Context, f *gatewayFlags, c *connection, config doctor.Config) error {
	report, err := doctor.Run(ctx, config)
	switch {
	case errors.Is(err, doctor.ErrKey):
		return usage("%w: it should be one that may read and write all projects", err)
	case errors.Is(err, context.Canceled):
		return fail(exitUnreachable, "interrupted")
	case err != nil:
		return fail(exitUnreachable, "%w", classify(err))
	}
	if err := c.plain(report, func(w io.Writer) { printReport(w, report, f.notes) }); err != nil {
		return err
	}
	if !report.Clean() {
		return &failure{code: exitNo}
	}
	return nil
}

func printReport(w io.Writer, r *doctor.Report, notes bool) {
	var rows [][]string
	tries := make(map[string]bool)
	for _, f := range r.Findings {
		if f.Severity != doctor.Note || notes {
			rows = append(rows, []string{string(f.Severity), string(f.Kind), f.Group + ": " + f.Case, f.Says})
			tries[f.Group] = true
		}
	}
	if len(rows) > 0 {
		columns(w, "SEVERITY KIND CASE WHAT", rows)
		fmt.Fprintln(w)
		for _, g := range r.Groups {
			if tries[g.Name] {
				fmt.Fprintf(w, "%s: %s\n", g.Name, g.Why)
			}
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%s sent to %s, %d of them arrived, in %v: %s, %s, %s\n", count(r.Requests, "request", "requests"), r.Gateway, r.Arrived,
		r.Took.Round(100*time.Millisecond), count(r.Faults, "fault", "faults"), count(r.Warnings, "warning", "warnings"), count(r.Notes, "note", "notes"))
	if r.Skipped > 0 {
		fmt.Fprintf(w, "%s left out: there was no session to try with\n", count(r.Skipped, "case", "cases"))
	}
}
