// SPDX-License-Identifier: Apache-2.0

package sqlite_test

import (
	"bytes"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pressly/goose/v3"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/internal/sqlite"
	"aeroplane.run/authz/internal/storetest"
	"aeroplane.run/authz/resolver"
	"aeroplane.run/authz/server/servertest"
)

func TestMain(m *testing.M) {
	if task := os.Getenv(taskVariable); task != "" {
		os.Exit(work(task, os.Getenv(dirVariable)))
	}
	os.Exit(m.Run())
}

// A directory is a database of the contract suite.
type directory string

func (d directory) Open(t testing.TB) authz.Store {
	t.Helper()
	return open(t, string(d))
}

func (directory) Shared() bool { return false }

func TestContract(t *testing.T) {
	if testing.Short() {
		t.Skip("the same runs behind caches")
	}
	storetest.Run(t, func(t *testing.T) storetest.Database { return directory(t.TempDir()) })
}

// behind is a directory whose stores are behind caches.
type behind struct{ directory }

func (b behind) Open(t testing.TB) authz.Store {
	return servertest.Fenced(t, b.directory.Open(t).(servertest.Database), nil)
}

func TestContractBehindCaches(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Database { return behind{directory(t.TempDir())} })
}

func TestFilesArePrivate(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "new", "data")
	s := open(t, dir)
	defer s.Close()
	create(t, s, "key")
	for path, want := range map[string]os.FileMode{
		dir: 0o700, dir + "/authz.db": 0o600, dir + "/authz.db-wal": 0o600, dir + "/authz.lock": 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", path, got, want)
		}
	}
}

func TestACopiedDatabaseIsMadePrivate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	closed(t, open(t, dir))
	path := filepath.Join(dir, "authz.db")
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	closed(t, open(t, dir))
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
}

func TestOddDirectoryNames(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a b?c=d#e%20f;g&h")
	s := open(t, dir)
	create(t, s, "key")
	closed(t, s)
	if _, err := os.Stat(filepath.Join(dir, "authz.db")); err != nil {
		t.Error(err)
	}
}

func TestSettingsAreVerified(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ settings, complaint string }{
		{"_synchronous=FULL&_foreign_keys=1&_pragma=locking_mode(EXCLUSIVE)", "journal_mode"},
		{"_journal_mode=WAL&_synchronous=FULL&_foreign_keys=1", "locking_mode"},
		{"_journal_mode=WAL&_synchronous=NORMAL&_foreign_keys=1&_pragma=locking_mode(EXCLUSIVE)", "synchronous"},
		{"_journal_mode=WAL&_synchronous=FULL&_pragma=locking_mode(EXCLUSIVE)", "foreign_keys"},
	} {
		db := raw(t, t.TempDir(), test.settings)
		err := sqlite.Verify(t.Context(), db)
		if authz.KindOf(err) != authz.FailedPrecondition || !strings.Contains(err.Error(), test.complaint) {
			t.Errorf("%s: %v", test.settings, err)
		}
	}
}

func TestSQLiteLocksOthersOutToo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	defer s.Close()
	if _, err := raw(t, dir, "").Exec("SELECT * FROM keys"); err == nil {
		t.Error("somebody who ignores the lock file got in")
	}
	create(t, s, "key")
}

func TestADirectoryIsOpenOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	refused(t, dir, fmt.Sprintf("process %d", os.Getpid()))
	closed(t, s)
	closed(t, open(t, dir))
}

func TestWhatIsNoSoundDatabaseIsRefused(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func([]byte) []byte{
		"text":      func([]byte) []byte { return bytes.Repeat([]byte("no database\n"), 1000) },
		"truncated": func(db []byte) []byte { return db[:len(db)/2] },
		"a page": func(db []byte) []byte {
			return append(db[:len(db)-4096], bytes.Repeat([]byte{0xA5}, 4096)...)
		},
		"overwritten": func(db []byte) []byte {
			return append(db[:4096:4096], bytes.Repeat([]byte{0xA5}, len(db)-4096)...)
		},
	} {
		dir := t.TempDir()
		s := open(t, dir)
		for i := range 50 {
			create(t, s, fmt.Sprint("key", i))
		}
		closed(t, s)
		path := filepath.Join(dir, "authz.db")
		db, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, damage(db), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Migrate: true})
		if authz.KindOf(err) != authz.FailedPrecondition || !strings.Contains(err.Error(), "restore it from a backup") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A large database is checked if whoever had it did not close it, and then each time until it is sound.
func TestALargeDatabaseThatWasNotClosed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	closed(t, open(t, dir))
	path := filepath.Join(dir, "authz.db")
	db, err := sql.Open("sqlite", path)
	if err == nil {
		_, err = db.ExecContext(t.Context(), "CREATE TABLE padding AS SELECT zeroblob(33 << 20)")
		err = errors.Join(err, db.Close())
	}
	if err != nil {
		t.Fatal(err)
	}
	closed(t, open(t, dir))

	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.WriteAt(bytes.Repeat([]byte{0xA5}, 4096), info.Size()/2&^4095) // within the padding
	}
	if err := errors.Join(err, f.Close(), os.Chtimes(path, info.ModTime(), info.ModTime())); err != nil {
		t.Fatal(err)
	}
	closed(t, open(t, dir))
	lock := filepath.Join(dir, "authz.lock")
	for name, left := range map[string]func() error{
		"killed":   func() error { return os.WriteFile(lock, []byte("1234\n"), 0o600) },
		"replaced": func() error { return os.Chtimes(path, time.Time{}, time.Now()) },
		"copied":   func() error { return os.Remove(lock) },
	} {
		t.Log(name)
		if err := left(); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			complaint(t, sqlite.Config{Dir: dir, Migrate: true}, "restore it from a backup")
		}
	}
}

func TestADirectoryThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := sqlite.Open(t.Context(), sqlite.Config{Dir: file})
	if authz.KindOf(err) != authz.FailedPrecondition || !strings.Contains(err.Error(), file) {
		t.Error(err)
	}
}

func TestADirectoryThatEverybodyCanChange(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	complaint(t, sqlite.Config{Dir: dir, Migrate: true}, "everybody can change what is in "+dir)
}

// What lies behind a link is nothing of ours: it is neither made private nor written over.
func TestFilesThatAreLinks(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"authz.db", "authz.lock"} {
		dir, file := t.TempDir(), filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(file, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		complaint(t, sqlite.Config{Dir: dir, Migrate: true}, dir+" cannot be used", name)
		if info, err := os.Stat(file); err != nil || info.Mode() != 0o644 || info.Size() != 0 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
}

func TestSchemaVersions(t *testing.T) {
	t.Parallel()
	c := sqlite.Config{Dir: t.TempDir()}
	v, err := sqlite.Status(t.Context(), c)
	if err != nil || v.Have != 0 || v.Need < 1 {
		t.Fatalf("empty: %+v, %v", v, err)
	}
	complaint(t, c, "version 0", "run `aeroplane-authz migrate`")
	for range 2 {
		from, to, err := sqlite.Migrate(t.Context(), c)
		if err != nil || from != v.Have || to != v.Need {
			t.Fatalf("migrate: %d to %d, %v", from, to, err)
		}
		v.Have = v.Need
	}
	s, err := sqlite.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	closed(t, s)

	db := raw(t, c.Dir, "")
	if _, err := db.Exec("INSERT INTO schema_version (version_id, is_applied) VALUES (99, 1)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	complaint(t, c, "version 99", "upgrade aeroplane-authz")
	c.Migrate = true
	complaint(t, c, "version 99", "upgrade aeroplane-authz")
}

// A database of the first version, with data, is brought up to date where it is: what was there decides, and what changes from then
// on is in the history.
func TestUpgradeFromTheFirstVersion(t *testing.T) {
	t.Parallel()
	done := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	dir, minted, token := t.TempDir(), apikey.Mint(), authz.Digest(sha256.Sum256([]byte("cookie")))
	old := raw(t, dir, "")
	first, err := goose.NewProvider(goose.DialectSQLite3, old, os.DirFS("migrations"),
		goose.WithTableName("schema_version"), goose.WithDisableGlobalRegistry(true))
	done(first, err)
	done(first.UpTo(t.Context(), 1))
	done(old.Exec(`INSERT INTO projects VALUES ('p', 'x', 'X', 'ada'), ('q', 'x', '', 'bob');
		INSERT INTO keys VALUES ('key', $1, 'old', 'ap_key', 'ada', 2, 0, 1, 9e15, NULL); INSERT INTO key_projects VALUES ('key', 'p');
		INSERT INTO services VALUES ('s', 'p'); INSERT INTO deployments VALUES ('d', 's'); INSERT INTO key_use VALUES ('key', 2);
		INSERT INTO sessions VALUES ($2, 'ada', 2, 9e15, NULL);
		INSERT INTO audit_events VALUES (7, 1, 2, 'test', 'root', '', 'key.create', 'key', '{"name":"old"}')`, minted.Digest[:], token[:]))
	done(nil, old.Close())

	db := open(t, dir)
	s := servertest.Fenced(t, db, nil)
	defer s.Close()
	head, err := db.History().Head(t.Context())
	if err != nil || head.Seq != 1 {
		t.Errorf("the history begins at %v, %v", head, err)
	}
	key, err := s.Key(t.Context(), "key")
	done(key, err)
	events, err := s.Events(t.Context(), authz.EventFilter{}, authz.Page{Size: 10})
	done(events, err)
	wantKey := authz.Key{ID: "key", Name: "old", Prefix: "ap_key", UserID: "ada", Access: authz.Write,
		Projects: authz.ProjectScope{IDs: []string{"p"}}, CreatedAt: time.UnixMicro(1).UTC(), ExpiresAt: time.UnixMicro(9e15).UTC(),
		LastUsedAt: time.UnixMicro(2).UTC()}
	wantEvents := []authz.Event{{ID: 7, At: time.UnixMicro(1).UTC(), Action: authz.KeyCreate, SubjectID: "key",
		Actor: authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "test", UserID: "root"}, Details: map[string]string{"name": "old"}}}
	if diff := cmp.Diff(wantKey, key) + cmp.Diff(wantEvents, events); diff != "" {
		t.Errorf("what was there (-want +got):\n%s", diff)
	}

	a := authz.Authorizer{Routes: resolver.Default(), Facts: s, Used: func(*authz.KeyRecord, time.Time) {}}
	move := func(project string) func() {
		return func() { done(s.PutServices(t.Context(), admin, []authz.Service{{ID: "s", ProjectID: project}})) }
	}
	for _, c := range []struct {
		name         string
		change       func()
		rows         string
		key, session bool // is allowed
	}{
		{"nothing yet", func() {}, "[]", true, true},
		{"the service goes elsewhere", move("q"), "[service]", false, false},
		{"the service comes back", move("p"), "[service]", true, true},
		{"the session is revoked", func() { done(s.RevokeSession(t.Context(), admin, token)) }, "[session]", true, false},
		{"the key is revoked", func() { done(s.RevokeKey(t.Context(), admin, "key")) }, "[key]", false, false},
		{"the deployment goes", func() { done(s.DeleteDeployments(t.Context(), admin, []string{"d"})) }, "[deployment]", false, false},
		{"the project goes", func() { done(s.DeleteProjects(t.Context(), admin, []string{"p"})) }, "[key project slug slug user]", false, false},
	} {
		c.change()
		rows, err := db.History().Since(t.Context(), head.Seq, 10)
		done(rows, err)
		changed := []string{}
		for _, r := range rows[1:] {
			changed = append(changed, r.Subject.Kind.String())
		}
		head = rows[len(rows)-1].Revision
		if slices.Sort(changed); fmt.Sprint(changed) != c.rows {
			t.Errorf("%s: the history has %v, want %s", c.name, changed, c.rows)
		}
		for _, who := range []struct {
			credential authz.Credential
			want       bool
		}{{authz.KeyText(minted.Secret.Reveal()), c.key}, {authz.SessionToken("cookie"), c.session}} {
			d, err := a.Authorize(t.Context(), authz.Request{Method: "GET", Target: "/api/deployments/d/logs", Credential: who.credential})
			if err != nil || d.Allowed != who.want {
				t.Errorf("%s: %v, %v, want allowed %v", c.name, d, err, who.want)
			}
		}
	}
}

// complaint checks that a database is refused with words.
func complaint(t *testing.T, c sqlite.Config, words ...string) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), c)
	if err == nil {
		closed(t, s)
	}
	for _, word := range words {
		if authz.KindOf(err) != authz.FailedPrecondition || !strings.Contains(err.Error(), word) {
			t.Errorf("want FailedPrecondition with %q: %v", word, err)
		}
	}
}

// refused checks that a directory is refused because holder has it.
func refused(t *testing.T, dir, holder string) {
	t.Helper()
	complaint(t, sqlite.Config{Dir: dir, Migrate: true}, dir, "in use by "+holder, "stop it first")
}

func open(t testing.TB, dir string) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Dir: dir, Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closed(t testing.TB, s *sqlite.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// raw opens the database of a directory with the driver alone.
func raw(t *testing.T, dir, settings string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(dir, "authz.db")+"?"+settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// What every store's own tests begin with.
var admin, newKey, create = storetest.Admin, storetest.SimpleKey, storetest.Create

// To ask where the schema of a database is that is not there leaves nothing behind.
func TestStatusOfNothing(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "none")
	v, err := sqlite.Status(t.Context(), sqlite.Config{Dir: dir})
	if err != nil || v.Have != 0 || v.Need == 0 {
		t.Errorf("%+v, %v", v, err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is there: %v", err)
	}
	closed(t, open(t, dir))
	if w, err := sqlite.Status(t.Context(), sqlite.Config{Dir: dir}); err != nil || w.Have != v.Need || w.Need != v.Need {
		t.Errorf("%+v, %v, want %d", w, err, v.Need)
	}
}
