// SPDX-License-Identifier: Apache-2.0

package follow_test

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
)

// Whatever becomes of the file, what is known stays as it is, the trouble is told, and when the file is right again all goes on.
func TestTheFileIsInTrouble(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		do    func(p *pair) (undo func())
		wants string
	}{
		{"missing", func(p *pair) func() {
			p.move(p.path, p.path+".away")
			return func() { p.move(p.path+".away", p.path) }
		}, "there is no file"},
		{"locked", func(p *pair) func() {
			p.Exec("PRAGMA journal_mode = DELETE")
			p.Exec("BEGIN EXCLUSIVE")
			p.touch()
			return func() { p.Exec("COMMIT") }
		}, "is locked by another process"},
		{"empty", func(p *pair) func() {
			return p.replaced(func(string) error { return os.WriteFile(p.path, nil, 0o600) })
		}, "is empty"},
		{"garbage", func(p *pair) func() {
			return p.replaced(func(string) error { return os.WriteFile(p.path, []byte(strings.Repeat("garbage ", 1000)), 0o600) })
		}, "not a database"},
		{"half copied", func(p *pair) func() {
			return p.replaced(func(copied string) error {
				whole, err := os.ReadFile(copied)
				return errors.Join(err, os.WriteFile(p.path, whole[:len(whole)/2], 0o600))
			})
		}, "cut short"},
		{"a hole in it", func(p *pair) func() {
			return p.replaced(func(copied string) error {
				whole, err := os.ReadFile(copied)
				if err != nil {
					return err
				}
				clear(whole[len(whole)/4 : len(whole)/4*3])
				return os.WriteFile(p.path, whole, 0o600)
			})
		}, "is damaged"},
		{"a fresh Aeroplane", func(p *pair) func() {
			return p.replaced(func(string) error {
				other := aeroplanetest.Start(p.t)
				other.Stop()
				return copyFile(other.Path, p.path)
			})
		}, "would be taken away"},
		{"a directory", func(p *pair) func() { return p.replaced(func(string) error { return os.Mkdir(p.path, 0o700) }) }, "is not a file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := start(t)
			_, key := p.key(aeroplanetest.Key{User: "ada", Selected: true, Projects: []string{"p-web"}})
			session := authz.SessionToken(p.Session("of-ada", "ada", time.Now().Add(time.Hour)))
			p.becomes(true, key, "GET", readD)
			p.becomes(true, session, "GET", readD)
			undo := c.do(p)
			p.eventually("the trouble is that it "+c.wants, func() bool { return strings.Contains(p.state().Trouble, c.wants) })
			p.is(true, key, "GET", readD)
			p.is(true, session, "GET", readD)
			p.stop()
			p.begin() // a follower that is new to it knows no better
			p.eventually("the new one has tried", func() bool { return strings.Count(p.log.String(), "cannot be followed; what is known") > 1 })
			p.is(true, key, "GET", readD)
			p.is(true, session, "GET", readD)
			undo()
			p.wellAgain()
			p.Move("s", "p-shop")
			p.becomes(false, key, "GET", readD)
		})
	}
}

func (p *pair) move(from, to string) {
	p.t.Helper()
	if err := os.Rename(from, to); err != nil {
		p.t.Fatal(err)
	}
}

// touch makes the file look as if somebody had written to it.
func (p *pair) touch() {
	p.t.Helper()
	now := time.Now()
	if err := os.Chtimes(p.path, now, now); err != nil {
		p.t.Fatal(err)
	}
}

// replaced stops Aeroplane, and puts something in the place of its file, which it gets a copy of. The result puts the file back.
func (p *pair) replaced(by func(copied string) error) (undo func()) {
	p.t.Helper()
	p.Stop()
	away := filepath.Join(p.t.TempDir(), "deploy.db")
	if err := copyFile(p.path, away); err != nil {
		p.t.Fatal(err)
	}
	for _, name := range []string{p.path, p.path + "-wal", p.path + "-shm"} {
		_ = os.Remove(name)
	}
	if err := by(away); err != nil {
		p.t.Fatal(err)
	}
	return func() {
		if err := errors.Join(os.RemoveAll(p.path), os.Rename(away, p.path)); err != nil {
			p.t.Fatal(err)
		}
		p.Restart()
	}
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// A backup of the same Aeroplane is taken over, with a word in the log.
func TestABackupIsPutBack(t *testing.T) {
	t.Parallel()
	p := start(t)
	_, key := p.key(aeroplanetest.Key{User: "ada", Selected: true, Projects: []string{"p-web"}})
	p.becomes(true, key, "GET", readS)
	p.Stop()
	backup := filepath.Join(p.Dir, "backup")
	if err := copyFile(p.path, backup); err != nil {
		t.Fatal(err)
	}
	p.Restart()
	p.Move("s", "p-shop")
	p.becomes(false, key, "GET", readS)
	p.Stop()
	p.swap(backup)
	p.becomes(true, key, "GET", readS)
	if !strings.Contains(p.log.String(), "was replaced by another") {
		t.Error("the log says nothing")
	}
	p.Restart()
	p.Move("s", "p-shop")
	p.becomes(false, key, "GET", readS)
}

// An older file that was put there by mistake costs no key that is younger.
func TestAnOlderFileForAMoment(t *testing.T) {
	t.Parallel()
	p := start(t)
	older, right := filepath.Join(p.Dir, "older"), filepath.Join(p.Dir, "right")
	p.Stop()
	if err := copyFile(p.path, older); err != nil {
		t.Fatal(err)
	}
	p.Restart()
	_, key := p.key(aeroplanetest.Key{User: "ada"})
	p.becomes(true, key, "GET", readS)
	p.Stop()
	if err := copyFile(p.path, right); err != nil {
		t.Fatal(err)
	}
	p.swap(older)
	p.becomes(false, key, "GET", readS)
	p.swap(right)
	p.becomes(true, key, "GET", readS)
	p.Restart()
	p.Exec("DELETE FROM api_keys") // which is known to be so
	p.becomes(false, key, "GET", readS)
}

// Where all that there is of something is gone from the file, somebody has to say that it is right. All else is followed meanwhile: one
// user, whose all of it was, must not keep another's session alive.
func TestAllIsGone(t *testing.T) {
	t.Parallel()
	p := start(t)
	p.Fill(20, 40, 0, 0)
	_, key := p.key(aeroplanetest.Key{User: "ada"})
	session := authz.SessionToken(p.Session("of-ada", "ada", time.Now().Add(time.Hour)))
	p.becomes(true, key, "GET", readS)
	p.becomes(true, session, "GET", readS)
	p.Exec("DELETE FROM projects")
	p.trouble()
	if got := p.state().Trouble; !strings.Contains(got, "all services are gone") {
		t.Error(got)
	}
	p.is(true, key, "GET", readS)
	well, since := p.target.well.Load(), p.state().TroubleAt
	p.Project("p-late", "ada", "late")
	p.becomes(true, key, "GET", "/api/projects/late")
	p.EndSession("of-ada")
	p.becomes(false, session, "GET", readS)
	p.is(true, key, "GET", readS)
	if n := p.target.well.Load(); n != well || !p.state().TroubleAt.Equal(since) {
		t.Errorf("%d of what was taken over says that all is well; the trouble is since %v, and was since %v", n-well, p.state().TroubleAt, since)
	}
	p.imported(authz.SyncRequest{})
	p.wellAgain()
	p.is(false, key, "GET", readS)
	p.Service("s", "p-web")
	p.becomes(true, key, "GET", readS)
}

// What cannot be taken over is told once.
func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	p := start(t)
	id, key := p.key(aeroplanetest.Key{User: "ada"})
	p.becomes(true, key, "GET", readS)
	p.Exec("UPDATE api_keys SET expires_at = 'some day' WHERE id = $1", id)
	p.becomes(false, key, "GET", readS)
	p.eventually("it is counted", func() bool { return p.state().Refused == 1 })
	p.Exec("INSERT INTO api_keys SELECT 'odd', name, 'x', token_prefix, access_level, project_scope, created_by_user_id, created_at, NULL, NULL, NULL, NULL FROM api_keys")
	p.eventually("what changes nothing is counted as well", func() bool { return p.state().Refused == 2 })
	p.Move("s", "p-shop")
	p.Move("s", "p-web")
	p.Deployment("e", "s")
	_, other := p.key(aeroplanetest.Key{User: "ada"})
	p.becomes(true, other, "GET", "/api/deployments/e/logs")
	if n := strings.Count(p.log.String(), "not taken over from Aeroplane"); n != 2 {
		t.Errorf("it is told %d times:\n%s", n, p.log.String())
	}
	if strings.Contains(p.log.String(), "some day") { // which may be anything
		t.Error("the log repeats what was refused")
	}
}

// A quiet Aeroplane is reported to be in step now and then.
func TestReports(t *testing.T) {
	t.Parallel()
	p := start(t)
	before := p.state().SeenAt
	p.eventually("it is seen again", func() bool { return p.state().SeenAt.After(before) })
	if n := p.target.reports.Load(); n > 5 {
		t.Errorf("%d reports", n)
	}
}
