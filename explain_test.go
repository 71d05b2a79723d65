// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/resolver"
)

// places says which checks may make a denial of a Reason.
var places = map[Reason][]CheckName{
	MethodNotAllowed:       {CheckMethod},
	MalformedPath:          {CheckPath},
	InvalidKey:             {CheckCredential},
	AuthenticationRequired: {CheckCredential},
	BrowserSessionRequired: {CheckCaller},
	OwnerRequired:          {CheckCaller},
	ReadOnlyKey:            {CheckAccess},
	KeyOutOfScope:          {CheckProject, CheckTarget},
	SessionOutOfScope:      {CheckProject, CheckTarget},
}

// Whatever is asked about whomever: the decision is the one that Authorize comes to by these facts; one check has refused if it is a
// denial, in the place that its Reason says, after those which passed and before those not reached; and all have something to say.
func TestExplanationsTellOfTheDecision(t *testing.T) {
	explainedDenials := map[denial]bool{}
	named, odd := "named", "\x00"
	for _, caller := range callers() {
		for _, request := range kindsOfRequest {
			for _, c := range caller.worlds(request.target) {
				for _, to := range []*string{nil, &named, &odd} {
					r := c.requestOf(request.method, request.target)
					r.TransferTo = to
					got, w := c.explain(t, r)
					if len(w.asked) > 0 && (!w.asked[0].Consistency.Strong || len(w.asked) > 1) {
						t.Fatalf("asked %+v, not once for facts as of now", w.asked)
					}
					sound(t, c.name+": "+request.method+" "+request.target, got)
					explainedDenials[denial{got.Decision.Reason, got.Decision.Detail}] = true
					want, _, err := (&world{facts: w.facts, kept: true}).authorize(t, Request{Method: r.Method, Target: r.Target,
						TransferTo: to, Credential: c.credential(&r)})
					if diff := cmp.Diff(want, got.Decision, cmpopts.IgnoreUnexported(KeyRecord{})); diff != "" || err != nil {
						t.Fatalf("%s: %s %s: %v (-want +got):\n%s", c.name, r.Method, r.Target, err, diff)
					}
				}
			}
		}
	}
	for row := range denials {
		seen := explainedDenials[row] || row.reason == MalformedPath || row.detail == contradictory || row.detail == malformed
		impossible := row.reason == SessionOutOfScope && (row.detail == createsNone || row.detail == targetNotNamed)
		if !seen && !impossible {
			t.Errorf("no world has the denial %+v", row)
		}
	}
}

// credential returns one of the kind that is asked about.
func (c *explained) credential(r *ExplainRequest) Credential {
	switch {
	case r.KeyID != "":
		return KeyText(ownText)
	case r.Session != nil, c.session != nil:
		return SessionToken("token")
	}
	return Credential{}
}

// sound checks the form of an explanation.
func sound(t *testing.T, what string, e Explanation) {
	t.Helper()
	d := e.Decision
	if len(e.Checks) != len(CheckNames()) {
		t.Fatalf("%s: %d checks", what, len(e.Checks))
	}
	at := slices.IndexFunc(e.Checks, func(c Check) bool { return c.Outcome == Refused })
	if (at >= 0) == d.Allowed || (len(e.Remedies) > 0) == d.Allowed || (e.Route != nil) != (d.Route != 0) {
		t.Fatalf("%s: %+v", what, e)
	}
	for i, c := range e.Checks {
		fits := c.Outcome == Passed || c.Outcome == NotNeeded
		switch {
		case d.Allowed, i < at:
		case i == at:
			fits = slices.Contains(places[d.Reason], c.Name)
		default:
			fits = c.Outcome == NotReached
		}
		if !fits || c.Name != CheckNames()[i] || c.Text == "" || strings.Contains(c.Text, "  ") {
			t.Errorf("%s: %v: check %d is %s, %s: %q", what, d.Reason, i, c.Name, c.Outcome, c.Text)
		}
	}
	for _, remedy := range e.Remedies {
		if remedy == "" || strings.Contains(remedy, "  ") {
			t.Errorf("%s: the remedy %q", what, remedy)
		}
	}
	if e.Route != nil && e.Route.Line != d.Route {
		t.Errorf("%s: the row of line %d is shown, and that of %d applied", what, e.Route.Line, d.Route)
	}
}

// A path may hold a key, and so may all else: none gets into a text.
func TestExplanationsHoldNoKey(t *testing.T) {
	c := explained{key: key(Write, "u", false)}
	for _, target := range []string{"/api/projects/" + ownText, "/api/services/" + ownText + "/overview", "/api/services/s/transfer",
		"/api//" + ownText, "/api/projects/" + importedText + "/", strings.Repeat("/x", 30) + "//" + ownText, "/api/%61p" + ownText[2:] + "//"} {
		for _, method := range []string{"POST", "get " + ownText, strings.Repeat("x", 75) + ownText} {
			c.facts.Projects = []ProjectRef{picked("u")}
			to := ownText
			got, _ := c.explain(t, ExplainRequest{Method: method, Target: target, KeyID: "k", TransferTo: &to})
			for _, text := range textsOf(got) {
				if apikey.Redact(text) != text || strings.Contains(text, ownText[20:40]) || strings.Contains(text, importedText[13:30]) {
					t.Errorf("%s %s: %q", method, target, text)
				}
			}
		}
	}
}

func textsOf(e Explanation) (all []string) {
	all = append(all, e.Decision.Detail)
	for _, c := range e.Checks {
		all = append(all, c.Text)
	}
	return append(all, e.Remedies...)
}

// What cannot be asked about.
func TestExplainRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		request ExplainRequest
		field   string // empty: NotFound
	}{
		"a key for its id":       {ExplainRequest{KeyID: ownText}, "key_id"},
		"Aeroplane's key":        {ExplainRequest{KeyID: importedText}, "key_id"},
		"a key, mistyped":        {ExplainRequest{KeyID: ownText[:60]}, "key_id"},
		"no id":                  {ExplainRequest{KeyID: "a/b"}, "key_id"},
		"two credentials":        {ExplainRequest{KeyID: "k", Session: new(Digest)}, "credential"},
		"a session, by a reader": {ExplainRequest{Session: new(Digest), Reader: new(string)}, "session_sha256"},
		"an unknown key":         {ExplainRequest{KeyID: "other"}, ""},
		"another reader's key":   {ExplainRequest{KeyID: "k", Reader: new(string)}, ""},
	} {
		e := Explainer{Store: shelf{key: Key{ID: "k", UserID: "u"}}, Authorizer: &Authorizer{Routes: resolver.Default(), Facts: &world{}}}
		c.request.Method, c.request.Target = "GET", "/"
		_, err := e.Explain(t.Context(), c.request)
		want := NotFound
		if c.field != "" {
			want = Invalid
		}
		if KindOf(err) != want || want == Invalid && err.(*Error).Violations[0].Field != c.field {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), ownText[20:40]) || strings.Contains(err.Error(), importedText[13:30])) {
			t.Errorf("%s: the error holds the key: %v", name, err)
		}
	}
}
