// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"aeroplane.run/authz/resolver"
)

// others are projects that may be there in place of none: whose they are, and whether the key selects them.
var others = [][]ProjectRef{
	{{ID: "of-v", OwnerID: "v"}}, {{ID: "picked-of-v", OwnerID: "v"}}, {{ID: "secret", OwnerID: "w"}},
	{{ID: "secret", OwnerID: "v"}, {ID: "hidden", OwnerID: "w"}}, {{ID: "of-", OwnerID: ""}}, {{ID: "picked-of-", OwnerID: ""}},
}

// Whoever asks about a key of theirs learns nothing of what is not theirs: an explanation is the same, byte for byte, where what the
// path leads to, or the target, is somebody else's, and where it is not known.
func TestReadersLearnNothing(t *testing.T) {
	compared := 0
	for _, caller := range callers() {
		if caller.key == nil {
			continue
		}
		reader := caller.key.UserID
		for _, request := range kindsOfRequest {
			for _, mine := range [][]ProjectRef{nil, {owned(reader)}, {picked(reader)}} { // which the path leads to where the target is asked about
				named := "named"
				r := caller.requestOf(request.method, request.target)
				r.Reader, r.TransferTo = &reader, &named
				unknown := caller
				unknown.facts.Projects = mine
				want, _ := unknown.explain(t, r)
				for _, theirs := range others {
					if theirs[0].OwnerID == reader {
						continue // what is nobody's is theirs where there are no users
					}
					known := unknown
					if mine == nil {
						known.facts.Projects = theirs
						if strings.HasPrefix(request.target, "/api/projects") && !strings.HasSuffix(request.target, "/p") {
							known.facts.Projects, known.facts.Unowned = split(Principal{Key: caller.key}, theirs)
						} else if len(theirs) > 1 {
							continue
						}
					}
					known.facts.TransferTo = &theirs[0]
					got, _ := known.explain(t, r)
					if reached(caller.key, theirs) {
						continue // the key has it, whose ever it is
					}
					compared++
					if diff := cmp.Diff(want, got, cmpopts.IgnoreUnexported(KeyRecord{})); diff != "" {
						t.Errorf("%s: %s %s with %v (-unknown +known):\n%s", caller.name, request.method, request.target, theirs, diff)
					}
					for _, text := range textsOf(got) {
						for _, secret := range []string{"secret", "hidden", "user v", "user w", " of-v"} {
							if strings.Contains(text, secret) {
								t.Errorf("%s: %s %s: %q tells of %q", caller.name, request.method, request.target, text, secret)
							}
						}
					}
				}
			}
		}
	}
	if compared < 500 {
		t.Errorf("%d compared", compared)
	}
}

func reached(k *KeyRecord, projects []ProjectRef) bool {
	for _, p := range projects {
		if (Principal{Key: k}).reaches(p) {
			return true
		}
	}
	return false
}

// Somebody else's key is not known to a reader, as one that never was: the errors are the same.
func TestReadersKnowNoOthersKeys(t *testing.T) {
	e := Explainer{Store: shelf{key: Key{ID: "k", UserID: "u"}}, Authorizer: &Authorizer{Routes: resolver.Default(), Facts: &world{}}}
	var texts []string
	for _, id := range []string{"k", "other"} {
		reader := "v"
		_, err := e.Explain(t.Context(), ExplainRequest{Method: "GET", Target: "/", KeyID: id, Reader: &reader})
		if KindOf(err) != NotFound {
			t.Fatal(err)
		}
		texts = append(texts, err.Error())
	}
	if texts[0] != texts[1] {
		t.Error(texts)
	}
}

// Of what is theirs a reader is told all the same.
func TestReadersAreToldOfTheirOwn(t *testing.T) {
	reader := "u"
	c := explained{key: key(Write, "u", false), facts: Facts{Projects: []ProjectRef{owned("u")}}}
	e, _ := c.explain(t, ExplainRequest{Method: "PATCH", Target: "/api/services/s", KeyID: "k", Reader: &reader})
	want := "service s is in project of-u; the key selects picked-of-, picked-of-u and picked-of-v"
	if got := e.Checks[CheckProject-1].Text; got != want || e.Decision.Detail != notCallers {
		t.Errorf("%q, %q; want %q", got, e.Decision.Detail, want)
	}
	c.facts.Projects = nil
	e, _ = c.explain(t, ExplainRequest{Method: "PATCH", Target: "/api/services/s", KeyID: "k", Reader: &reader})
	want = "there is no service s that the key reaches"
	if got := e.Checks[CheckProject-1].Text; got != want || len(e.Remedies) != 1 ||
		e.Remedies[0] != "check the id s: it may be mistyped, not yours, or too new to be known here" {
		t.Errorf("%q, %q; want %q", got, e.Remedies, want)
	}
}
