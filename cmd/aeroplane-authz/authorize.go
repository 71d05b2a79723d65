// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

func (a *app) authorize() *cobra.Command {
	cmd := command("authorize METHOD PATH [flags]", "Ask whether an HTTP request may pass", exactly("METHOD", "PATH"), nil)
	cmd.Long = `Ask whether an HTTP request may pass, and print the decision and its reason. PATH is the request target, as a client
would send it.

A credential never goes on the command line, where the process list would show it: set AEROPLANE_AUTHZ_KEY or
AEROPLANE_AUTHZ_SESSION, or name a file, or - for standard input, with one of the flags below.

Exit codes: 0 allowed, 1 denied, 2 wrong usage, 3 no decision was reached.`
	var from credentialFlags
	from.define(cmd)
	target := cmd.Flags().String("target-project", "", "the project `id` in the body of a service transfer")
	strong := cmd.Flags().Bool("strong", false, "know of every change that was committed by now, also where nobody was told so yet")
	atLeast := cmd.Flags().String("at-least", "", "know of the change with this `revision`, from the receipt of a call with --output json")
	return a.calling(cmd, gateway, func(ctx context.Context, c *connection, cmd *cobra.Command, args []string) error {
		in := &v1.AuthorizeRequest{Method: args[0], Path: args[1], AtLeastRevision: *atLeast}
		if *strong {
			in.Consistency = v1.Consistency_CONSISTENCY_STRONG
		}
		if cmd.Flags().Changed("target-project") {
			in.TargetProjectId = target
		}
		if err := a.credential(in, &from, c); err != nil {
			return err
		}
		if !utf8.ValidString(in.Method) || !utf8.ValidString(in.Path) {
			return usage("METHOD and PATH must be UTF-8: a gateway refuses any other request with 400, without asking")
		}
		out, err := v1.NewAuthorizationServiceClient(c).Authorize(ctx, in)
		switch {
		case status.Code(err) == codes.InvalidArgument:
			return err
		case err != nil: // whatever it is, there is no decision
			return fail(exitUnreachable, "no decision: %w", classify(err))
		}
		if err := c.answer(out, func(w io.Writer) { printDecision(w, out) }); err != nil {
			return fail(exitUnreachable, "%w", err)
		}
		if !out.GetAllowed() {
			return &failure{code: exitNo}
		}
		return nil
	})
}

func printDecision(w io.Writer, out *v1.AuthorizeResponse) {
	if !out.GetAllowed() {
		d := out.GetDenial()
		fmt.Fprintf(w, "denied: %d %s (%s)\n", d.GetHttpStatus(), d.GetMessage(), enumName(d.GetReason()))
		return
	}
	fmt.Fprintln(w, "allowed")
	g := out.GetGrant()
	pairs := [][2]string{{"principal", principalWords(g)}}
	if access := enumWord(g.GetAccessLevel()); access != "" {
		pairs = append(pairs, [2]string{"access", access})
	}
	if id := g.GetProjectId(); id != "" {
		pairs = append(pairs, [2]string{"project", id})
	}
	if g.GetVisibleProjects() != nil {
		pairs = append(pairs, [2]string{"visible projects", scopeWords(g.GetVisibleProjects())})
	}
	if g.GetTransferTargetUnchecked() {
		pairs = append(pairs, [2]string{"transfer", "the upstream must check the target project: none was named"})
	}
	record(w, pairs...)
}

func principalWords(g *v1.Grant) string {
	if k := g.GetKey(); k != nil {
		return keyWords(k) + userWords(k.GetUserId())
	}
	if s := g.GetSession(); s != nil {
		return "session, role " + enumWord(s.GetRole()) + userWords(s.GetUserId())
	}
	return "nobody"
}

func userWords(id string) string {
	if id == "" {
		return ""
	}
	return ", user " + id
}
