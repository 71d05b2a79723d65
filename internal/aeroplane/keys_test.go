// SPDX-License-Identifier: Apache-2.0

package aeroplane_test

import (
	"fmt"
	"strings"
	"testing"

	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
)

// insert adds a key with the columns that are named, and usual ones for the rest.
func insert(letter byte, columns ...string) string {
	row := map[string]string{"id": "'" + strings.ToLower(string(letter)) + "'", "name": "'CI'", "token_hash": "'{" + string(letter) + "}'",
		"token_prefix": "'ap_aB3-_zzz'", "access_level": "'read'", "project_scope": "'all'", "created_by_user_id": "NULL", "created_at": "'2026-01-01T00:00:00.000Z'",
		"expires_at": "NULL", "revoked_at": "NULL", "last_used_at": "NULL"}
	for i := 0; i < len(columns); i += 2 {
		row[columns[i]] = columns[i+1]
	}
	return fmt.Sprintf(`INSERT INTO api_keys (id, name, token_hash, token_prefix, access_level, project_scope, created_by_user_id, created_at,
		expires_at, revoked_at, last_used_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s); `, row["id"], row["name"], row["token_hash"],
		row["token_prefix"], row["access_level"], row["project_scope"], row["created_by_user_id"], row["created_at"], row["expires_at"], row["revoked_at"],
		row["last_used_at"])
}

func TestKeyRules(t *testing.T) {
	t.Parallel()
	const (
		one  = `INSERT INTO users VALUES ('ada', '', '', 'owner'); `
		two  = `INSERT INTO users VALUES ('ada', '', '', 'owner'), ('bob', '', '', 'user'); `
		some = `INSERT INTO project_groups VALUES ('p', NULL, '', 'p'), ('q', NULL, '', 'q'), ('/', NULL, '', 'r'); `
	)
	const usual = `, all, name "CI", prefix "ap_aB3-_zzz"`
	projects := []string{`project p of "", slug p, name ""`, `project q of "", slug q, name ""`}
	odd := `refused: project / its id has characters or a length that it must not have`
	whole := "ap_aB3-_zzz_" + strings.Repeat("S", 43)
	obey(t, []rule{
		{"access", insert('B', "access_level", "'write'") + insert('A') + insert('C', "access_level", "'Write'") + insert('D', "access_level", "NULL") +
			insert('E', "access_level", "x'77'"), []string{
			`key a A of "", read` + usual, `key b B of "", write` + usual, `key c C of "", read` + usual, `key d D of "", read` + usual, `key e E of "", read` + usual,
			`note: key c its access level is neither read nor write, and counts as read`, `note: key d its access level is neither read nor write, and counts as read`,
			`note: key e its access level is neither read nor write, and counts as read`}},
		{"scope", some + insert('A') + insert('B', "project_scope", "'selected'") + insert('C', "project_scope", "'selected'") +
			insert('D', "project_scope", "'ALL'") + insert('E', "project_scope", "NULL") +
			`INSERT INTO api_key_project_scopes VALUES ('a', 'p'), ('b', 'q'), ('b', 'p'), ('b', 'q'), ('b', 'gone'), ('c', 'gone'), ('c', '/'), ('c', 7), (5, 'p'), (NULL, 'p')`,
			append(projects, `key a A of "", read`+usual, `key b B of "", read, [p q], name "CI", prefix "ap_aB3-_zzz"`,
				`key c C of "", read, [], name "CI", prefix "ap_aB3-_zzz"`, `key d D of "", read, [], name "CI", prefix "ap_aB3-_zzz"`,
				`key e E of "", read, [], name "CI", prefix "ap_aB3-_zzz"`, odd,
				`note: key d its scope is neither all nor selected, and counts as selected`, `note: key e its scope is neither all nor selected, and counts as selected`)},
		{"nobody's key, and no user", insert('A') + insert('B', "created_by_user_id", "''") + insert('C', "created_by_user_id", "'ada'"), []string{
			`key a A of "", read` + usual, `key b B of "", read` + usual, `doubtful key c`, `refused: key c its user no longer exists, or was refused`}},
		{"nobody's key, and one user", one + insert('A') + insert('B', "created_by_user_id", "'ada'"), []string{
			`key a A of "", read` + usual, `key b B of "ada", read` + usual}},
		{"nobody's key, and two users", two + insert('A') + insert('B', "created_by_user_id", "'bob'") + insert('C', "created_by_user_id", "'eve'") +
			insert('D', "created_by_user_id", "7") + insert('E', "created_by_user_id", "''"), []string{
			`key b B of "bob", read` + usual, `doubtful key a`, `doubtful key c`, `doubtful key d`, `doubtful key e`,
			`refused: key a acts for no user although there are several: it would reach everybody's projects; create it anew in Aeroplane`,
			`refused: key c its user no longer exists, or was refused`, `refused: key d its user no longer exists, or was refused`,
			`refused: key e acts for no user although there are several: it would reach everybody's projects; create it anew in Aeroplane`}},
		{"nobody's key, and users that were refused", `INSERT INTO users VALUES ('x,y', '', '', 'owner'), (5, '', '', 'owner'); ` + insert('A'), []string{
			`doubtful key a`, `refused: user x,y its id has characters or a length that it must not have`, `refused: user 5 its id is a number, not text`,
			`refused: key a acts for no user although there are several: it would reach everybody's projects; create it anew in Aeroplane`}},
		{"ids", insert('A', "id", "'.'") + insert('B', "id", "7") + insert('C', "id", "NULL") + insert('D', "id", "'a/b'"), []string{
			`refused: key . its id has characters or a length that it must not have`, `refused: key 7 its id is a number, not text`,
			`refused: key (NULL) its id is NULL, not text`, `refused: key a/b its id has characters or a length that it must not have`}},
		{"an id that is a key", insert('A', "id", "'"+whole+" '"), []string{
			`refused: key ap_aB3-_zzz[redacted]  its id has characters or a length that it must not have`}},
		{"hashes", insert('A', "token_hash", "7") + insert('B', "token_hash", "'{B}='") + insert('C', "token_hash", "NULL") + insert('D', "token_hash", "'{D}' || '{D}'"), []string{
			`key b B of "", read` + usual, `doubtful key a`, `doubtful key c`, `doubtful key d`,
			`refused: key a its hash is no SHA-256 in base64url`, `refused: key c its hash is no SHA-256 in base64url`, `refused: key d its hash is no SHA-256 in base64url`}},
		{"twice", insert('A') + insert('B', "token_hash", "'{A}'") + insert('C') + insert('D', "id", "'c'") + insert('E', "token_hash", "'{F}'", "expires_at", "'x'") +
			insert('F') + insert('G') + insert('H', "id", "'g'", "token_hash", "5"), []string{
			`doubtful key a`, `doubtful key b`, `doubtful key c`, `doubtful key e`, `doubtful key f`, `doubtful key g`,
			`refused: key a shares its hash with another row: nobody knows which is meant`, `refused: key b shares its hash with another row: nobody knows which is meant`,
			`refused: key c shares its id with another row: nobody knows which is meant`, `refused: key c shares its id with another row: nobody knows which is meant`,
			`refused: key e it cannot be read when it expires: expires_at is no time`,
			`refused: key f shares its hash with another row: nobody knows which is meant`,
			`refused: key g shares its id with another row: nobody knows which is meant`, `refused: key g its hash is no SHA-256 in base64url`}},
		{"times", insert('A', "expires_at", "'2020-01-01T00:00:00+02:00'", "revoked_at", "'2020-01-02 03:04:05.678'", "last_used_at", "'2020-01-03'", "created_at", "'2019-01-01'") +
			insert('B', "created_at", "NULL") + insert('C', "created_at", "5") + insert('D', "expires_at", "''") + insert('E', "expires_at", "0") +
			insert('F', "revoked_at", "'no'") + insert('G', "last_used_at", "'no'") + insert('H', "expires_at", "'0001-01-01T00:00:00Z'"), []string{
			`key a A of "", read` + usual + `, created 2019-01-01T00:00:00Z, until 2019-12-31T22:00:00Z, revoked 2020-01-02T03:04:05.678Z, used 2020-01-03T00:00:00Z`,
			`key g G of "", read` + usual, `doubtful key b`, `doubtful key c`, `doubtful key d`, `doubtful key e`, `doubtful key f`, `doubtful key h`,
			`refused: key b it cannot be read when it was created: created_at is no time`, `refused: key c it cannot be read when it was created: created_at is no time`,
			`refused: key d it cannot be read when it expires: expires_at is no time`, `refused: key e it cannot be read when it expires: expires_at is no time`,
			`refused: key f it cannot be read when it was revoked: revoked_at is no time`, `refused: key h it cannot be read when it expires: expires_at is no time`,
			`note: key g it cannot be read when it was last used, and counts as never used`}},
		{"names", insert('A', "name", "''") + insert('B', "name", "NULL", "token_prefix", "NULL") + insert('C', "name", "char(8238) || 'x'") +
			insert('D', "name", "printf('%.*c', 81, 'n')") + insert('E', "name", "'"+whole+"'", "token_prefix", "'"+whole+"'") +
			insert('F', "token_prefix", "printf('%.*c', 33, 'n')") + insert('G', "token_prefix", "x'00'"), []string{
			`key a A of "", read, all, name "ap_aB3-_zzz", prefix "ap_aB3-_zzz"`, `key b B of "", read, all, name "ap_?", prefix "ap_?"`,
			"key c C of \"\", read, all, name \"\uFFFDx\", prefix \"ap_aB3-_zzz\"", `key d D of "", read, all, name "` + strings.Repeat("n", 80) + `", prefix "ap_aB3-_zzz"`,
			`key e E of "", read, all, name "ap_aB3-_zzz[redacted]", prefix "ap_aB3-_zzz[redacted]"`,
			`key f F of "", read, all, name "CI", prefix "` + strings.Repeat("n", 32) + `"`, `key g G of "", read, all, name "CI", prefix "ap_?"`,
			`note: key b its prefix is not of Aeroplane's form`, `note: key c its name has characters that do not print, or too many: it is changed`,
			`note: key d its name has characters that do not print, or too many: it is changed`, `note: key e its prefix is not of Aeroplane's form`,
			`note: key e its name has characters that do not print, or too many: it is changed`,
			`note: key f its prefix is not of Aeroplane's form`, `note: key g its prefix is not of Aeroplane's form`}},
	})
}

// What the driver would make a time of is read as the text that it is.
func TestColumnsThatAreDeclaredAsTimes(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Exec(strings.ReplaceAll(strings.ReplaceAll(loose, "expires_at", "expires_at DATETIME"), "created_at", "created_at TIMESTAMP"))
	a.Exec(hashes(insert('A', "expires_at", "'2027-01-01 00:00:00'", "created_at", "'2026-01-01T00:00:00Z'") + insert('B', "expires_at", "'2027-01-01 00:00'")))
	got := strings.Join(text(read(t, a.Path)), "\n")
	if !strings.Contains(got, `key a A of "", read, all, name "CI", prefix "ap_aB3-_zzz", until 2027-01-01T00:00:00Z`) ||
		!strings.Contains(got, "refused: key b it cannot be read when it expires") {
		t.Error(got)
	}
}

// A key that selects more projects than a key may is refused, and not cut short.
func TestAKeyWithManyProjects(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.User("ada", "owner")
	a.Fill(1001, 0, 0, 0)
	for _, id := range []string{"thousand", "more"} {
		a.Key(aeroplanetest.Key{ID: id, User: "ada", Selected: true})
		a.Exec("INSERT INTO api_key_project_scopes SELECT $1, id FROM project_groups ORDER BY id LIMIT $2", id, map[string]int{"thousand": 1000, "more": 1001}[id])
	}
	r := read(t, a.Path)
	if len(r.Keys) != 1 || r.Keys[0].ID != "thousand" || len(r.Keys[0].Projects.IDs) != 1000 || len(r.DoubtfulKeys) != 1 {
		t.Errorf("%d keys, %v", len(r.Keys), r.DoubtfulKeys)
	}
	if len(r.Refused) != 1 || r.Refused[0].ID != "more" || r.Refused[0].Why != "selects more than 1000 projects" {
		t.Error(r.Refused)
	}
}
