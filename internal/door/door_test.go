// SPDX-License-Identifier: Apache-2.0

package door

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRefusal(t *testing.T) {
	for _, c := range []struct {
		refusal Refusal
		body    string
		headers map[string]string
	}{
		{Refusal{403, "This API key is read-only"}, `{"error":"This API key is read-only"}`,
			map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "Www-Authenticate": ""}},
		{Refusal{503, `a "name" \ another`}, `{"error":"a \"name\" \\ another"}`, nil},
		{Refusal{401, "Authentication required"}, `{"error":"Authentication required"}`,
			map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "Www-Authenticate": "Bearer"}},
	} {
		w := httptest.NewRecorder()
		if err := c.refusal.Write(w); err != nil {
			t.Fatal(err)
		}
		if w.Code != c.refusal.Status || w.Body.String() != c.body {
			t.Errorf("%v: %d %s", c.refusal, w.Code, w.Body)
		}
		if again := `{"error":"` + c.refusal.JSONText() + `"}`; again != c.body {
			t.Errorf("%v: written anew it is %s", c.refusal, again)
		}
		for name, want := range c.headers {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%v: %s is %q, want %q", c.refusal, name, got, want)
			}
		}
	}
}

// Every header is always set, and what cannot be told is no identity at all.
func TestIdentity(t *testing.T) {
	longest := strings.Split(strings.Repeat("a,", MaxProjects/2)+"b", ",") // 8,193 bytes, one too many
	for _, c := range []struct {
		name     string
		identity Identity
		want     string // the values, separated by blanks; or else
		err      string // a part of the error
	}{
		{"nobody", Identity{}, "- - - - - - - -", ""},
		{"a key", Identity{Caller: "key", Key: "k", User: "u", Access: "read", Project: "p"}, "key k u - read p - -", ""},
		{"a session", Identity{Caller: "session", User: "u", Role: "owner", Access: "write"}, "session - u owner write - - -", ""},
		{"sees all", Identity{Visible: &Visible{All: true}}, "- - - - - - * -", ""},
		{"sees none", Identity{Visible: &Visible{}}, "- - - - - - - -", ""},
		{"sees some", Identity{Visible: &Visible{IDs: []string{"a", "b.c"}}}, "- - - - - - a,b.c -", ""},
		{"as many as fit", Identity{Visible: &Visible{IDs: longest[1:]}}, "- - - - - - " + strings.Join(longest[1:], ",") + " -", ""},
		{"too many", Identity{Visible: &Visible{IDs: longest}}, "", "sees 4097 projects, too many for the header Aeroplane-Projects"},
		{"to be checked", Identity{TransferUnchecked: true}, "- - - - - - - unchecked", ""},
		{"an id that means none", Identity{Project: "-"}, "", "Aeroplane-Project "},
		{"an id that means all", Identity{Visible: &Visible{IDs: []string{"*"}}}, "", "Aeroplane-Projects"},
		{"an id that is a list", Identity{Visible: &Visible{IDs: []string{"a,b"}}}, "", "Aeroplane-Projects"},
		{"an empty id in a list", Identity{Visible: &Visible{IDs: []string{""}}}, "", "Aeroplane-Projects"},
		{"a user with a line break", Identity{User: "u\r\nAeroplane-Role: owner"}, "", "Aeroplane-User"},
		{"a user beyond ASCII", Identity{User: "ü"}, "", "Aeroplane-User"},
	} {
		values, err := c.identity.Values()
		switch {
		case c.err != "":
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, %v; want the error %q", c.name, values, err, c.err)
			}
		case err != nil || strings.Join(values[:], " ") != c.want:
			t.Errorf("%s: %v, %v; want %s", c.name, values, err, c.want)
		}
	}
}

func TestLookAlikes(t *testing.T) {
	if len(LookAlikes) != 2*len(Names) || !slices.Contains(LookAlikes, "aeroplane_user") || !slices.Contains(LookAlikes, "aeroplane.user") {
		t.Errorf("%q", LookAlikes)
	}
	for _, name := range Names {
		for _, other := range LookAlikes {
			if SameName(other, strings.ToLower(name)) {
				t.Errorf("%s is no look-alike of %s, but its name", other, name)
			}
		}
	}
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		name        string
		same, alias bool
	}{
		{"X-Api-Key", true, false}, {"x-api-key", true, false}, {"X_API_KEY", false, true}, {"x-api.key", false, true},
		{"x-api-keys", false, false}, {"x-api~key", false, true}, {"x!api#key", false, true}, {"", false, false}, {"x-api-\u212aey", false, false},
	} {
		if same, alias := SameName(c.name, "x-api-key"), Alias(c.name, "x-api-key"); same != c.same || alias != c.alias {
			t.Errorf("%q: same %v, alias %v", c.name, same, alias)
		}
	}
}

// Whatever two readers of a body could read in two ways names no project.
func TestTransferTarget(t *testing.T) {
	named := func(id string) *string { return &id }
	for body, want := range map[string]*string{
		`{"projectId":"p"}`: named("p"),
		` {"a":{"projectId":"q"},"targetProjectId":"p"} `: named("p"),
		`{"projectId":"p","projectId":"q"}`:               named(""),
		`{"projectId":"p","targetProjectId":"p"}`:         named(""),
		`{"projectId":"p","ProjectID":"p"}`:               named(""),
		`{"projectid":"p"}`:                               named(""),
		`{"projectId":["p"]}`:                             named(""),
		`{"projectId":null}`:                              named(""),
		`{"projectId":""}`:                                named(""),
		`{"project\u0049d":"p"}`:                          named("p"),
		``:                                                nil,
		`{}`:                                              nil,
		`{"id":"p"}`:                                      nil,
		`"projectId"`:                                     nil,
		`[{"projectId":"p"}]`:                             nil,
		`{"projectId":"p"`:                                nil,
		`{"projectId":"p"}{"projectId":"q"}`:              nil,
		`{"projectId":"p"} x`:                             nil,
		`projectId=p`:                                     nil,
		`{"projectId":"p","f":"` + strings.Repeat("x", MaxTransferBody) + `"}`: nil,
	} {
		if diff := cmp.Diff(want, TransferTarget([]byte(body))); diff != "" {
			t.Errorf("%.80s\n(-want +got):\n%s", body, diff)
		}
	}
}
