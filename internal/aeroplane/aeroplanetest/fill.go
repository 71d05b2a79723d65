// SPDX-License-Identifier: Apache-2.0

package aeroplanetest

import (
	"sync"
	"time"
)

// Fill makes projects (fill-p-000000 and so on), services (fill-s-), spread over them, and deployments (fill-d-), spread over those, each
// with an excerpt of a log of some bytes. They are made in no order of their ids, as real ones are. 100,000 deployments with 2 kB each
// take seconds.
func (a *Aeroplane) Fill(projects, services, deployments, excerpt int) {
	const count = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < $1) "
	statements := []statement{{count + `INSERT INTO project_groups (id, name, slug)
		SELECT printf('fill-p-%06d', i), printf('Project %d', i), printf('fill-%d', i) FROM n`, []any{projects}}}
	if services > 0 {
		statements = append(statements, statement{count + `INSERT INTO projects (id, project_group_id, name, slug)
			SELECT printf('fill-s-%06d', i * 999983 % $1), printf('fill-p-%06d', i % $2), 'a service', printf('s-%d', i) FROM n`, []any{services, projects}})
	}
	if deployments > 0 {
		statements = append(statements, statement{count + `INSERT INTO deployments (id, project_id, status, finished_at, log_excerpt)
			SELECT printf('fill-d-%06d', i * 999983 % $1), printf('fill-s-%06d', i % $2), 'running', CURRENT_TIMESTAMP, printf('%.*c', $3, 'x') FROM n`,
			[]any{deployments, services, excerpt}})
	}
	a.tx(statements...)
}

// A Writer keeps Aeroplane's database busy.
type Writer struct {
	stop, stopped chan struct{}
	once          sync.Once
	rounds        int
}

// Write starts a Writer: again and again it makes a deployment of a service and removes the one before, and changes what nobody reads. At
// each instant the service has one deployment of the Writer's, or before the first, none. It ends with the test; if there is none, Stop it.
func (a *Aeroplane) Write(service string, pause time.Duration) *Writer {
	w := &Writer{stop: make(chan struct{}), stopped: make(chan struct{})}
	if a.t != nil {
		a.t.Cleanup(func() { w.Stop() })
	}
	go func() {
		defer close(w.stopped)
		for last := ""; ; {
			id := a.next("written")
			done, err := a.attempt([]statement{
				{"INSERT INTO settings VALUES ('beat', $1) ON CONFLICT DO UPDATE SET value = excluded.value", []any{id}},
				{"INSERT INTO deployments (id, project_id, log_excerpt) VALUES ($1, $2, printf('%.*c', 3000, 'x'))", []any{id, service}},
				{"DELETE FROM deployments WHERE id = $1", []any{last}},
			})
			if err != nil {
				return
			}
			if done {
				last = id
				w.rounds++
			}
			select {
			case <-w.stop:
				return
			case <-time.After(pause):
			}
		}
	}()
	return w
}

// attempt is tx without an end of the test, which is not this goroutine's to call. It does nothing while Aeroplane is stopped.
func (a *Aeroplane) attempt(statements []statement) (done bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.err == nil && a.process != nil {
		_, a.err = a.process.do(statements)
		done = a.err == nil
	}
	return done, a.err
}

// Stop ends the Writer, and returns how often it wrote.
func (w *Writer) Stop() int {
	w.once.Do(func() { close(w.stop) })
	<-w.stopped
	return w.rounds
}
