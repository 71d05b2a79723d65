// SPDX-License-Identifier: Apache-2.0

package aeroplane_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/aeroplane"
	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
)

// text writes a Reading in lines, of which a test lists those it wants.
func text(r *aeroplane.Reading) (lines []string) {
	add := func(format string, args ...any) {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf(format, args...)))
	}
	for _, p := range r.Projects {
		add("project %s of %q, slug %s, name %q", p.ID, p.OwnerID, p.Slug, p.Name)
	}
	for _, s := range r.Services {
		add("service %s in %s", s.ID, s.ProjectID)
	}
	for _, d := range r.Deployments {
		add("deployment %s of %s", d.ID, d.ServiceID)
	}
	for _, s := range r.Sessions {
		add("session %c of %q, %v, until %s", s.Digest[0], s.UserID, s.Role, s.ExpiresAt.Format(time.RFC3339Nano))
	}
	for _, k := range r.Keys {
		scope := "all"
		if !k.Projects.All {
			scope = fmt.Sprint(k.Projects.IDs)
		} else if k.Projects.IDs != nil {
			scope = "all, and still some"
		}
		add("key %s %c of %q, %v, %s, name %q, prefix %q%s%s%s%s", k.ID, k.Digest[0], k.UserID, k.Access, scope, k.Name, k.Prefix,
			when(", created ", k.CreatedAt), when(", until ", k.ExpiresAt), when(", revoked ", k.RevokedAt), when(", used ", k.LastUsedAt))
	}
	for _, id := range r.DoubtfulKeys {
		add("doubtful key %s", id)
	}
	for _, f := range r.Refused {
		add("refused: %s %s %s", f.Kind, f.ID, f.Why)
	}
	for _, f := range r.Notes {
		add("note: %s %s %s", f.Kind, f.ID, f.Why)
	}
	return lines
}

// when writes a time; the usual one of a key's creation is not written.
func when(word string, t time.Time) string {
	if t.IsZero() || t.Equal(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) {
		return ""
	}
	return word + t.Format(time.RFC3339Nano)
}

// hash is one that begins with a letter, by which text knows it.
func hash(letter byte) string {
	return base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat(string(letter), 32)))
}

// A rule is what is made of some rows.
type rule struct {
	name string
	sql  string // {A} stands for a hash
	want []string
}

// empty empties the tables.
const empty = `DELETE FROM api_key_project_scopes; DELETE FROM api_keys; DELETE FROM auth_sessions; DELETE FROM deployments;
	DELETE FROM projects; DELETE FROM project_groups; DELETE FROM users; `

// loose makes tables that take anything: no column has a type, and nothing is unique.
const loose = `PRAGMA foreign_keys = 0; DROP TABLE api_key_project_scopes; DROP TABLE api_keys; DROP TABLE auth_sessions; DROP TABLE deployments;
	DROP TABLE projects; DROP TABLE project_groups; DROP TABLE users;
	CREATE TABLE users (id, name, email, role); CREATE TABLE project_groups (id, owner_user_id, name, slug);
	CREATE TABLE projects (id, project_group_id, name, slug); CREATE TABLE deployments (id, project_id);
	CREATE TABLE auth_sessions (id, user_id, token_hash, expires_at);
	CREATE TABLE api_keys (id, name, token_hash, token_prefix, access_level, project_scope, created_by_user_id, created_at,
		updated_at, last_used_at, expires_at, revoked_at);
	CREATE TABLE api_key_project_scopes (api_key_id, project_id); `

func hashes(sql string) string {
	for letter := byte('A'); letter <= 'Z'; letter++ {
		sql = strings.ReplaceAll(sql, "{"+string(letter)+"}", hash(letter))
	}
	return sql
}

// obey checks rules, on tables that take anything.
func obey(t *testing.T, rules []rule) {
	t.Helper()
	a := aeroplanetest.Start(t)
	a.Exec(loose)
	for _, r := range rules {
		a.Exec(empty + hashes(r.sql))
		reading := read(t, a.Path)
		got := text(reading)
		if diff := cmp.Diff(r.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", r.name, diff)
		}
		said := fmt.Sprint(reading.Refused, reading.Notes)
		for letter := byte('A'); letter <= 'Z'; letter++ {
			if strings.Contains(said, hash(letter)[:20]) {
				t.Errorf("%s: a hash is in a finding", r.name)
			}
		}
		if reading.Sessions == nil || reading.Keys == nil {
			t.Errorf("%s: it says nothing of sessions or keys", r.name)
		}
	}
}

func TestCatalogRules(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 128)
	obey(t, []rule{
		{"nothing", "", nil},
		{"what is usual", `INSERT INTO users VALUES ('ada', 'Ada', 'a@example.org', 'owner');
			INSERT INTO project_groups VALUES ('b', 'ada', 'Beta', 'beta'), ('a', NULL, 'Alpha', 'alpha'), ('B', '', '', 'x');
			INSERT INTO projects VALUES ('s2', 'b', '', ''), ('s1', 'gone', '', '');
			INSERT INTO deployments VALUES ('d1', 's1'), ('d10', 's9'), ('D2', 's1')`, []string{
			`project B of "", slug x, name ""`, `project a of "", slug alpha, name "Alpha"`, `project b of "ada", slug beta, name "Beta"`,
			`service s1 in gone`, `service s2 in b`, `deployment D2 of s1`, `deployment d1 of s1`, `deployment d10 of s9`}},
		{"an owner who is no user", `INSERT INTO project_groups VALUES ('a', 'bob', '', 'x')`, []string{`project a of "bob", slug x, name ""`}},
		{"ids of projects", `INSERT INTO project_groups VALUES ('.', NULL, '', 'x'), ('..', NULL, '', 'x'), ('a/b', NULL, '', 'x'), (NULL, NULL, '', 'x'),
			(7, NULL, '', 'x'), (1.5, NULL, '', 'x'), (x'61', NULL, '', 'x'), ('', NULL, '', 'x'), ('` + long + `x', NULL, '', 'x'),
			('a' || char(0), NULL, '', 'x'), ('é', NULL, '', 'x'), ('` + long + `', NULL, '', 'y')`, []string{
			`project ` + long + ` of "", slug y, name ""`,
			`refused: project . its id has characters or a length that it must not have`,
			`refused: project .. its id has characters or a length that it must not have`,
			`refused: project a/b its id has characters or a length that it must not have`,
			`refused: project (NULL) its id is NULL, not text`,
			`refused: project 7 its id is a number, not text`,
			`refused: project 1.5 its id is a number, not text`,
			`refused: project (BLOB) its id is a BLOB, not text`,
			`refused: project  its id has characters or a length that it must not have`,
			`refused: project ` + long[:64] + ` its id has characters or a length that it must not have`,
			"refused: project a\uFFFD its id has characters or a length that it must not have",
			`refused: project é its id has characters or a length that it must not have`}},
		{"owners", `INSERT INTO project_groups VALUES ('a', 'x,y', '', 'x'), ('b', 7, '', 'x'), ('c', x'61', '', 'x'), ('d', 'a b', '', 'x')`, []string{
			`refused: project a the id of its owner cannot be that of a user`, `refused: project b the id of its owner cannot be that of a user`,
			`refused: project c the id of its owner cannot be that of a user`, `refused: project d the id of its owner cannot be that of a user`}},
		{"slugs that no path can name", `INSERT INTO project_groups VALUES ('a', NULL, '', '..'), ('b', NULL, '', 'x/y'), ('c', NULL, '', NULL), ('d', NULL, '', 5),
			('e', NULL, '', ''), ('` + long + `', NULL, '', ' ')`, []string{
			`project a of "", slug ~a, name ""`, `project b of "", slug ~b, name ""`, `project c of "", slug ~c, name ""`, `project d of "", slug ~d, name ""`,
			`project e of "", slug ~e, name ""`, `project ` + long + ` of "", slug ~` + long + `, name ""`,
			`note: project a its slug has characters or a length that it must not have: it can be reached by id only`,
			`note: project b its slug has characters or a length that it must not have: it can be reached by id only`,
			`note: project c its slug has characters or a length that it must not have: it can be reached by id only`,
			`note: project d its slug has characters or a length that it must not have: it can be reached by id only`,
			`note: project e its slug has characters or a length that it must not have: it can be reached by id only`,
			`note: project ` + long + ` its slug has characters or a length that it must not have: it can be reached by id only`}},
		{"slugs that clash", `INSERT INTO project_groups VALUES ('a', 'ada', '', 'x'), ('b', 'ada', '', 'x'), ('c', 'bob', '', 'x'), ('d', NULL, '', 'x'), ('e', '', '', 'x'),
			('f', NULL, '', 'X')`, []string{
			`project a of "ada", slug ~a, name ""`, `project b of "ada", slug ~b, name ""`, `project c of "bob", slug x, name ""`,
			`project d of "", slug ~d, name ""`, `project e of "", slug ~e, name ""`, `project f of "", slug X, name ""`,
			`note: project a another project of its owner has its slug: both can be reached by id only`,
			`note: project b another project of its owner has its slug: both can be reached by id only`,
			`note: project d another project of its owner has its slug: both can be reached by id only`,
			`note: project e another project of its owner has its slug: both can be reached by id only`}},
		{"what would stand in for a slug is taken", `INSERT INTO project_groups VALUES ('a', NULL, '', '/'), ('b', NULL, '', '~a'), ('c', 'ada', '', '~d'),
			('d', NULL, '', '/')`, []string{
			`project b of "", slug ~a, name ""`, `project c of "ada", slug ~d, name ""`, `project d of "", slug ~d, name ""`,
			`refused: project a its slug is of no use, and ~a, which would stand in for it, is another project's`,
			`note: project d its slug has characters or a length that it must not have: it can be reached by id only`}},
		{"names of projects", `INSERT INTO project_groups VALUES ('a', NULL, 'x' || char(10) || 'y', 'a'), ('b', NULL, printf('%.*c', 256, 'é'), 'b'),
			('c', NULL, x'00', 'c'), ('d', NULL, NULL, 'd'), ('e', NULL, 5, 'e'), ('f', NULL, CAST(x'61ff' AS TEXT), 'f')`, []string{
			"project a of \"\", slug a, name \"x\uFFFDy\"", `project b of "", slug b, name "` + strings.Repeat("é", 255) + `"`, `project c of "", slug c, name ""`,
			`project d of "", slug d, name ""`, `project e of "", slug e, name "5"`, "project f of \"\", slug f, name \"a\uFFFD\"",
			`note: project a its name has characters that do not print, or too many: it is changed`,
			`note: project b its name has characters that do not print, or too many: it is changed`,
			`note: project c its name has characters that do not print, or too many: it is changed`,
			`note: project e its name has characters that do not print, or too many: it is changed`,
			`note: project f its name has characters that do not print, or too many: it is changed`}},
		{"services and deployments", `INSERT INTO projects VALUES ('s', NULL, '', ''), ('t', 'a b', '', ''), (8, 'p', '', ''), ('/', 'p', '', '');
			INSERT INTO deployments VALUES ('d', 7), ('e', x'61'), (NULL, 's'), ('/', 's'), ('f', 's')`, []string{
			`deployment f of s`,
			`refused: service s the id of its project is NULL, not text`,
			`refused: service t the id of its project has characters or a length that it must not have`,
			`refused: service 8 its id is a number, not text`,
			`refused: service / its id has characters or a length that it must not have`,
			`refused: deployment d the id of its service is a number, not text`,
			`refused: deployment e the id of its service is a BLOB, not text`,
			`refused: deployment (NULL) its id is NULL, not text`,
			`refused: deployment / its id has characters or a length that it must not have`}},
		{"ids twice", `INSERT INTO project_groups VALUES ('a', NULL, '', 'a'), ('b', NULL, '', 'b'), ('a', NULL, '', 'c'), ('c', 'x,y', '', 'd'), ('c', 'x', '', 'd');
			INSERT INTO projects VALUES ('s', 'a', '', ''), ('s', 'b', '', ''), ('s', 'c', '', ''), ('t', 'b', '', ''), ('u', 'b', '', ''), ('u', NULL, '', '');
			INSERT INTO deployments VALUES ('d', 's'), ('e', 's'), ('d', 's')`, []string{
			`project b of "", slug b, name ""`, `service t in b`, `deployment e of s`,
			`refused: project c the id of its owner cannot be that of a user`,
			`refused: project a shares its id with another row: nobody knows which is meant`,
			`refused: project c shares its id with another row: nobody knows which is meant`,
			`refused: service u the id of its project is NULL, not text`,
			`refused: service s shares its id with another row: nobody knows which is meant`,
			`refused: service u shares its id with another row: nobody knows which is meant`,
			`refused: deployment d shares its id with another row: nobody knows which is meant`}},
		{"users", `INSERT INTO users VALUES ('ada', '', '', 'owner'), ('bob', '', '', 'admin'), ('x,y', '', '', 'owner'), (5, '', '', 'user'), ('eve', '', '', 'user'),
			('eve', '', '', 'owner')`, []string{
			`refused: user x,y its id has characters or a length that it must not have`,
			`refused: user 5 its id is a number, not text`,
			`refused: user eve shares its id with another row: nobody knows which is meant`,
			`note: user bob its role is neither owner nor user, and counts as user`}},
	})
}

func TestSessionRules(t *testing.T) {
	t.Parallel()
	const two = `INSERT INTO users VALUES ('ada', '', '', 'owner'), ('bob', '', '', 'Owner'); `
	const noteBob = `note: user bob its role is neither owner nor user, and counts as user`
	obey(t, []rule{
		{"roles", two + `INSERT INTO auth_sessions VALUES ('1', 'bob', '{B}', '2027-01-01T00:00:00.000Z'), ('2', 'ada', '{A}=', '2027-01-01')`, []string{
			`session A of "ada", owner, until 2027-01-01T00:00:00Z`, `session B of "bob", user, until 2027-01-01T00:00:00Z`, noteBob}},
		{"the end", two + `INSERT INTO auth_sessions VALUES ('1', 'ada', '{A}', '2026-05-04T03:02:01Z'), ('2', 'ada', '{B}', '2026-05-04 03:02:01.000001'),
			('3', 'nobody', 5, '2020-01-01'), ('4', 'ada', '{C}', NULL), ('5', 'ada', '{D}', 'soon'), ('6', 'ada', '{E}', 1893456000)`, []string{
			`session B of "ada", owner, until 2026-05-04T03:02:01.000001Z`,
			`refused: session 4 it cannot be read when it ends: expires_at is no time`, `refused: session 5 it cannot be read when it ends: expires_at is no time`,
			`refused: session 6 it cannot be read when it ends: expires_at is no time`, noteBob}},
		{"whose", two + `INSERT INTO auth_sessions VALUES (1, 'eve', '{A}', '2027-01-01'), ('2', NULL, '{B}', '2027-01-01'), ('3', '', '{C}', '2027-01-01'),
			(NULL, 'ada', '{D}', '2027-01-01'), (x'00', 7, '{E}', '2027-01-01')`, []string{
			`session D of "ada", owner, until 2027-01-01T00:00:00Z`,
			`refused: session 1 its user no longer exists, or was refused`,
			`refused: session 2 is nobody's although there are users: end it, and log in anew`,
			`refused: session 3 its user no longer exists, or was refused`, `refused: session (BLOB) its user no longer exists, or was refused`, noteBob}},
		{"nobody's, although there is a user", `INSERT INTO users VALUES ('ada', '', '', 'owner'); INSERT INTO auth_sessions VALUES ('1', NULL, '{A}', '2027-01-01')`, []string{
			`refused: session 1 is nobody's although there are users: end it, and log in anew`}},
		{"where there is no user", `INSERT INTO auth_sessions VALUES ('1', NULL, '{A}', '2027-01-01'), ('2', 'ada', '{B}', '2027-01-01')`, []string{
			`session A of "", owner, until 2027-01-01T00:00:00Z`, `refused: session 2 its user no longer exists, or was refused`}},
		{"hashes", two + `INSERT INTO auth_sessions VALUES ('1', 'ada', NULL, '2027-01-01'), ('2', 'ada', 5, '2027-01-01'), ('3', 'ada', x'00', '2027-01-01'),
			('4', 'ada', 'abcd', '2027-01-01'), ('5', 'ada', '{A}{A}', '2027-01-01'), ('6', 'ada', substr('{A}', 1, 42) || '/', '2027-01-01'),
			('7', 'ada', substr('{A}', 1, 42) || char(10) || 'E', '2027-01-01'), ('8', 'ada', substr('{A}', 1, 42) || 'F', '2027-01-01'),
			('9', 'ada', '{A}==', '2027-01-01')`, []string{
			`refused: session 1 its hash is no SHA-256 in base64url`, `refused: session 2 its hash is no SHA-256 in base64url`,
			`refused: session 3 its hash is no SHA-256 in base64url`, `refused: session 4 its hash is no SHA-256 in base64url`,
			`refused: session 5 its hash is no SHA-256 in base64url`, `refused: session 6 its hash is no SHA-256 in base64url`,
			`refused: session 7 its hash is no SHA-256 in base64url`, `refused: session 8 its hash is no SHA-256 in base64url`,
			`refused: session 9 its hash is no SHA-256 in base64url`, noteBob}},
		{"twice", two + `INSERT INTO auth_sessions VALUES ('1', 'ada', '{A}', '2027-01-01'), ('2', 'bob', '{A}=', '2027-01-01'), ('3', 'ada', '{B}', '2027-01-01'),
			('3', 'ada', '{C}', '2027-01-01'), ('4', 'ada', '{D}', '2027-01-01'), ('5', 'ada', '{D}', '2020-01-01')`, []string{
			`refused: session 1 shares its hash with another row: nobody knows which is meant`,
			`refused: session 2 shares its hash with another row: nobody knows which is meant`,
			`refused: session 3 shares its id with another row: nobody knows which is meant`,
			`refused: session 3 shares its id with another row: nobody knows which is meant`,
			`refused: session 4 shares its hash with another row: nobody knows which is meant`, noteBob}},
		{"a user who is there twice", `INSERT INTO users VALUES ('eve', '', '', 'owner'), ('eve', '', '', 'owner');
			INSERT INTO auth_sessions VALUES ('1', 'eve', '{A}', '2027-01-01')`, []string{
			`refused: user eve shares its id with another row: nobody knows which is meant`, `refused: session 1 its user no longer exists, or was refused`}},
	})
}

// An Inventory is what the service can take over.
func TestWhatIsReadPasses(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.User("ada", "owner")
	a.Project("p", "ada", "web")
	a.Service("s", "p")
	a.Deployment("d", "s")
	token := a.Session("1", "ada", now.Add(time.Hour))
	id, key := a.Key(aeroplanetest.Key{User: "ada", Access: "write", Selected: true, Projects: []string{"p", "gone"}, Expires: now.Add(time.Hour)})
	r := read(t, a.Path)
	if len(r.Refused)+len(r.Notes)+len(r.DoubtfulKeys) > 0 {
		t.Error(text(r))
	}
	want := authz.Inventory{WithSessions: true, WithKeys: true,
		Projects: []authz.Project{{ID: "p", Slug: "web", Name: "Project web", OwnerID: "ada"}},
		Services: []authz.Service{{ID: "s", ProjectID: "p"}}, Deployments: []authz.Deployment{{ID: "d", ServiceID: "s"}},
		Sessions: []authz.Session{{Digest: authz.Digest(digest(token)), UserID: "ada", Role: authz.UserRoleOwner, ExpiresAt: now.Add(time.Hour)}},
		Keys: []authz.ForeignKey{{Digest: authz.Digest(digest(key)), Key: authz.Key{ID: id, Name: "Key " + id, Prefix: key[:11], UserID: "ada", Access: authz.Write,
			Projects: authz.ProjectScope{IDs: []string{"p"}}, CreatedAt: r.Keys[0].CreatedAt, ExpiresAt: now.Add(time.Hour)}}},
	}
	if diff := cmp.Diff(want, r.Inventory, cmp.Comparer(func(a, b []string) bool { return fmt.Sprint(a) == fmt.Sprint(b) })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
