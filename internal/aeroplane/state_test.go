// SPDX-License-Identifier: Apache-2.0

package aeroplane_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/aeroplane"
	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
)

func TestAeroplaneAtWork(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Project("a", "", "a")
	m := settled(t, a.Path)
	has(t, a.Path, "a")
	stays(t, a.Path, m)
	a.Project("b", "", "b")
	m2 := changed(t, a.Path, m)
	has(t, a.Path, "a", "b")
	stays(t, a.Path, m2)
	changed(t, a.Path, m) // whatever was read
	sound(t, a.Path)
}

// There is no lock between two Reads that a checkpoint would wait for, and what comes after it is seen.
func TestCheckpointsBetweenReads(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	var want []string
	m := settled(t, a.Path)
	for i, mode := range []string{"PASSIVE", "FULL", "RESTART", "TRUNCATE", "RESTART", "TRUNCATE", "FULL", "PASSIVE"} {
		id := string(rune('a' + i))
		want = append(want, id)
		a.Project(id, "", id)
		changed(t, a.Path, m)
		has(t, a.Path, want...)
		if !a.Checkpoint(mode) {
			t.Errorf("%s did not get through", mode)
		}
		m = settled(t, a.Path)
		has(t, a.Path, want...)
		stays(t, a.Path, m)
	}
	if log, err := os.Stat(a.Path + "-wal"); err != nil {
		t.Error(log, err)
	}
}

func TestAeroplaneStopped(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Project("a", "", "a")
	a.Stop()
	if got := names(t, a.Dir); got != "deploy.db" {
		t.Fatal(got)
	}
	untouched(t, a.Dir, func() {
		m := settled(t, a.Path)
		for range 2 {
			has(t, a.Path, "a")
			stays(t, a.Path, m)
		}
		sound(t, a.Path)
	})
}

func TestAeroplaneCrashed(t *testing.T) {
	t.Parallel()
	for name, left := range map[string]string{"with an index": "-shm", "without one": ""} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := aeroplanetest.Start(t)
			a.Project("a", "", "a")
			a.Checkpoint("TRUNCATE")
			a.Project("b", "", "b") // is in the log alone
			a.Crash()
			if left == "" {
				if err := os.Remove(a.Path + "-shm"); err != nil {
					t.Fatal(err)
				}
			}
			m := settled(t, a.Path)
			untouched(t, a.Dir, func() {
				for range 2 {
					has(t, a.Path, "a", "b")
					stays(t, a.Path, m)
				}
				sound(t, a.Path)
			})
			a.Restart()
			a.Project("c", "", "c")
			m = changed(t, a.Path, m)
			has(t, a.Path, "a", "b", "c")
			stays(t, a.Path, m)
			a.Crash()
			has(t, a.Path, "a", "b", "c")
		})
	}
}

// Aeroplane comes and goes. Though it is read and looked at, even in the moment in which it is stopped, it is the last to close its
// database each time, and leaves nothing beside it: a copy of the file has everything.
func TestAeroplaneComesAndGoes(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	end := make(chan struct{})
	var looker sync.WaitGroup
	defer looker.Wait()
	defer close(end)
	looker.Go(func() {
		for {
			select {
			case <-end:
				return
			default:
			}
			if _, err := aeroplane.Look(a.Path); err != nil {
				t.Error(err)
				return
			}
		}
	})
	var want []string
	m := settled(t, a.Path)
	for _, id := range []string{"a", "b", "c", "d", "e"} {
		a.Restart()
		has(t, a.Path, want...)
		a.Project(id, "", id)
		want = append(want, id)
		m = changed(t, a.Path, m)
		has(t, a.Path, want...)
		sound(t, a.Path)
		stays(t, a.Path, m)
		a.Stop()
		if got := names(t, a.Dir); got != "deploy.db" {
			t.Errorf("it left %s", got)
		}
		copied := filepath.Join(t.TempDir(), "copy")
		text, err := os.ReadFile(a.Path)
		if err := errors.Join(err, os.WriteFile(copied, text, 0o600)); err != nil {
			t.Fatal(err)
		}
		has(t, copied, want...)
		m = changed(t, a.Path, m)
		untouched(t, a.Dir, func() { has(t, a.Path, want...) })
		stays(t, a.Path, m)
	}
}

// However a Read ends, nobody has to wait afterwards, not even for the database alone, and there is no file more than before.
func TestNothingIsLeftBehind(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Exec("PRAGMA busy_timeout = 0")
	a.Fill(1, 1, 10001, 0)
	canceled, cancel := context.WithCancel(t.Context())
	for name, do := range map[string]func() error{
		"a Read":  func() error { has(t, a.Path, "fill-p-000000"); return nil },
		"a Check": func() error { return aeroplane.Check(t.Context(), a.Path) },
		"a Look":  func() error { look(t, a.Path); return nil },
		"a Read that was given up": func() error {
			if _, err := aeroplane.Read(canceled, a.Path, now, func(aeroplane.Progress) { cancel() }); !errors.Is(err, context.Canceled) {
				return fmt.Errorf("it was not given up: %w", err)
			}
			return nil
		},
		"a Read that was refused": func() error {
			a.Exec("PRAGMA legacy_alter_table = 1; ALTER TABLE users RENAME TO another")
			refuses(t, a.Path, authz.FailedPrecondition, "has no table users")
			a.Exec("ALTER TABLE another RENAME TO users")
			return nil
		},
	} {
		before := names(t, a.Dir)
		if err := do(); err != nil {
			t.Error(name, err)
		}
		if after := names(t, a.Dir); after != before {
			t.Errorf("%s: there was %s, and is %s", name, before, after)
		}
		for _, statement := range []string{"PRAGMA wal_checkpoint(TRUNCATE)", "PRAGMA journal_mode = DELETE", "BEGIN EXCLUSIVE", "COMMIT", "PRAGMA journal_mode = WAL"} {
			if got, err := a.Try(statement); err != nil || got == "1" {
				t.Errorf("after %s: %s: %s, %v", name, statement, got, err)
			}
		}
		a.Exec("UPDATE settings SET value = 'x'")
	}
}

// Whoever opens a database that nobody had open spoils the Read that is at work, and what is read in the end is what is there then.
func TestAeroplaneComesDuringARead(t *testing.T) {
	t.Parallel()
	for _, before := range []string{"stopped", "crashed", "crashed, and its index is gone"} {
		for _, after := range []string{"stays", "stops", "crashes"} {
			t.Run(before+", and then "+after, func(t *testing.T) {
				t.Parallel()
				a := aeroplanetest.Start(t)
				a.Project("a", "", "a")
				if before == "stopped" {
					a.Stop()
				} else {
					a.Crash()
				}
				if before == "crashed, and its index is gone" {
					if err := os.Remove(a.Path + "-shm"); err != nil {
						t.Fatal(err)
					}
				}
				came := 0
				r, err := aeroplane.Read(t.Context(), a.Path, now, func(p aeroplane.Progress) {
					if came++; came > 1 {
						return
					}
					a.Restart()
					a.Project("b", "", "b")
					switch after {
					case "stops":
						a.Stop()
						// As long as a Read is at work, what it has open stays.
						if got := names(t, a.Dir); got != "deploy.db deploy.db-shm deploy.db-wal" {
							t.Error(got)
						}
					case "crashes":
						a.Crash()
					}
				})
				if err != nil || len(r.Projects) != 2 || came <= 7 {
					t.Errorf("%v, %v, told %d times", r, err, came)
				}
				stays(t, a.Path, settled(t, a.Path))
			})
		}
	}
}

// A Read has no lock of the index that an Aeroplane would need which does not wait, nor is it kept from any journal mode but one
// that wants the file for itself.
func TestAeroplaneIsNotKeptWaiting(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Exec("PRAGMA busy_timeout = 0")
	during := 0
	r, err := aeroplane.Read(t.Context(), a.Path, now, func(aeroplane.Progress) {
		during++
		for _, statement := range []string{
			"BEGIN EXCLUSIVE", "COMMIT", "INSERT OR REPLACE INTO settings (name) VALUES ('a')", "VACUUM", "REINDEX", "ANALYZE",
			fmt.Sprintf("ALTER TABLE settings ADD COLUMN more%d", during), "PRAGMA wal_checkpoint(PASSIVE)", "PRAGMA optimize",
		} {
			a.Exec(statement)
		}
	})
	if err != nil || len(r.Projects) > 0 || during == 0 {
		t.Error(r, err, during)
	}
	has(t, a.Path)
}

func TestAnotherJournalMode(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Exec("PRAGMA journal_mode = DELETE")
	a.Project("a", "", "a")
	m := settled(t, a.Path)
	has(t, a.Path, "a")
	stays(t, a.Path, m)
	a.Project("b", "", "b") // is not kept waiting
	m = changed(t, a.Path, m)
	has(t, a.Path, "a", "b")
	sound(t, a.Path)

	a.Exec("BEGIN EXCLUSIVE")
	refuses(t, a.Path, authz.Unavailable, "is locked by another process")
	a.Exec("ROLLBACK")
	has(t, a.Path, "a", "b")
	stays(t, a.Path, m)

	a.Exec("PRAGMA journal_mode = WAL")
	a.Project("c", "", "c")
	changed(t, a.Path, m)
	has(t, a.Path, "a", "b", "c")
}

// A transaction that was cut off is taken back by whoever opens the database to write. Till then it says nothing.
func TestAnInterruptedRollback(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Exec("PRAGMA journal_mode = DELETE")
	a.Project("a", "", "a")
	a.Exec("PRAGMA cache_size = 5")
	a.Exec("PRAGMA cache_spill = 1")
	a.Exec("BEGIN IMMEDIATE")
	a.Exec("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) INSERT INTO settings SELECT i, printf('%.*c', 1000, 'x') FROM n")
	a.Crash()
	untouched(t, a.Dir, func() {
		refuses(t, a.Path, authz.FailedPrecondition, "was interrupted in a change", "start it")
	})
}

func TestWhoHasItAlone(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Exec("PRAGMA locking_mode = EXCLUSIVE")
	a.Project("a", "", "a")
	refuses(t, a.Path, authz.Unavailable, "is locked by another process", "try again")
}

// Two that have one database open in one process would take each other's locks away. So they wait for each other.
func TestOneAtATime(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Project("a", "", "a")
	a.Exec("PRAGMA busy_timeout = 0")
	link, hard := filepath.Join(t.TempDir(), "link"), filepath.Join(t.TempDir(), "hard")
	if err := errors.Join(os.Symlink(a.Path, link), os.Link(a.Path, hard)); err != nil {
		t.Fatal(err)
	}
	m := settled(t, a.Path)
	looked := make(chan error, 2)
	once := sync.OnceFunc(func() {
		for _, path := range []string{a.Path, link} {
			go func() {
				now, err := aeroplane.Look(path)
				if err == nil && !now.SameFile(m) {
					err = errors.New("another file")
				}
				looked <- err
			}()
		}
		for _, path := range []string{a.Path, link, hard} {
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			defer cancel()
			_, err := aeroplane.Read(ctx, path, now, nil)
			if complaint(t, err, authz.Unavailable, "try again"); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(path, err)
			}
		}
		if len(looked) > 0 {
			t.Error("it was looked at during a Read:", <-looked)
		}
		a.Project("b", "", "b")
		if a.Checkpoint("TRUNCATE") {
			t.Error("the Read has lost its locks")
		}
	})
	r, err := aeroplane.Read(t.Context(), a.Path, now, func(aeroplane.Progress) { once() })
	if err != nil || len(r.Projects) != 1 {
		t.Error(r, err)
	}
	if err := errors.Join(<-looked, <-looked); err != nil {
		t.Error(err)
	}
	has(t, link, "a", "b")

	// Other databases have nothing to do with it.
	other := aeroplanetest.Start(t)
	if _, err := aeroplane.Read(t.Context(), a.Path, now, func(aeroplane.Progress) { has(t, other.Path); look(t, other.Path) }); err != nil {
		t.Error(err)
	}
}

// What is beside a file that was replaced is still beside the one that is being read.
func TestALookAtAnotherFileInTheSamePlace(t *testing.T) {
	t.Parallel()
	backup := stopped(t).Path
	a := aeroplanetest.Start(t)
	looked := make(chan error, 1)
	once := sync.OnceFunc(func() {
		if err := os.Rename(backup, a.Path); err != nil {
			t.Error(err)
		}
		go func() {
			_, err := aeroplane.Look(a.Path)
			looked <- err
		}()
		time.Sleep(50 * time.Millisecond)
		if len(looked) > 0 {
			t.Error("it was looked at during a Read")
		}
	})
	_, err := aeroplane.Read(t.Context(), a.Path, now, func(aeroplane.Progress) { once() })
	complaint(t, err, authz.Unavailable, "restart Aeroplane")
	if err := <-looked; err != nil {
		t.Error(err)
	}
}

// While somebody writes, each Read sees one state: in each the service has exactly one deployment of the writer's.
func TestReadsAreConsistent(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Fill(5, 50, 500, 1000)
	a.Exec("PRAGMA busy_timeout = 0") // to be refused once is to fail
	w := a.Write("fill-s-000001", time.Microsecond)
	different := map[string]bool{}
	for i := 0; i < 200 && len(different) < 30 || i < 30; i++ {
		r := read(t, a.Path)
		var written []string
		for _, d := range r.Deployments {
			if d.ID[:5] == "writt" {
				written = append(written, d.ID)
				different[d.ID] = true
			}
		}
		if len(r.Deployments)-len(written) != 500 || len(written) > 1 {
			t.Fatal(len(r.Deployments), written)
		}
		if i%5 == 0 && !a.Checkpoint([]string{"TRUNCATE", "RESTART", "PASSIVE"}[i/5%3]) {
			t.Error("a checkpoint did not get through")
		}
	}
	if rounds := w.Stop(); rounds < 10 || len(different) < 5 {
		t.Errorf("%d rounds, of which %d were seen: this shows nothing", rounds, len(different))
	}
	sound(t, a.Path)
}

// Whoever was killed while it wrote to the index left it so that nobody can use it.
func TestAnIndexThatWasHalfWritten(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Project("a", "", "a")
	has(t, a.Path, "a")
	a.Project("b", "", "b")
	a.Crash()
	m := settled(t, a.Path)
	index, err := os.OpenFile(a.Path+"-shm", os.O_WRONLY, 0)
	if err == nil {
		_, err = index.WriteAt([]byte("half written"), 8)
	}
	if err := errors.Join(err, index.Close()); err != nil {
		t.Fatal(err)
	}
	m = changed(t, a.Path, m)
	has(t, a.Path, "a", "b")
	stays(t, a.Path, m)
}

func TestWhatAeroplaneDoesIsSeen(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.User("ada", "owner")
	a.Project("p", "ada", "p")
	a.Project("q", "ada", "q")
	a.Service("s", "p")
	a.Service("s2", "p")
	a.Deployment("d", "s2")
	a.Session("1", "ada", now.Add(time.Hour))
	id, _ := a.Key(aeroplanetest.Key{User: "ada"})
	r := read(t, a.Path)
	if len(r.Deployments) != 1 || len(r.Sessions) != 1 || len(r.Services) != 2 || r.Services[0].ProjectID != "p" || !r.Keys[0].RevokedAt.IsZero() {
		t.Error(text(r))
	}
	a.Move("s", "q")
	a.Delete("projects", "s2") // and its deployment
	a.EndSession("1")
	a.RevokeKey(id)
	r = read(t, a.Path)
	if len(r.Deployments) != 0 || len(r.Sessions) != 0 || len(r.Services) != 1 || r.Services[0].ProjectID != "q" || r.Keys[0].RevokedAt.IsZero() {
		t.Error(text(r))
	}
	if _, err := a.Try("INSERT INTO deployments (id, project_id) VALUES ('x', 'gone')"); err == nil {
		t.Error("this Aeroplane takes deployments of nothing")
	}
}
