// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

//go:embed decisions.jsonl
var decisions []byte

// wanted is the answer owed, in the words of the HTTP response.
type wanted struct {
	Allow  bool   `json:"allow"`
	Status int32  `json:"status"`
	Error  string `json:"error"`
}

// A decision is a line of the corpus: a request, and the answer that it is owed.
type decision struct {
	Method, Path  string
	Headers       [][2]string
	TargetProject *string `json:"target_project"`
	Want          wanted
	text          string
}

// corpus reads all of it.
func corpus(t *testing.T) (all []decision) {
	t.Helper()
	for line := range bytes.Lines(decisions) {
		d := decision{text: string(line)}
		if err := json.Unmarshal(line, &d); err != nil {
			t.Fatal(err)
		}
		all = append(all, d)
	}
	if len(all) < 2000 {
		t.Fatalf("a corpus of %d requests", len(all))
	}
	return all
}

// All of the corpus gets the answers that it is owed.
func TestDecisions(t *testing.T) {
	onEveryStore(t, func(t *testing.T, f *fixture) {
		f.populate()
		for i, d := range corpus(t) {
			answer := f.ask(d.Method, d.Path, d.Headers, d.TargetProject)
			got := wanted{answer.Allowed, answer.Denial.GetHttpStatus(), answer.Denial.GetMessage()}
			if diff := cmp.Diff(d.Want, got); diff != "" {
				t.Errorf("line %d: %s\n(-want +got):\n%s", i+1, d.text, diff)
			}
			if (answer.Grant != nil) != answer.Allowed || (answer.Denial != nil) == answer.Allowed {
				t.Errorf("line %d: a grant goes with an allow, and a denial with a denial: %v", i+1, answer)
			}
		}
		f.gateway.agreesEmbedded(f.embed())
	})
}
