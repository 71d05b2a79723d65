// SPDX-License-Identifier: Apache-2.0

package aeroplane

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"modernc.org/sqlite/vfs"

	"aeroplane.run/authz"
)

// What SQLite puts beside a database.
const (
	walSuffix     = "-wal"
	shmSuffix     = "-shm"
	journalSuffix = "-journal"
)

// patience is how long it waits for a lock, as the connection does.
const patience = time.Second

// A source is the database, open for one Read: whoever closes it meanwhile cannot tidy up. There are three ways to have it so:
//
//   - In WAL mode, with a log and the log's index beside it, the connection is SQLite's own, read-only, the index too.
//   - In WAL mode without an index nobody has it open. SQLite would want to make one; so it gets a file system in which
//     nothing can be made.
//   - In another mode the connection is SQLite's own, and keeps writers out.
//
// Where nobody else has the database open, the index says nothing: whoever made it was killed, or is gone. SQLite then reads the log
// without it, and little keeps out who comes meanwhile: that spoils the Read.
type source struct {
	*conn
	guard *guard
	alone bool   // it is in WAL mode, and nobody else had it open when it was opened
	real  string // the path, without links
	files files  // what it has open
	fs    *vfs.FS
}

// attach opens the database at a path.
//
// It holds the guard's lock while it looks which of the three ways it is, for SQLite makes what it does not find: if Aeroplane stopped
// between the look and SQLite's, an empty log would be left in its directory.
func attach(ctx context.Context, path string) (*source, error) {
	real, err := regular(path)
	if err != nil {
		return nil, err
	}
	g, err := newGuard(ctx, real)
	if err != nil {
		return nil, err
	}
	s := &source{guard: g, real: real}
	if err := s.open(ctx, path); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

// regular returns the path without links, and refuses what is no file: to open a pipe would wait.
func regular(path string) (string, error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	info, err := os.Stat(real)
	switch {
	case err != nil:
		return "", err
	case !info.Mode().IsRegular():
		return "", authz.Errorf(authz.FailedPrecondition, "%s is not a file: give the path of Aeroplane's deploy.db", path)
	case info.Size() == 0:
		return "", authz.Errorf(authz.FailedPrecondition, "%s is empty: start Aeroplane, so that it makes its tables, and try again", path)
	}
	return filepath.Abs(real)
}

func (s *source) open(ctx context.Context, path string) error {
	if err := s.lock(ctx, path); err != nil {
		return err
	}
	header := make([]byte, 100)
	if _, err := io.ReadFull(io.NewSectionReader(s.guard, 0, int64(len(header))), header); err != nil {
		return damaged(path, err)
	}
	if string(header[:16]) != "SQLite format 3\x00" {
		return damaged(path, nil)
	}
	wal := header[19] == 2 // the version of the format that readers need
	others, err := lockedByOthers(s.guard.File)
	if err != nil {
		return err
	}
	if err := besideFiles(s.real); err != nil {
		return err
	}
	s.alone = wal && !others
	s.files = filesAt(s.real)
	log, index := s.files.wal != nil, s.files.shm != nil
	switch {
	case (!log || s.files.wal.Size() == 0) && s.short(header):
		return damaged(path, nil)
	case wal && log && index:
		if err = s.lookBeside(path); err == nil {
			s.conn, err = dial(ctx, s.real, "&readonly_shm=1")
		}
	case wal && index:
		return refused(nil, "beside %s there is a %s without a %s, which somebody took away: restart Aeroplane, and try again",
			path, shmSuffix, walSuffix)
	case wal:
		err = s.openStill(ctx, path)
	default:
		s.conn, err = dial(ctx, s.real, "")
	}
	if err == nil {
		// Now SQLite looks at what is beside the file.
		err = s.conn.each(ctx, "SELECT count(*) FROM sqlite_schema", none)
	}
	if err == nil && !s.files.same(filesAt(s.real)) {
		err = errStirred
	}
	return err
}

// short reports whether the file is shorter than it says. SQLite would find out only where it reads.
func (s *source) short(header []byte) bool {
	if string(header[24:28]) != string(header[92:96]) {
		return false // it says nothing
	}
	page := int64(binary.BigEndian.Uint16(header[16:]))
	if page == 1 { // for which there is no room
		page = 1 << 16
	}
	info, err := s.guard.Stat()
	return err == nil && info.Size() < page*int64(binary.BigEndian.Uint32(header[28:]))
}

// lookBeside looks whether the log and its index may be read: SQLite does not say that this is what is the matter. Nobody can have
// the index without the database that it belongs to.
func (s *source) lookBeside(path string) error {
	for _, suffix := range []string{walSuffix, shmSuffix} {
		f, err := os.OpenFile(s.real+suffix, os.O_RDONLY|nonblock, 0)
		if errors.Is(err, fs.ErrNotExist) {
			return errStirred
		}
		if err != nil {
			return err
		}
		used := false
		if s.alone && suffix == shmSuffix {
			used, err = indexInUse(f)
		}
		if err := errors.Join(err, f.Close()); err != nil {
			return err
		}
		if used {
			return absent(errStirred, "%s was put there while another process has the one before it open: try again, and restart Aeroplane if "+
				"that does not help", path)
		}
	}
	return nil
}

// lock takes the guard's lock.
func (s *source) lock(ctx context.Context, path string) error {
	for end := time.Now().Add(patience); ; {
		ok, err := lockShared(s.guard.File)
		if err != nil || ok {
			return err
		}
		if time.Now().After(end) {
			return locked(path, nil)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(patience / 100):
		}
	}
}

func (s *source) openStill(ctx context.Context, path string) error {
	if journal, err := os.Stat(s.real + journalSuffix); err == nil && journal.Size() > 0 {
		return refused(nil, "Aeroplane was interrupted in a change of %s: start it, so that it takes the change back, and try again", path)
	}
	// Somebody who has it open without an index is about to make one, or lost it to whoever removed it.
	if !s.alone {
		return absent(errStirred, "%s is open in another process, but there is no %s beside it: try again, and restart Aeroplane if that "+
			"does not help", path, shmSuffix)
	}
	name, files, err := still{s.guard, s.real + walSuffix}.serve()
	if err != nil {
		return err
	}
	s.fs = files
	s.conn, err = dial(ctx, stillName, "&vfs="+name+"&_pragma=locking_mode(EXCLUSIVE)")
	return err
}

// settle looks, at the end, whether the path still leads to what is open, and whether somebody opened a database that nobody had open:
// what was read then is not what there is.
func (s *source) settle(path string) error {
	now := filesAt(s.real)
	now.db, _ = os.Stat(path) // as it was given: it may be a link that leads elsewhere now
	if !s.files.same(now) {
		return errStirred
	}
	if !s.alone {
		return nil
	}
	others, err := lockedByOthers(s.guard.File)
	// Who came and went again has written, if only to the index.
	if err == nil && (others || !s.files.untouched(now)) {
		err = errStirred
	}
	return err
}

// close closes the guard last: with it go all locks that this process has on the file.
func (s *source) close() error {
	var err error
	if s.conn != nil {
		err = s.conn.Close()
	}
	if s.fs != nil {
		err = errors.Join(err, s.fs.Close())
	}
	return errors.Join(err, s.guard.Close())
}
