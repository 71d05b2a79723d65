// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/server"
	"aeroplane.run/authz/server/servertest"
)

// usual is the body of a key for all projects, with members in place of its own: of two of one name the last counts.
func usual(members string) string {
	return `{"name":"k","accessLevel":"read","projectScope":"all","projectIds":[],"expiresInDays":7` + members + `}`
}

// Bad input is refused in Aeroplane's words, and what is good to JavaScript is good here.
func TestDashboardInput(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	s.putProjects(t, "ada", "p1", "p2")
	s.putProjects(t, "bob", "b1")
	s.putProjects(t, "", "nobodys")
	ada := s.browseAsUser(t, "ada")
	const (
		none     = "Invalid input: expected string, received undefined"
		required = "API key name is required"
		long     = "API key name must be 80 characters or fewer"
		access   = `Invalid option: expected one of "read"|"write"`
		scope    = `Invalid option: expected one of "all"|"selected"`
		blank    = "Too small: expected string to have >=1 characters"
		expiry   = "Invalid input"
		choose   = "Choose at least one project for a selected-project key"
		gone     = "One or more selected projects no longer exist"
	)
	received := func(expected, got string) string { return "Invalid input: expected " + expected + ", received " + got }
	selected := `,"projectScope":"selected","projectIds":`
	many := func(n int) string { return `["p1"` + strings.Repeat(`,"p1"`, n-1) + `]` }
	var different []string
	for i := range 1001 {
		different = append(different, fmt.Sprintf(`"p%d"`, i))
	}
	for _, c := range []struct {
		body, text string // the refusal; empty: it is created
	}{
		{" ", none}, {"{", none}, {"name=k", none}, {usual("") + "x", none}, {usual("") + usual(""), none}, {"{}", none}, {`{"Name":"k"}`, none}, {`{'name':'k'}`, none},
		{"[", none}, {`{"name":"k",}`, none}, {"\xff", none}, {"NaN", none}, {"undefined", none}, {"01", none}, {`{"name":"` + "\n" + `"}`, none},
		{strings.Repeat("[", 20000) + strings.Repeat("]", 20000), none},
		{"null", received("object", "null")}, {" [] ", received("object", "array")}, {`"k"`, received("object", "string")},
		{"1", received("object", "number")}, {"1e999", received("object", "number")}, {"true", received("object", "boolean")},
		{`["` + usual("") + `"]`, none}, {"[{}]", received("object", "array")},

		{usual(`,"name":1`), received("string", "number")}, {usual(`,"name":null`), received("string", "null")}, {usual(`,"name":[]`), received("string", "array")},
		{usual(`,"name":{}`), received("string", "object")}, {usual(`,"name":false`), received("string", "boolean")}, {usual(`,"name":1e999`), received("string", "number")},
		{usual(`,"name":""`), required}, {usual(`,"name":" \t\r\n\u000b\u000c\u00a0\ufeff\u2003\u3000\u2028"`), required},
		{usual(`,"name":"` + strings.Repeat("a", 80) + `"`), ""}, {usual(`,"name":"  ` + strings.Repeat("a", 80) + `  "`), ""}, {usual(`,"name":"` + strings.Repeat("a", 81) + `"`), long},
		{usual(`,"name":"` + strings.Repeat("é", 80) + `"`), ""}, {usual(`,"name":"` + strings.Repeat("é", 81) + `"`), long},
		{usual(`,"name":"` + strings.Repeat("😀", 40) + `"`), ""}, {usual(`,"name":"` + strings.Repeat("😀", 41) + `"`), long},
		{usual(`,"name":"\ud800 \xff"`), none}, {usual(`,"name":"\ud800 ` + "\xff" + `"`), ""},
		{usual(`,"name":"a\u0000b"`), "API key name must be 1 to 80 characters that print, none of them for control or format"},
		{usual(`,"name":"\u0085"`), "API key name must be 1 to 80 characters that print, none of them for control or format"},

		{usual(`,"accessLevel":"READ"`), access}, {usual(`,"accessLevel":" read"`), access}, {usual(`,"accessLevel":null`), access}, {usual(`,"accessLevel":1`), access},
		{usual(`,"accessLevel":["read"]`), access}, {usual(`,"accessLevel":{}`), access}, {`{"name":"k"}`, access}, {usual(`,"accessLevel":"write"`), ""},
		{usual(`,"projectScope":"ALL"`), scope}, {usual(`,"projectScope":null`), scope}, {usual(`,"projectScope":true`), scope}, {usual(`,"projectScope":["all"]`), scope},
		{`{"name":"k","accessLevel":"read"}`, scope},

		{usual(`,"projectIds":null`), received("array", "null")}, {usual(`,"projectIds":"p1"`), received("array", "string")}, {usual(`,"projectIds":{}`), received("array", "object")},
		{usual(`,"projectIds":0`), received("array", "number")}, {usual(`,"projectIds":false`), received("array", "boolean")},
		{usual(`,"projectIds":[1]`), received("string", "number")}, {usual(`,"projectIds":["p1",null]`), received("string", "null")}, {usual(`,"projectIds":[["p1"]]`), received("string", "array")},
		{usual(`,"projectIds":[""]`), blank}, {usual(`,"projectIds":["p1"," \ufeff"]`), blank}, {usual(`,"projectIds":["",1]`), blank}, {usual(`,"projectIds":[1,""]`), received("string", "number")},
		{usual(`,"projectIds":["whatever"]`), ""}, // which is dropped

		{usual(`,"expiresInDays":"7"`), expiry}, {usual(`,"expiresInDays":8`), expiry}, {usual(`,"expiresInDays":0`), expiry}, {usual(`,"expiresInDays":-7`), expiry},
		{usual(`,"expiresInDays":7.5`), expiry}, {usual(`,"expiresInDays":[]`), expiry}, {usual(`,"expiresInDays":true`), expiry}, {usual(`,"expiresInDays":1e999`), expiry},
		{`{"name":"k","accessLevel":"read","projectScope":"all"}`, expiry},
		{usual(`,"expiresInDays":7.0`), ""}, {usual(`,"expiresInDays":7e0`), ""}, {usual(`,"expiresInDays":0.3E+2`), ""}, {usual(`,"expiresInDays":90`), ""}, {usual(`,"expiresInDays":null`), ""},
		{usual(`,"expiresInDays":7.00000000000000000001`), ""},

		{usual(selected + `[]`), choose}, {`{"name":"k","accessLevel":"read","projectScope":"selected","expiresInDays":7}`, choose},
		{usual(selected + `["p1"]`), ""}, {usual(selected + `[" p1\t","p1","p2"]`), ""}, {usual(selected + many(2000)), ""},
		{usual(selected + `["none"]`), gone}, {usual(selected + `["p1","slug-p1"]`), gone}, {usual(selected + `["b1"]`), gone}, {usual(selected + `["nobodys"]`), gone},
		{usual(selected + `["P1"]`), gone}, {usual(selected + `["a/b"]`), gone}, {usual(selected + `["p1,p2"]`), gone}, {usual(selected + `["` + strings.Repeat("p", 129) + `"]`), gone},
		{usual(selected + `["\u0000"]`), gone}, {usual(selected + `[` + strings.Join(different, ",") + `]`), "Choose at most 1000 projects for a selected-project key"},

		{usual(`,"other":{"a":[1,{}]},"__proto__":{"name":1},"userId":"bob","requestId":"x"`), ""}, {"\ufeff" + usual(""), ""}, {"\r\n\t " + usual("") + " \n", ""},
		{usual(`,"name":1,"name":"the last one"`), ""}, {usual(`,"NAME":1`), ""}, {`{"n\u0061me":"k",` + usual("")[1:], ""},

		// The order of the rules, and not that of the members.
		{`{"expiresInDays":1,"projectIds":1,"projectScope":1,"accessLevel":1,"name":""}`, required},
		{`{"expiresInDays":1,"projectIds":1,"projectScope":1,"accessLevel":1,"name":"k"}`, access},
		{`{"expiresInDays":1,"projectIds":1,"projectScope":1,"accessLevel":"read","name":"k"}`, scope},
		{`{"expiresInDays":1,"projectIds":1,"projectScope":"all","accessLevel":"read","name":"k"}`, received("array", "number")},
		{`{"expiresInDays":1,"projectIds":[],"projectScope":"selected","accessLevel":"read","name":"k"}`, expiry},
		{`{"expiresInDays":1,"projectIds":["none"],"projectScope":"selected","accessLevel":"read","name":"k"}`, expiry},
	} {
		status, answer := ada.call("POST", apiKeys, c.body)
		if c.text == "" {
			if status != 201 {
				t.Errorf("%.200s: %d %s", c.body, status, answer)
			}
			continue
		}
		var refusal struct{ Error string }
		if err := json.Unmarshal([]byte(answer), &refusal); err != nil || status != 400 || refusal.Error != c.text {
			t.Errorf("%.200s: %d %s\nwant %s", c.body, status, apikey.Redact(answer), c.text)
		}
	}
	if r, answer := ada.send("POST "+apiKeys+" HTTP/1.1\r\nHost: aeroplane.test\r\nSec-Fetch-Site: same-origin\r\nContent-Type: application/json\r\n"+
		"Content-Length: 0\r\nCookie: aeroplane_session="+ada.session+"\r\n", ""); r.StatusCode != 400 || answer != `{"error":"`+none+`"}` {
		t.Errorf("no body: %d %s", r.StatusCode, answer)
	}
}

// Whatever a body holds, it is refused in words of the table, or asks for what the rules know.
func FuzzDashboardInput(f *testing.F) {
	for _, members := range []string{"", `,"name":1`, `,"projectScope":"selected","projectIds":[" p ","p"]`, `,"expiresInDays":9e1`, `,"name":"\ud800"`, `,"name":"é "`} {
		f.Add([]byte(usual(members)))
	}
	f.Add([]byte("null"))
	f.Add([]byte("[{}]x"))
	words := []string{"API key name is required", "API key name must be 80 characters or fewer", `Invalid option: expected one of "read"|"write"`,
		`Invalid option: expected one of "all"|"selected"`, "Too small: expected string to have >=1 characters", "Invalid input",
		"Choose at least one project for a selected-project key"}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := server.ParseKeyRequest(body)
		if err != nil {
			expected, received, ok := strings.Cut(strings.TrimPrefix(err.Error(), "Invalid input: expected "), ", received ")
			if !slices.Contains(words, err.Error()) && (!ok || !slices.Contains([]string{"object", "string", "array"}, expected) ||
				!slices.Contains([]string{"undefined", "null", "boolean", "number", "string", "array", "object"}, received) || expected == received) {
				t.Errorf("%q", err)
			}
			return
		}
		if !json.Valid([]byte(strings.TrimPrefix(string(body), "\ufeff"))) {
			t.Error("it is no JSON")
		}
		if n := len(utf16.Encode([]rune(r.Name))); n < 1 || n > 80 {
			t.Errorf("a name of %d", n)
		}
		// What was understood, written plainly, is understood again.
		scope, days := "selected", "null"
		if r.Projects.All {
			scope = "all"
		}
		if !r.Forever {
			days = fmt.Sprint(r.Life.Hours() / 24)
		}
		plain, err := json.Marshal(map[string]any{"name": r.Name, "accessLevel": r.Access.String(), "projectScope": scope,
			"projectIds": append([]string{}, r.Projects.IDs...), "expiresInDays": json.RawMessage(days)})
		if err != nil {
			t.Fatal(err)
		}
		again, err := server.ParseKeyRequest(plain)
		if err != nil || again.Name != r.Name || again.Access != r.Access || again.Life != r.Life || again.Forever != r.Forever ||
			again.Projects.All != r.Projects.All || !slices.Equal(again.Projects.IDs, r.Projects.IDs) {
			t.Errorf("%+v became %+v: %v", r, again, err)
		}
		if r.Projects.All == (len(r.Projects.IDs) > 0) || r.Forever == (r.Life > 0) {
			t.Errorf("%+v contradicts itself", r)
		}
	})
}
