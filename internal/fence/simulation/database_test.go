// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"context"
	"time"

	"aeroplane.run/authz"
)

// A database is the store behind a fence. What nobody calls here is missing.
type database struct {
	authz.Store
	*process
}

// changeTimeout is how long a change may take, whatever becomes of its caller.
const changeTimeout = 4 * time.Second

type read struct {
	record authz.Record
	at     authz.Revision
}

// Record implements authz.RecordStore.
func (d database) Record(ctx context.Context, s authz.Subject, _ bool) (authz.Record, authz.Revision, error) {
	w := d.w
	d.reads++
	defer func() { d.reads-- }()
	if d.closed {
		w.fail("close", "%s reads from a database that it has closed", d.name)
	}
	r, err := ask(ctx, d.process, toFill, d.name+": fill "+universe.names[s], func(from *server, answer func(read, error)) {
		head := from.head()
		if w.broken == "row then head" {
			w.scheduler.post(w.delay(), "the head is read", func() { answer(read{head.after.record(s), from.head().last()}, nil) })
			return
		}
		answer(read{head.after.record(s), head.last()}, nil)
	}, nil)
	if err != nil {
		return authz.Record{}, authz.Revision{}, unavailable(authz.CodeStoreUnavailable, err)
	}
	return r.record, r.at, nil
}

func unavailable(code string, cause error) error {
	return (&authz.Error{Kind: authz.Unavailable, Code: code, Message: "the database is not there"}).Because(cause)
}

// change makes a change by a transaction. Its caller's ctx does not reach into it.
func (d database) change(tx *transaction) (outcome, error) {
	ctx, cancel := context.WithTimeout(context.Background(), changeTimeout)
	defer cancel()
	tx.name = d.name + ": " + tx.name
	out, err := ask(ctx, d.process, toChange, tx.name, func(s *server, answer func(outcome, error)) {
		s.transact(tx, answer)
	}, func(s *server) {
		for _, w := range s.hung {
			if w.name == tx.name {
				s.cancel(w)
				return
			}
		}
	})
	switch err {
	case nil:
		d.w.confirmed(out)
		return out, nil
	case errReadOnly, errLockTimeout:
		return outcome{}, unavailable(authz.CodeStoreUnavailable, err)
	case errReset, errTimeout, errUnconfirmed:
		return outcome{}, unavailable(authz.CodeOutcomeUnknown, err)
	}
	return outcome{}, err
}

// Ping implements authz.Store.
func (d database) Ping(ctx context.Context) error {
	if l := whoami().lookUp; l != nil {
		l.pinged = true
	}
	_, err := ask(ctx, d.process, toFill, d.name+": ping", func(_ *server, answer func(nothing, error)) { answer(nothing{}, nil) }, nil)
	if err != nil {
		return unavailable(authz.CodeStoreUnavailable, err)
	}
	return nil
}

// Close implements authz.Store. Nobody may be deciding by the database any more, or go on to.
func (d database) Close() error {
	d.closed = true
	if d.reads > 0 {
		d.w.fail("close", "%s has closed its database, and reads from it", d.name)
	}
	for _, v := range d.views {
		if d.machine.clock.Boot() < v.ValidUntil() {
			d.w.fail("close", "%s has closed its database, and has a lease", d.name)
		}
	}
	return nil
}
