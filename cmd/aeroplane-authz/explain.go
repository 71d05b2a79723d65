// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/apikey"
)

func (a *app) explain() *cobra.Command {
	cmd := command("explain METHOD PATH [flags]", "Say why a request is refused, and what would change that", exactly("METHOD", "PATH"), nil)
	cmd.Long = `Say why an HTTP request is refused, or may pass: the decision, each check in its order, the row of the route table that
made it, and what would change it. PATH is the request target, as a client would send it. The decision is as of now: every
change that was committed is known.

The key is named by its id, which ` + "`keys list`" + ` shows, and never by itself. It does not count as used.

Exit codes: 0 allowed, 1 denied, 2 wrong usage, 3 no decision was reached.`
	key := cmd.Flags().String("key-id", "", "the `id` of the key that the request comes with")
	session := cmd.Flags().String("session-sha256", "", "the SHA-256 of the token of its session, in `hex` or base64url")
	target := cmd.Flags().String("target-project", "", "the project `id` in the body of a service transfer")
	cmd.MarkFlagsMutuallyExclusive("key-id", "session-sha256")
	return a.calling(cmd, admin, func(ctx context.Context, c *connection, cmd *cobra.Command, args []string) error {
		in := &v1.ExplainAuthorizeRequest{Method: args[0], Path: args[1]}
		if cmd.Flags().Changed("target-project") {
			in.TargetProjectId = target
		}
		switch {
		case cmd.Flags().Changed("key-id"):
			id, err := idOfKey(*key)
			if err != nil {
				return err
			}
			in.Credential = &v1.ExplainAuthorizeRequest_KeyId{KeyId: id}
		case cmd.Flags().Changed("session-sha256"):
			sum, err := digest("session-sha256", *session)
			if err != nil {
				return err
			}
			in.Credential = &v1.ExplainAuthorizeRequest_SessionSha256{SessionSha256: sum}
		}
		if !utf8.ValidString(in.Method) || !utf8.ValidString(in.Path) {
			return usage("METHOD and PATH must be UTF-8: a gateway refuses any other request with 400, without asking")
		}
		out, err := v1.NewExplanationServiceClient(c).ExplainAuthorize(ctx, in)
		switch {
		case status.Code(err) == codes.InvalidArgument:
			return err
		case err != nil: // 1 is for what was denied
			return fail(exitUnreachable, "no decision: %w", classify(err))
		}
		if err := c.answer(out, func(w io.Writer) { printExplanation(w, out) }); err != nil {
			return fail(exitUnreachable, "%w", err)
		}
		if !out.GetDecision().GetAllowed() {
			return &failure{code: exitNo}
		}
		return nil
	})
}

// idOfKey returns the id that names a key. A key by itself is refused, where keyID would make do with its id: nobody is to get used to
// it. What is displayed of a key will do.
func idOfKey(text string) (string, error) {
	id, err := keyID(text)
	switch {
	case err != nil, apikey.Redact(text) != text:
		return "", usage("--key-id wants the id of the key, never the key: the id is what `keys list` shows, the 16 characters after ap_")
	case id == "":
		return "", usage("--key-id must be the id of a key; for a request without one leave it out")
	}
	return id, nil
}

// checkMarks begin the lines of checks.
var checkMarks = map[v1.CheckOutcome]string{
	v1.CheckOutcome_CHECK_OUTCOME_PASSED:      "ok",
	v1.CheckOutcome_CHECK_OUTCOME_REFUSED:     "REFUSED",
	v1.CheckOutcome_CHECK_OUTCOME_NOT_REACHED: "not reached",
	v1.CheckOutcome_CHECK_OUTCOME_NOT_NEEDED:  "not needed",
}

func printExplanation(w io.Writer, out *v1.ExplainAuthorizeResponse) {
	printDecision(w, out.GetDecision())
	if k := out.GetKey(); k != nil && !out.GetDecision().GetAllowed() { // otherwise it is the principal
		record(w, [2]string{"key", keyWords(k) + userWords(k.GetUserId())}, [2]string{"access", enumWord(k.GetAccessLevel())},
			[2]string{"projects", scopeWords(k.GetProjects())}, [2]string{"state", enumWord(k.GetState())})
	}
	fmt.Fprintln(w)
	var rows [][]string
	for _, c := range out.GetChecks() {
		rows = append(rows, []string{checkMarks[c.GetOutcome()], enumWord(c.GetName()), c.GetText()})
	}
	columns(w, "OUTCOME CHECK FACTS", rows)
	if r := out.GetRoute(); r != nil {
		fmt.Fprintln(w)
		columns(w, "LINE METHOD PATTERN WHO SCOPE",
			[][]string{{strconv.Itoa(int(r.GetLine())), r.GetMethod(), r.GetPattern(), r.GetWho(), r.GetScope()}})
	}
	if len(out.GetRemedies()) > 0 {
		fmt.Fprintln(w, "\nWhat would change it:")
	}
	for _, remedy := range out.GetRemedies() {
		fmt.Fprintf(w, "  %s\n", cell(remedy))
	}
}
