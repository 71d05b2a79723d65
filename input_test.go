// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fields returns the fields that err finds fault with.
func fields(t *testing.T, err error) []string {
	t.Helper()
	if err == nil {
		return nil
	}
	var e *Error
	if !errors.As(err, &e) || e.Kind != Invalid || len(e.Violations) == 0 {
		t.Fatalf("want an Invalid error with violations, got %v", err)
	}
	var fields []string
	for _, v := range e.Violations {
		if !strings.HasPrefix(v.Description, "must") {
			t.Errorf("%s: %q does not say what is allowed", v.Field, v.Description)
		}
		fields = append(fields, v.Field)
	}
	return fields
}

func TestKeyRequestRules(t *testing.T) {
	good := KeyRequest{Name: "ci", Access: Read, Projects: ProjectScope{All: true}, Life: time.Hour}
	with := func(change func(*KeyRequest)) KeyRequest {
		r := good
		change(&r)
		return r
	}
	ids := func(n int) []string {
		ids := make([]string, n)
		for i := range ids {
			ids[i] = fmt.Sprintf("p%d", i)
		}
		return ids
	}
	for _, tc := range []struct {
		name string
		r    KeyRequest
		want []string // fields at fault
	}{
		{"as it should be", good, nil},
		{"no name", with(func(r *KeyRequest) { r.Name = "" }), []string{"name"}},
		{"a blank name", with(func(r *KeyRequest) { r.Name = " \t\n" }), []string{"name"}},
		{"80 characters", with(func(r *KeyRequest) { r.Name = strings.Repeat("é", 80) }), nil},
		{"80 characters and blanks", with(func(r *KeyRequest) { r.Name = "  " + strings.Repeat("é", 80) + " " }), nil},
		{"81 characters", with(func(r *KeyRequest) { r.Name = strings.Repeat("a", 81) }), []string{"name"}},
		{"a control character", with(func(r *KeyRequest) { r.Name = "a\x00b" }), []string{"name"}},
		{"a letter with a joiner", with(func(r *KeyRequest) { r.Name = "نامه\u200cای" }), nil},
		{"right to left, by force", with(func(r *KeyRequest) { r.Name = "a\u202eb" }), []string{"name"}},
		{"a line separator", with(func(r *KeyRequest) { r.Name = "a\u2028b" }), []string{"name"}},
		{"nothing to see", with(func(r *KeyRequest) { r.Name = "a\ufeffb" }), []string{"name"}},
		{"a blank that does not break", with(func(r *KeyRequest) { r.Name = "a\u00a0b" }), []string{"name"}},
		{"a line break", with(func(r *KeyRequest) { r.Name = "a\nb" }), []string{"name"}},
		{"no UTF-8", with(func(r *KeyRequest) { r.Name = "a\xff" }), []string{"name"}},
		{"no access", with(func(r *KeyRequest) { r.Access = 0 }), []string{"access_level"}},
		{"odd access", with(func(r *KeyRequest) { r.Access = 3 }), []string{"access_level"}},
		{"no projects", with(func(r *KeyRequest) { r.Projects = ProjectScope{} }), []string{"projects"}},
		{"all and some", with(func(r *KeyRequest) { r.Projects.IDs = ids(1) }), []string{"projects"}},
		{"1000 projects", with(func(r *KeyRequest) { r.Projects = ProjectScope{IDs: ids(1000)} }), nil},
		{"1001 projects", with(func(r *KeyRequest) { r.Projects = ProjectScope{IDs: ids(1001)} }), []string{"projects"}},
		{"an odd project", with(func(r *KeyRequest) { r.Projects = ProjectScope{IDs: []string{"a", "b/c"}} }),
			[]string{"projects.project_ids[1]"}},
		{"a blank project", with(func(r *KeyRequest) { r.Projects = ProjectScope{IDs: []string{""}} }),
			[]string{"projects.project_ids[0]"}},
		{"no expiry", with(func(r *KeyRequest) { r.Life = 0 }), []string{"expires_in"}},
		{"never", with(func(r *KeyRequest) { r.Life, r.Forever = 0, true }), nil},
		{"both", with(func(r *KeyRequest) { r.Forever = true }), []string{"expires_in"}},
		{"a minute", with(func(r *KeyRequest) { r.Life = time.Minute }), nil},
		{"less than a minute", with(func(r *KeyRequest) { r.Life = time.Minute - 1 }), []string{"expires_in"}},
		{"backwards", with(func(r *KeyRequest) { r.Life = -time.Hour }), []string{"expires_in"}},
		{"ten years", with(func(r *KeyRequest) { r.Life = 3650 * 24 * time.Hour }), nil},
		{"more than ten years", with(func(r *KeyRequest) { r.Life = 3650*24*time.Hour + 1 }), []string{"expires_in"}},
		{"an odd user", with(func(r *KeyRequest) { r.UserID = "a b" }), []string{"user_id"}},
		{"a long user", with(func(r *KeyRequest) { r.UserID = strings.Repeat("a", 129) }), []string{"user_id"}},
		{"a user from elsewhere", with(func(r *KeyRequest) { r.UserID = "auth0|a@b.example" }), nil},
		{"a long request id", with(func(r *KeyRequest) { r.RequestID = strings.Repeat("a", 129) }), []string{"request_id"}},
		{"much at once", KeyRequest{}, []string{"name", "access_level", "projects", "expires_in"}},
	} {
		tc.r.Name = strings.TrimSpace(tc.r.Name)
		if diff := cmp.Diff(tc.want, fields(t, tc.r.check())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}

// Selected projects are sorted and without duplicates, and the caller's slice stays as it was. What was asked for with a
// request id is told from something else by it.
func TestSelectionIsSorted(t *testing.T) {
	given := []string{"b", "a", "b"}
	if got := sorted(given); !slices.Equal(got, []string{"a", "b"}) || !slices.Equal(given, []string{"b", "a", "b"}) {
		t.Errorf("%v, and the caller's became %v", got, given)
	}
	r := KeyRequest{Name: "ci", Projects: ProjectScope{IDs: sorted(given)}}
	same := KeyRequest{Name: "ci", Projects: ProjectScope{IDs: []string{"a", "b"}}}
	other := KeyRequest{Name: "ci", Projects: ProjectScope{IDs: []string{"a"}}}
	if r.fingerprint() != same.fingerprint() || r.fingerprint() == other.fingerprint() {
		t.Error("fingerprints do not tell what was asked for")
	}
}

// Fingerprints are stored, and a later version compares its own with them: they must not change.
func TestFingerprintStaysTheSame(t *testing.T) {
	r := KeyRequest{
		Name: "ci, é", UserID: "u", Access: Write, Projects: ProjectScope{IDs: []string{"a", "b"}},
		Life: 90 * 24 * time.Hour, RequestID: "not part of it",
	}
	const want = "b09c69833e3d2ab7afbbbf7d18304cecdaf80ace028b63977481d9cac9a58f19"
	if got := fmt.Sprintf("%x", r.fingerprint()); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestIDs(t *testing.T) {
	for id, ok := range map[string]bool{
		"a": true, "A-Z_0.9~": true, strings.Repeat("a", 128): true, "...": true, "0192f2c4-7a55-7cc1-9d8e-0a1b2c3d4e5f": true,
		"": false, ".": false, "..": false, strings.Repeat("a", 129): false, "a b": false, "a/b": false, "a%2F": false,
		"a,b": false, "é": false, "a\x00": false, "a\n": false, "*": false, "a:b": false,
	} {
		if ValidID(id) != ok {
			t.Errorf("ValidID(%q) = %t", id, !ok)
		}
	}
}

func TestBatchRules(t *testing.T) {
	c := &Catalog{Store: struct{ CatalogStore }{}, Now: time.Now} // no real store: nothing may get so far
	ctx := context.Background()
	many := make([]Service, 501)
	for i := range many {
		many[i] = Service{ID: fmt.Sprint(i), ProjectID: "p"}
	}
	for _, tc := range []struct {
		name string
		err  func() error
		want []string
	}{
		{"none", func() error { _, err := c.PutServices(ctx, Actor{}, "services[%d]", nil); return err }, []string{"services"}},
		{"501", func() error { _, err := c.PutServices(ctx, Actor{}, "services[%d]", many); return err }, []string{"services"}},
		{"one without a project", func() error {
			_, err := c.PutServices(ctx, Actor{}, "service", []Service{{ID: "s"}})
			return err
		}, []string{"service.project_id"}},
		{"second of two", func() error {
			_, err := c.PutServices(ctx, Actor{}, "services[%d]", []Service{{ID: "s", ProjectID: "p"}, {ID: "/", ProjectID: ""}})
			return err
		}, []string{"services[1].id", "services[1].project_id"}},
		{"twice", func() error {
			_, err := c.PutDeployments(ctx, Actor{}, "deployments[%d]", []Deployment{{ID: "d", ServiceID: "s"}, {ID: "d", ServiceID: "s"}})
			return err
		}, []string{"deployments[1].id"}},
		{"a project's texts", func() error {
			_, err := c.PutProjects(ctx, Actor{}, "project", []Project{{ID: "p", Slug: "", Name: "a\nb", OwnerID: "a,b"}})
			return err
		}, []string{"project.slug", "project.name", "project.owner_id"}},
		{"a slug with a second spelling", func() error {
			_, err := c.PutProjects(ctx, Actor{}, "project", []Project{{ID: "p", Slug: "my%20project"}})
			return err
		}, []string{"project.slug"}},
		{"delete one", func() error { _, err := c.DeleteProjects(ctx, Actor{}, "id", []string{""}); return err }, []string{"id"}},
		{"delete two", func() error { _, err := c.DeleteProjects(ctx, Actor{}, "ids[%d]", []string{"a", "b c"}); return err }, []string{"ids[1]"}},
		{"a batch of one", func() error {
			_, err := c.PutServices(ctx, Actor{}, "services[%d]", []Service{{ID: "s"}})
			return err
		}, []string{"services[0].project_id"}},
		{"a user to revoke", func() error { _, err := (&Issuer{}).RevokeOfUser(ctx, Actor{}, ""); return err }, []string{"user_id"}},
		{"a key to revoke", func() error { _, err := (&Issuer{}).Revoke(ctx, Actor{}, ""); return err }, []string{"id"}},
		{"a whole key to revoke", func() error { _, err := (&Issuer{}).Revoke(ctx, Actor{}, ownText); return err }, []string{"id"}},
		{"a whole key to show", func() error { _, err := (&Issuer{}).Get(ctx, importedText); return err }, []string{"id"}},
		{"a session", func() error { _, _, err := (&Sessions{}).Put(ctx, Actor{}, Session{UserID: "a b"}); return err },
			[]string{"session.user_id", "session.role", "session.expire_time"}},
		{"an action", func() error {
			_, _, err := (&Audit{}).List(ctx, EventFilter{Action: "key.eat"}, PageRequest{})
			return err
		}, []string{"action"}},
		{"a time that ends before it starts", func() error {
			_, _, err := (&Audit{}).List(ctx, EventFilter{Since: noon, Until: noon}, PageRequest{})
			return err
		}, []string{"end_time"}},
	} {
		if diff := cmp.Diff(tc.want, fields(t, tc.err())); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tc.name, diff)
		}
	}
}
