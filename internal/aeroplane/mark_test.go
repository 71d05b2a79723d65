// SPDX-License-Identifier: Apache-2.0

package aeroplane_test

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aeroplane.run/authz/internal/aeroplane"
	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
)

// bulk writes so much that it goes to the file before it is committed.
const bulk = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 500) INSERT INTO settings SELECT 'bulk' || i, printf('%.*c', 1000, 'x') FROM n"

// After a commit it never looks as it did before, nor as it ever did, whatever else went on.
func TestEachCommitIsSeen(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Log("seed", seed)
	a := aeroplanetest.Start(t)
	a.Project("p", "", "p")
	a.Service("s", "p")
	a.Exec("INSERT INTO settings VALUES ('a', 0)")
	commits := []func(i int){
		func(i int) { a.Exec("UPDATE settings SET value = $1 WHERE name = 'a'", i+1) }, // of one page
		func(i int) { a.Exec("UPDATE settings SET value = value || 'x' WHERE name = 'a'") },
		func(i int) { a.Deployment(fmt.Sprintf("d%d", i), "s") },
		func(int) { a.Key(aeroplanetest.Key{Selected: true, Projects: []string{"p"}}) },
		func(int) { a.Exec(bulk); a.Exec("DELETE FROM settings WHERE name LIKE 'bulk%'") },
		func(i int) { a.Exec(fmt.Sprintf("CREATE TABLE t%d (a)", i)) },
		func(int) { a.Exec("VACUUM") },
	}
	between := []func(){
		func() {}, func() {}, func() {}, func() {}, func() {}, func() {},
		func() { a.Checkpoint("PASSIVE") },
		func() { a.Checkpoint("RESTART") }, // after it the log begins anew, with the same sizes
		func() { a.Checkpoint("TRUNCATE") },
		func() { a.Exec("BEGIN IMMEDIATE"); a.Exec(bulk); a.Exec("ROLLBACK") },
		func() { a.Stop(); a.Restart() },
		func() { a.Crash(); a.Restart() },
		func() { read(t, a.Path) },
	}
	seen := []aeroplane.Mark{look(t, a.Path)}
	for i := range 120 {
		between[random.IntN(len(between))]()
		commits[random.IntN(len(commits))](i)
		m := look(t, a.Path)
		for j, before := range seen {
			if m.Like(before) || m.Same(before) || !m.SameFile(before) {
				t.Fatalf("after commit %d it looks as after commit %d", i, j)
			}
		}
		seen = append(seen, m)
	}
}

// The same where the times of the files are all there is: there what has just been written to is not taken for the same.
func TestEachCommitIsSeenWithoutALog(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Exec("PRAGMA journal_mode = DELETE; INSERT INTO settings VALUES ('a', 0)")
	before := look(t, a.Path)
	for i := range 300 {
		a.Exec("UPDATE settings SET value = $1", i+1)
		after := look(t, a.Path)
		if after.Same(before) {
			t.Fatal(i)
		}
		before = after
	}
}

func TestNothingIsWritten(t *testing.T) {
	t.Parallel()
	for name, state := range map[string]func(*aeroplanetest.Aeroplane){
		"at work":        func(*aeroplanetest.Aeroplane) {},
		"stopped":        (*aeroplanetest.Aeroplane).Stop,
		"crashed":        (*aeroplanetest.Aeroplane).Crash,
		"without a log":  func(a *aeroplanetest.Aeroplane) { a.Exec("PRAGMA journal_mode = DELETE") },
		"with a new log": func(a *aeroplanetest.Aeroplane) { a.Stop(); a.Restart() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := aeroplanetest.Start(t)
			a.Project("a", "", "a")
			state(a)
			m := settled(t, a.Path)
			for i := range 1000 {
				if i%100 == 0 {
					has(t, a.Path, "a")
					if name == "at work" { // and reads its own
						a.Exec("SELECT count(*) FROM users")
					}
				}
				stays(t, a.Path, m)
			}
		})
	}
}

// What is not committed is nothing new, though it is in the log already.
func TestWhatIsNotCommitted(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Project("a", "", "a")
	a.Exec("PRAGMA cache_size = 5; PRAGMA cache_spill = 1")
	m := settled(t, a.Path)
	for _, end := range []string{"ROLLBACK", "COMMIT"} {
		before := size(t, a.Path+"-wal")
		a.Exec("BEGIN IMMEDIATE")
		a.Exec("INSERT INTO project_groups (id, name, slug) VALUES ('b', 'b', 'b')")
		a.Exec(bulk)
		if now := size(t, a.Path+"-wal"); now < before+100_000 {
			t.Fatalf("the log has %d bytes, and had %d: this shows nothing", now, before)
		}
		stays(t, a.Path, m)
		has(t, a.Path, "a")
		a.Exec(end)
		if end == "ROLLBACK" {
			stays(t, a.Path, m)
			a.Exec(bulk + "; DELETE FROM settings") // what is in the log is written over
			m = changed(t, a.Path, m)
		}
	}
	changed(t, a.Path, m)
	has(t, a.Path, "a", "b")
}

func size(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}

// A log that begins anew is written over, and no longer than before.
func TestALogThatBeginsAnew(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Exec("INSERT INTO settings VALUES ('a', 0)")
	for i := range 5 {
		a.Checkpoint("RESTART")
		m, before := settled(t, a.Path), size(t, a.Path+"-wal")
		a.Exec("UPDATE settings SET value = $1", i+1)
		if now := size(t, a.Path+"-wal"); now != before {
			t.Fatalf("the log has %d bytes, and had %d: this shows nothing", now, before)
		}
		changed(t, a.Path, m)
	}
}

// While somebody writes all the time, a Look may fall into a commit. What is read between two that are the same is the same.
func TestALookDuringACommit(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Fill(2, 2, 2, 10)
	a.Exec("PRAGMA wal_autocheckpoint = 0")
	settled(t, a.Path)
	began := time.Now()
	read(t, a.Path)
	w := a.Write("fill-s-000001", max(4*time.Since(began), time.Millisecond)) // for some pairs of Reads to have no commit between them
	same, differ := 0, 0
	for end := time.Now().Add(20 * time.Second); (same < 30 || differ < 30) && time.Now().Before(end); {
		before := look(t, a.Path)
		first := strings.Join(text(read(t, a.Path)), "\n")
		second := strings.Join(text(read(t, a.Path)), "\n")
		switch after := look(t, a.Path); {
		case !after.Same(before):
			differ++
		case first != second:
			t.Fatal("something else was read, though it looks the same")
		default:
			same++
		}
	}
	if rounds := w.Stop(); same < 30 || differ < 30 {
		t.Errorf("%d rounds; the same %d times, and another %d times: this shows nothing", rounds, same, differ)
	}
}

// Aeroplane is stopped, or killed, and started again, and does nothing else. Its index may be another file then, or not.
func TestAeroplaneStartsAnew(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Project("a", "", "a")
	m := settled(t, a.Path)
	for _, end := range []func(){a.Stop, a.Crash, a.Stop, a.Stop} {
		end()
		m = changed(t, a.Path, m)
		a.Restart()
		m = changed(t, a.Path, m)
		a.Exec("INSERT INTO settings VALUES (NULL, 'b')")
		m = changed(t, a.Path, m)
		has(t, a.Path, "a")
	}
}

// Who has the database alone writes to its log, and not to the index that somebody left there.
func TestAnIndexThatNobodyUses(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Project("a", "", "a")
	a.Crash()
	m := settled(t, a.Path)
	index := contents(t, a.Dir)["deploy.db-shm"]
	db, err := sql.Open("sqlite", a.Path+"?_pragma=locking_mode(EXCLUSIVE)")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for i := range 2 {
		if _, err := db.ExecContext(t.Context(), "INSERT INTO settings VALUES ($1, 'b')", i); err != nil {
			t.Fatal(err)
		}
		m = changed(t, a.Path, m)
	}
	if contents(t, a.Dir)["deploy.db-shm"] != index {
		t.Error("the index was written to: this shows nothing")
	}
}

// A file that is put in the place of another is another file. One that is written over stays the same file, with something new in it,
// even if it has the time that it had there where it comes from.
func TestReplacedBetweenLooks(t *testing.T) {
	t.Parallel()
	copied := func(beside bool) func(a, backup string) error {
		return func(path, backup string) error {
			text, err := os.ReadFile(backup)
			info, err2 := os.Stat(backup)
			err = errors.Join(err, err2, os.WriteFile(path, text, 0o600), os.Chtimes(path, info.ModTime(), info.ModTime()))
			if beside {
				err = errors.Join(err, os.RemoveAll(path+"-wal"), os.RemoveAll(path+"-shm"))
			}
			return err
		}
	}
	for name, c := range map[string]struct {
		how  func(path, backup string) error
		same bool
	}{
		"replaced":    {func(path, backup string) error { return os.Rename(backup, path) }, false},
		"copied over": {copied(false), true},
		"copied over, and what was beside it removed": {copied(true), true},
	} {
		for when, state := range map[string]func(*aeroplanetest.Aeroplane){
			"at work": func(*aeroplanetest.Aeroplane) {}, "stopped": (*aeroplanetest.Aeroplane).Stop, "crashed": (*aeroplanetest.Aeroplane).Crash,
		} {
			t.Run(name+" "+when, func(t *testing.T) {
				t.Parallel()
				a := aeroplanetest.Start(t)
				a.Exec("INSERT INTO settings VALUES ('a', 'b')")
				a.Checkpoint("TRUNCATE")
				// A backup of the same size.
				text, err := os.ReadFile(a.Path)
				backup := filepath.Join(a.Dir, "backup")
				long := time.Now().Add(-time.Hour)
				err = errors.Join(err, os.WriteFile(backup, bytes.ReplaceAll(text, []byte("ab"), []byte("ac")), 0o600), os.Chtimes(backup, long, long))
				if err != nil {
					t.Fatal(err)
				}
				a.Exec("UPDATE settings SET value = 'c'")
				state(a)
				m := settled(t, a.Path)
				if err := c.how(a.Path, backup); err != nil {
					t.Fatal(err)
				}
				if now := look(t, a.Path); now.Same(m) || now.SameFile(m) != c.same {
					t.Errorf("same: %v, the same file: %v", now.Same(m), now.SameFile(m))
				}
			})
		}
	}
}

// What was written to a moment ago may be written to again in the same moment, as the file system has it.
func TestTimesThatSayNothing(t *testing.T) {
	t.Parallel()
	db := stopped(t).Path
	a := aeroplanetest.Start(t)
	a.Project("a", "", "a")
	a.Crash()
	settled(t, a.Path)
	second := time.Now().Truncate(time.Second)
	for _, c := range []struct {
		name string
		at   func() time.Time // which it was when it was written
		same bool
	}{
		{"a moment ago", func() time.Time { return time.Now().Add(-30 * time.Millisecond) }, false},
		{"by a clock that is a little ahead", func() time.Time { return time.Now().Add(50 * time.Millisecond) }, false},
		{"a while ago", func() time.Time { return time.Now().Add(-300 * time.Millisecond) }, true},
		{"by a clock that is far ahead", func() time.Time { return time.Now().Add(time.Hour) }, true},
		{"in this second, where there is nothing less", func() time.Time { return second }, false},
		{"in the last second", func() time.Time { return second.Add(-time.Second) }, false},
		{"in a second before", func() time.Time { return second.Add(-4 * time.Second) }, true},
	} {
		for path, file := range map[string]string{db: db, a.Path: a.Path + "-wal"} {
			at := c.at()
			before := written(t, path, file, at)
			if after := written(t, path, file, at); !after.Like(before) || after.Same(before) != c.same {
				t.Errorf("%s: alike %v, the same %v", c.name, after.Like(before), after.Same(before))
			}
		}
	}
	hour := time.Now().Add(-time.Hour)
	before := written(t, db, db, hour)
	rewrite(t, db, func(text []byte) []byte { return append(text, 0) })
	if err := os.Chtimes(db, hour, hour); err != nil || look(t, db).Same(before) {
		t.Error("it is longer, and taken for the same", err)
	}
	var none aeroplane.Mark
	if m := look(t, db); m.Same(none) || none.Same(m) || none.Same(none) || m.SameFile(none) || none.SameFile(none) {
		t.Error("it is the same as nothing")
	}
}

// written writes to a file, as far as its size and time tell, and looks at the database.
func written(t *testing.T, path, file string, at time.Time) aeroplane.Mark {
	t.Helper()
	rewrite(t, file, func(text []byte) []byte { text[len(text)-1]++; return text })
	if err := os.Chtimes(file, at, at); err != nil {
		t.Fatal(err)
	}
	return look(t, path)
}
