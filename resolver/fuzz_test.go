// SPDX-License-Identifier: Apache-2.0

package resolver_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"aeroplane.run/authz/resolver"
)

// needSeeds fails a fuzz target whose seeds are not where the tool looks for them.
func needSeeds(f *testing.F) {
	f.Helper()
	seeds, err := os.ReadDir(filepath.Join("testdata", "fuzz", f.Name()))
	if err != nil || len(seeds) == 0 {
		f.Fatalf("no seeds: %v", err)
	}
}

// The gate accepts what the slow gate accepts, and gives the same path; and to whatever it accepts the same row applies,
// with the same id. What is offered in place of a target that it refuses, it accepts.
func FuzzGate(f *testing.F) {
	needSeeds(f)
	for _, targets := range refused {
		for _, target := range targets {
			f.Add(target)
		}
	}
	tables := []*resolver.Table{resolver.Default(), parse(f, byDefault+"GET /{a}/{b}/C any -\n* /api/d/{e}/F any -")}
	f.Fuzz(func(t *testing.T, target string) {
		for _, table := range tables {
			want, ok := naiveGate(table.Routes(), target)
			path, err := table.Gate(target)
			if path != want || (err == nil) != ok {
				t.Errorf("Gate(%q) = %q, %v; the slow one says %q, %v", target, path, err, want, ok)
			}
			if respelled, ok := table.Respell(target); ok {
				if path, err := table.Gate(respelled); err != nil || path != respelled {
					t.Errorf("Respell(%q) = %q, which is refused: %q, %v", target, respelled, path, err)
				}
			}
			for i, method := range fuzzMethods[:5] {
				if err != nil {
					break
				}
				row := table.Routes()[naiveMatch(table.Routes(), method, path)]
				got := table.Match(resolver.GET+resolver.Method(i), path)
				if id := naiveID(row, path); *got.Route != row || got.ID != id {
					t.Errorf("%s %q: line %d, id %q; want line %d, id %q", method, path, got.Route.Line, got.ID, row.Line, id)
				}
			}
		}
	})
}

// The tables and paths of FuzzMatch are made of few segments, so that rows meet.
var (
	fuzzMethods  = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "*"}
	fuzzSegments = []string{"api", "a", "A", "{x}", "**"}
)

// fuzzTable makes the text of a table from any bytes: one gives a row its method and length, and others its segments.
func fuzzTable(data []byte) (text string, rows []resolver.Route) {
	rows = append(rows, resolver.Route{Method: "*", Pattern: "/**", Who: resolver.Session})
	for len(data) > 0 && len(rows) < 12 {
		head := int(data[0])
		data = data[1:]
		length := min(1+head/len(fuzzMethods)%3, len(data))
		var pattern strings.Builder
		for i, b := range data[:length] {
			s := fuzzSegments[int(b)%len(fuzzSegments)]
			if s == "{x}" {
				s = fmt.Sprintf("{x%d}", i)
			}
			pattern.WriteString("/" + s)
			if s == "**" {
				break
			}
		}
		data = data[length:]
		if length > 0 {
			method := fuzzMethods[head%len(fuzzMethods)]
			rows = append(rows, resolver.Route{Method: method, Pattern: pattern.String(), Who: resolver.Any})
		}
	}
	var b strings.Builder
	for i := range rows {
		rows[i].Line = i + 1
		b.WriteString(rows[i].String() + "\n")
	}
	return b.String(), rows
}

// fuzzPaths are all paths of up to 4 segments of api, a, A, and one that no pattern spells. That is deep enough for
// every row of up to 3 segments to show whether it can match, ** and all.
var fuzzPaths = func() (paths []string) {
	paths = []string{"/"}
	longer := []string{""}
	for range 4 {
		var next []string
		for _, path := range longer {
			for _, s := range []string{"api", "a", "A", "zz"} {
				next = append(next, path+"/"+s)
				paths = append(paths, path+"/"+s, path+"/"+s+"/")
			}
		}
		longer = next
	}
	return paths
}()

// A table is refused if, and only if, two rows tie or some row applies to no path at all, by trying them all; and if it
// is accepted, the row that applies is the one which a scan finds that compares specificity as it is defined.
func FuzzMatch(f *testing.F) {
	needSeeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		text, rows := fuzzTable(data)
		table, err := resolver.Parse(strings.NewReader(text), "fuzz")

		names := strings.NewReplacer("x0", "", "x1", "", "x2", "")
		patterns := map[string]bool{}
		for _, row := range rows {
			patterns[row.Method+names.Replace(row.Pattern)] = true
		}
		applies := make([]bool, len(rows))
		for _, path := range fuzzPaths {
			if _, ok := naiveGate(rows, path); !ok {
				continue
			}
			for i, method := range fuzzMethods[:5] {
				want := naiveMatch(rows, method, path)
				applies[want] = true
				if err != nil {
					continue
				}
				m := resolver.GET + resolver.Method(i)
				if got := table.Match(m, path); got.Route.Line != want+1 {
					t.Fatalf("%s %s: line %d, want %d\n%s", method, path, got.Route.Line, want+1, text)
				}
				if first := table.Explain(m, path)[0]; !first.Applies || first.Route.Line != want+1 {
					t.Fatalf("%s %s: explained with %+v, want line %d\n%s", method, path, first, want+1, text)
				}
			}
		}
		good := len(patterns) == len(rows) && !slices.Contains(applies, false)
		if good != (err == nil) {
			t.Errorf("%swhich rows apply: %v; the table is good: %v; Parse: %v", text, applies, good, err)
		}
	})
}

// A table that parses prints as one that parses to the same.
func FuzzParse(f *testing.F) {
	needSeeds(f)
	text, err := os.ReadFile("routes.tsv")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Fuzz(func(t *testing.T, text string) {
		table, err := resolver.Parse(strings.NewReader(text), "fuzz")
		if err != nil {
			for problem := range strings.SplitSeq(err.Error(), "\n") {
				if !strings.HasPrefix(problem, "fuzz:") {
					t.Errorf("a problem without its place: %q", problem)
				}
			}
			return
		}
		var printed strings.Builder
		for _, row := range table.Routes() {
			fmt.Fprintln(&printed, row)
		}
		again, err := resolver.Parse(strings.NewReader(printed.String()), "printed")
		if err != nil {
			t.Fatalf("%v\nfor what was printed:\n%s", err, printed.String())
		}
		diff := cmp.Diff(table.Routes(), again.Routes(), cmpopts.IgnoreFields(resolver.Route{}, "Line"))
		if diff != "" {
			t.Errorf("printing changed the table (-before +after):\n%s", diff)
		}
	})
}
