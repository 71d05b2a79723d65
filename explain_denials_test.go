// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"strings"
	"testing"

	"aeroplane.run/authz/resolver"
)

// made is every Reason and Detail that some call of deny in the sources may make.
func made(t *testing.T) (all []denial) {
	t.Helper()
	reasons := map[string][]Reason{"outside": {KeyOutOfScope, SessionOutOfScope}}
	for i, name := range []string{"MethodNotAllowed", "MalformedPath", "InvalidKey", "AuthenticationRequired", "BrowserSessionRequired",
		"OwnerRequired", "ReadOnlyKey", "KeyOutOfScope", "SessionOutOfScope"} {
		reasons[name] = []Reason{Reason(i + 1)}
	}
	details := map[string][]string{
		`""`: {""}, "unknownMethod": {unknownMethod}, "contradictory": {contradictory}, "malformed": {malformed}, "unknownKey": {unknownKey},
		"state.String()": {Expired.String(), Revoked.String()}, "createsNone": {createsNone}, "notCallers": {notCallers},
		"targetNotNamed": {targetNotNamed}, "targetUnknown": {targetUnknown}, "targetNotCallers": {targetNotCallers},
		"sessionTrouble(a.credential, f)": {noCredential, unknownSession, revokedSession, expiredSession},
	}
	for _, r := range resolver.Refusals() {
		details["err.Error()"] = append(details["err.Error()"], r.Error())
	}
	for _, c := range kindsOfRequest {
		if method, ok := resolver.MethodOf(c.method); ok && method != resolver.OPTIONS {
			if scope := resolver.Default().Match(method, c.target).Route.Scope; scope >= resolver.Project {
				const form = "unknownOf + a.match.Route.Scope.String()"
				details[form] = append(details[form], unknownOf+scope.String())
			}
		}
	}
	for _, name := range []string{"decide.go", "authorizer.go"} {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || types.ExprString(call.Fun) != "deny" {
				return true
			}
			reason, detail := types.ExprString(call.Args[0]), types.ExprString(call.Args[1])
			if reasons[reason] == nil || details[detail] == nil {
				t.Errorf("%s: nobody says here what deny(%s, %s) may come to", name, reason, detail)
			}
			for _, r := range reasons[reason] {
				for _, d := range details[detail] {
					all = append(all, denial{r, d})
				}
			}
			return true
		})
	}
	return all
}

// Whatever may be said of a denial has a row, of a check that its Reason allows, and there are no other rows.
func TestEveryDenialHasARow(t *testing.T) {
	possible := map[denial]bool{}
	for _, d := range made(t) {
		possible[d] = true
		row, ok := denials[d]
		if !ok {
			t.Errorf("%+v has no row", d)
			continue
		}
		fits := false
		for _, check := range places[d.reason] {
			fits = fits || check == row.check
		}
		if !fits {
			t.Errorf("%+v is of the check %s", d, row.check)
		}
	}
	for d := range denials {
		if !possible[d] {
			t.Errorf("the row of %+v is of nothing that is said", d)
		}
	}
	for _, r := range Reasons() {
		if len(places[r]) == 0 {
			t.Errorf("the reason %q has no place", r)
		}
	}
}

// Closed lists have a word, and what there is to say, for each.
func TestEveryCheckHasItsWords(t *testing.T) {
	for _, c := range CheckNames() {
		if passing[c] == nil || c.String() == "unknown" {
			t.Errorf("check %d: %s", c, c)
		}
	}
	for _, r := range resolver.Refusals() {
		if paths[r] == "" {
			t.Errorf("nothing is to be done about %v", r)
		}
	}
	for o := Passed; o <= NotNeeded; o++ {
		if o.String() == "unknown" {
			t.Errorf("outcome %d", o)
		}
	}
}

// What nobody foresaw is told as the log would tell it.
func TestADenialWithoutARow(t *testing.T) {
	s := story{request: &ExplainRequest{Method: "GET", Target: "/"}, decision: Decision{Reason: OwnerRequired, Detail: "new"},
		route: &resolver.Route{Who: resolver.Any, Scope: resolver.Project}}
	e := s.tell()
	if c := e.Checks[CheckProject-1]; c.Outcome != Refused || !strings.Contains(c.Text, "Owner access is required: new") {
		t.Errorf("%+v", c)
	}
}
