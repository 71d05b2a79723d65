// SPDX-License-Identifier: Apache-2.0

package aeroplanetest

import (
	"bufio"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"

	_ "modernc.org/sqlite" // the driver
)

// pathVariable is set for the process, and names the database.
const pathVariable = "AEROPLANE_AUTHZ_TEST_AEROPLANE"

// Main is Aeroplane's process if this is to be it, and then does not return. Call it first in TestMain or main.
func Main() {
	path := os.Getenv(pathVariable)
	if path == "" {
		return
	}
	if err := serve(path, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "Aeroplane:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// A statement of SQL, with its arguments: texts, whole numbers, or nil.
type statement struct {
	SQL  string
	Args []any
}

// An answer is what became of statements: the first column of the last one's last row, or an error.
type answer struct{ Value, Error string }

// serve runs one line of statements after the other, each in a transaction, and closes the database at the end of them.
func serve(path string, lines io.Reader, answers io.Writer) error {
	db, err := sql.Open("sqlite", "file:"+path+"?_busy_timeout=5000&_journal_mode=WAL&_foreign_keys=1&_synchronous=NORMAL")
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	if err := db.Ping(); err != nil {
		return err
	}
	in, out := json.NewDecoder(lines), json.NewEncoder(answers)
	in.UseNumber()
	for {
		var statements []statement
		if err := in.Decode(&statements); err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return errors.Join(err, db.Close())
		}
		var a answer
		if a.Value, err = run(db, statements); err != nil {
			a.Error = err.Error()
		}
		if err := out.Encode(a); err != nil {
			return err
		}
	}
}

// queryer is a transaction, or a database.
type queryer interface {
	Query(string, ...any) (*sql.Rows, error)
}

func run(db *sql.DB, statements []statement) (value string, err error) {
	if len(statements) == 1 { // what is no business of a transaction, such as a checkpoint
		return query(db, statements[0])
	}
	tx, err := db.Begin()
	if err != nil {
		return "", err
	}
	for _, s := range statements {
		if value, err = query(tx, s); err != nil {
			return "", errors.Join(err, tx.Rollback())
		}
	}
	return value, tx.Commit()
}

func query(q queryer, s statement) (value string, err error) {
	for i, arg := range s.Args {
		if n, ok := arg.(json.Number); ok {
			s.Args[i], _ = n.Int64()
		}
	}
	rows, err := q.Query(s.SQL, s.Args...)
	if err != nil {
		return "", err
	}
	columns, err := rows.Columns()
	for err == nil && rows.Next() {
		row := make([]any, len(columns))
		for i := range row {
			row[i] = new(any)
		}
		err = rows.Scan(row...)
		value = fmt.Sprint(*row[0].(*any))
	}
	return value, errors.Join(err, rows.Err(), rows.Close())
}

// A process is Aeroplane's, as its parent sees it.
type process struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func start(path string) (*process, error) {
	if os.Getenv(pathVariable) != "" {
		return nil, errors.New("aeroplanetest.Main was not called first")
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), pathVariable+"="+path)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	return &process{cmd, in, bufio.NewReader(out)}, cmd.Start()
}

func (p *process) do(statements []statement) (string, error) {
	if err := json.NewEncoder(p.in).Encode(statements); err != nil {
		return "", err
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return "", err
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return "", fmt.Errorf("%w: is aeroplanetest.Main called first?", err)
	}
	if a.Error != "" {
		return "", errors.New(a.Error)
	}
	return a.Value, nil
}

// stop lets the process close the database and end.
func (p *process) stop() error { return errors.Join(p.in.Close(), p.cmd.Wait()) }

// kill ends the process as it is.
func (p *process) kill() error {
	err := p.cmd.Process.Kill()
	_ = p.cmd.Wait() // says that it was killed; it closes the pipes
	return err
}
