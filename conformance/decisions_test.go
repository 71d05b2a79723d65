// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bufio"
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

// All of the corpus gets the answers that it is owed.
func TestDecisions(t *testing.T) {
	onEveryStore(t, func(t *testing.T, f *fixture) {
		f.populate()
		asked := 0
		lines := bufio.NewScanner(bytes.NewReader(decisions))
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			var c struct {
				Method, Path  string
				Headers       [][2]string
				TargetProject *string `json:"target_project"`
				Want          wanted
			}
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				t.Fatal(err)
			}
			asked++
			answer := f.ask(c.Method, c.Path, c.Headers, c.TargetProject)
			got := wanted{answer.Allowed, answer.Denial.GetHttpStatus(), answer.Denial.GetMessage()}
			if diff := cmp.Diff(c.Want, got); diff != "" {
				t.Errorf("line %d: %s\n(-want +got):\n%s", asked, lines.Text(), diff)
			}
			if (answer.Grant != nil) != answer.Allowed || (answer.Denial != nil) == answer.Allowed {
				t.Errorf("line %d: a grant goes with an allow, and a denial with a denial: %v", asked, answer)
			}
		}
		if err := lines.Err(); err != nil || asked < 2000 {
			t.Errorf("asked %d requests: %v", asked, err)
		}
		f.gateway.agreesEmbedded(f.embed())
	})
}
