// SPDX-License-Identifier: Apache-2.0

package resolver_test

import (
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"aeroplane.run/authz/resolver"
)

// parse reads a table that is expected to be good.
func parse(t testing.TB, text string) *resolver.Table {
	t.Helper()
	table, err := resolver.Parse(strings.NewReader(text), "routes.tsv")
	if err != nil {
		t.Fatal(err)
	}
	return table
}

const byDefault = "* /** session -\n"

func TestParse(t *testing.T) {
	t.Parallel()
	got := parse(t, "# a comment\n\n \t\n  # another\r\nGET\t/a/{x}/b-1._~/{y_2}/**  \t any -\r\n*  /**\tsession\t-").Routes()
	want := []resolver.Route{
		{Line: 5, Method: "GET", Pattern: "/a/{x}/b-1._~/{y_2}/**", Who: resolver.Any},
		{Line: 6, Method: "*", Pattern: "/**", Who: resolver.Session},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("routes (-want +got):\n%s", diff)
	}
}

// Tables that a stricter reader might refuse, though each of their rows matches something.
func TestParseAccepts(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"a default of five rows":        "GET /** any -\nPOST /** any -\nPUT /** any -\nPATCH /** any -\nDELETE /** any -",
		"four of five methods named":    byDefault + "GET /a any -\nPOST /a any -\nPUT /a any -\nPATCH /a any -\n* /a any -",
		"** for a trailing slash":       byDefault + "* /a any -\n* /a/{x}/** any -\n* /a/** any -",
		"** below another api":          byDefault + "* /a/api any -\n* /a/api/{x}/** any -\n* /a/api/** any -",
		"** for nothing more":           byDefault + "* /api/a/{x}/** any -\n* /api/a/** any -",
		"** for longer paths":           byDefault + "* /api/a any -\n* /api/a/{x} any -\n* /api/a/** any -",
		"** for one method":             byDefault + "* /api/a any -\nGET /api/a/{x}/** any -\n* /api/a/** any -",
		"cases outside /api":            byDefault + "* /Docs any -\n* /docs any -\n* /{x}/Docs any -\n* /{x}/docs any -",
		"cases at different places":     byDefault + "* /api/a any -\n* /api/b/A any -\n* /api/B2/A any -\n* /A any -",
		"the last four named":           byDefault + "POST /a any -\nPUT /a any -\nPATCH /a any -\nDELETE /a any -\n* /a any -",
		"a literal like api":            byDefault + "* /API-docs any -\n* /apix any -\n* /x/API any -\n* /api/API any -",
		"one variable name in two rows": byDefault + "* /api/{x} any -\n* /api/{x}/{y} any -",
		"a pattern of 8192 bytes":       byDefault + "* /" + strings.Repeat("a", 8191) + " any -",
		"a scope on owner rows":         byDefault + "* /api/{projectId} owner project\n* /api/p owner project-create",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parse(t, text)
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		text string // after byDefault, so its first line is line 2
		want []string
	}{
		{"method", "get /a any -", []string{`2: the method is "get", not *, GET, POST, PUT, PATCH or DELETE`}},
		{"who", "GET /a all -", []string{`2: the who is "all", not public, browser, session, owner or any`}},
		{"scope", "GET /a any *", []string{
			`2: the scope is "*", not -, project-list, project-create, project, project-slug, service, deployment or service-transfer`}},
		{"strange blanks", "GET\u00a0/a any -", []string{`2: has 3 columns, not the 4 of a row`}},
		{"too few columns", "GET /a any", []string{`2: has 3 columns, not the 4 of a row: method, pattern, who, scope`}},
		{"comment behind a row", "GET /a any - # why", []string{`2: has 6 columns`}},
		{"all that is wrong in a row", "get a all of", []string{
			`2: the method is`, `2: the who is`, `2: the scope is`, `2: the pattern`}},

		{"no slash", "GET a/b any -", []string{`2: the pattern "a/b" does not begin with a slash`}},
		{"empty segment", "GET /a//b any -", []string{`2: segment 2 of the pattern is empty`}},
		{"trailing slash", "GET /a/ any -", []string{
			`2: segment 2 of the pattern is empty; use ** for what may end with a slash`}},
		{"root", "GET / any -", []string{`2: segment 1 of the pattern is empty`}},
		{"** in between", "GET /a/**/b any -", []string{
			`2: segment 2 of the pattern is **, which only the last segment may be`}},
		{"** within a segment", "GET /a/x** any -", []string{`2: segment 2 of the pattern is "x**"; a segment is ** or`}},
		{"* as a segment", "GET /a/* any -", []string{`2: segment 2 of the pattern is "*"; a segment is`}},
		{"part of a segment", "GET /a/{x}.json any -", []string{
			`2: segment 2 of the pattern is "{x}.json"; a segment is`}},
		{"no name", "GET /{} any -", []string{`2: segment 1 of the pattern is "{}"; a segment is`}},
		{"name with a digit first", "GET /{1x} any -", []string{`2: segment 1 of the pattern is "{1x}"`}},
		{"name with a dash", "GET /{a-b} any -", []string{`2: segment 1 of the pattern is "{a-b}"`}},
		{"lone brace", "GET /{ any -", []string{`2: segment 1 of the pattern is "{"`}},
		{"one name twice", "GET /{x}/a/{x} any -", []string{`2: segment 3 of the pattern is a second {x}`}},
		{"dot segment", "GET /a/.. any -", []string{`2: segment 2 of the pattern is "..", which the gate refuses`}},
		{"escape", "GET /a%20b any -", []string{`2: segment 1 of the pattern is "a%20b"; a segment is`}},
		{"two spellings", "GET /a:b any -", []string{`2: segment 1 of the pattern is "a:b"; a segment is`}},
		{"not ASCII", "GET /\u00fc any -", []string{`2: segment 1 of the pattern is "` + "\u00fc" + `"; a segment is`}},
		{"query", "GET /a?b any -", []string{`2: segment 1 of the pattern is "a?b"; a segment is`}},
		{"too long", "GET /" + strings.Repeat("a", 8192) + " any -", []string{
			`2: the pattern has 8193 bytes; the gate accepts paths of at most 8192`}},
		{"other api", "GET /Api/x any -", []string{
			`2: segment 1 of the pattern is "Api"; the gate accepts no other spelling than "api"`}},

		{"no project id", "GET /{projectID} any project", []string{
			`2: the scope is project, but the pattern has no {projectId}`}},
		{"no project slug", "GET /{projectId} any project-slug", []string{
			`2: the scope is project-slug, but the pattern has no {projectSlug}`}},
		{"no service id", "GET /x any service", []string{`2: the scope is service, but the pattern has no {serviceId}`}},
		{"no service id to transfer", "GET /x any service-transfer", []string{
			`2: the scope is service-transfer, but the pattern has no {serviceId}`}},
		{"no deployment id", "GET /deploymentId any deployment", []string{
			`2: the scope is deployment, but the pattern has no {deploymentId}`}},
		{"scope on public", "GET /{projectId} public project", []string{
			`2: the scope is project, which nobody looks at on a public row; write -`}},
		{"scope on browser", "GET /x browser project-list", []string{
			`2: the scope is project-list, which nobody looks at on a browser row; write -`}},

		{"tie", "GET /a/{x} any -\nGET /a/{y} owner -", []string{
			`3: ties with line 2: the method is the same, and so is the pattern`}},
		{"tie of *", "* /a/{x}/** any -\n* /a/{y}/** any -", []string{`3: ties with line 2`}},
		{"tie of defaults", "* /** any -", []string{`2: ties with line 1`}},

		{"HEAD", "HEAD /a any -", []string{`2: can never match: HEAD is judged as GET, so write GET`}},
		{"OPTIONS", "OPTIONS /a any -", []string{
			`2: can never match: OPTIONS is allowed everywhere, before rows are looked at`}},
		{"case of a literal", "GET /api/a/b any -\nGET /api/A/b any -", []string{
			`2: segment 2, "a", can never match: line 3 has "A" at this place`,
			`3: segment 2, "A", can never match: line 2 has "a" at this place, and under /api the gate refuses`}},
		{"case behind a variable", "GET /api/{x}/b any -\nGET /api/{y}/B any -", []string{
			`2: segment 3, "b", can never match: line 3 has "B" at this place`,
			`3: segment 3, "B", can never match: line 2 has "b" at this place`}},
		{"case beside a variable", "GET /api/{x}/B any -\nGET /api/a/b/c any -", []string{
			`3: segment 3, "b", can never match: line 2 has "B" at this place`}},
		{"case beside a variable for api", "GET /{x}/B any -\nGET /api/b any -", []string{
			`3: segment 2, "b", can never match: line 2 has "B" at this place`}},
		{"every method named", "* /a any -\nGET /a any -\nPOST /a any -\nPUT /a any -\nPATCH /a any -\nDELETE /a any -", []string{
			`2: can never match: lines 3, 4, 5, 6 and 7 are more specific, and leave nothing to it`}},
		{"every method named of **", "GET /** any -\nPOST /** any -\nPUT /** any -\nPATCH /** any -\nDELETE /** any -", []string{
			`1: can never match: lines 2, 3, 4, 5 and 6 are`}},
		{"** covered", "* /api/a any -\n* /api/a/{x}/** any -\n* /api/a/** any -", []string{
			`4: can never match: lines 2 and 3 are more specific, and leave nothing to it`}},
		{"** covered in steps", "GET /api/a/** any -\n* /api/a any -\nGET /api/a/{x} any -\n* /api/a/{y}/{z}/** any -", []string{
			`2: can never match: lines 3, 4 and 5 are`}},
		{"** covered method by method", "GET /api any -\n* /api any -\nGET /api/{x}/** any -\n* /api/{x}/** any -\n* /api/** any -", []string{
			`6: can never match: lines 2, 3, 4 and 5 are`}},

		{"everything, by line", "GET /a any\nGET /b any -\nHEAD /b any -\nGET /b owner -", []string{
			`2: has 3`, `4: can never`, `5: ties with line 3`}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			checkProblems(t, byDefault+test.text, test.want)
		})
	}
}

func TestParseRefusesTablesWithoutDefault(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                                  {"1: the table ends without a default for GET, POST, PUT, PATCH, DELETE: every method must"},
		"# nothing\n":                       {"1: the table ends without a default"},
		"* /api/** any -\n* /{x}/** any -":  {"2: the table ends without a default for GET, POST, PUT, PATCH, DELETE"},
		"GET /** any -\nDELETE /** any -\n": {"2: the table ends without a default for POST, PUT, PATCH: every method must"},
		"* /** sesion -":                    {`1: the who is "sesion"`}, // and no complaint that follows from it
	} {
		checkProblems(t, text, want)
	}
}

// checkProblems checks that a table is refused for exactly the problems that begin like want.
func checkProblems(t *testing.T, text string, want []string) {
	t.Helper()
	table, err := resolver.Parse(strings.NewReader(text), "my.tsv")
	if err == nil || table != nil {
		t.Fatalf("the table was accepted:\n%.400s", text)
	}
	got := strings.Split(err.Error(), "\n")
	for i, problem := range got {
		if i >= len(want) || !strings.HasPrefix(problem, "my.tsv:"+want[i]) {
			t.Errorf("problems:\n%s\nwant lines that begin, behind the name, with\n%s", err, strings.Join(want, "\n"))
			return
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d problems, want %d:\n%s", len(got), len(want), err)
	}
}

func TestParseBoundsTheFile(t *testing.T) {
	t.Parallel()
	fits := byDefault + strings.Repeat("#", 1<<20-len(byDefault))
	parse(t, fits)
	_, err := resolver.Parse(strings.NewReader(fits+"#"), "my.tsv")
	if err == nil || err.Error() != "my.tsv: the file is larger than the 1048576 bytes that are allowed" {
		t.Errorf("a file of a byte too many: %v", err)
	}
}

func TestParseSaysWhyItCouldNotRead(t *testing.T) {
	t.Parallel()
	cause := errors.New("no such luck")
	_, err := resolver.Parse(iotest.ErrReader(cause), "my.tsv")
	if !errors.Is(err, cause) || !strings.HasPrefix(err.Error(), "my.tsv: ") {
		t.Errorf("Parse of what cannot be read: %v", err)
	}
}
