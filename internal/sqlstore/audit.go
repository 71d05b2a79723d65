// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"aeroplane.run/authz"
)

// An entry is what one audit record says besides who and when.
type entry struct {
	action  authz.Action
	subject string
	details map[string]string
}

// record writes the audit records of a change into its transaction.
func (t *tx) record(ctx context.Context, entries ...entry) error {
	by := t.change.Actor
	for some := range byRows(entries, 8) {
		var p params
		text := `INSERT INTO audit_events (at, role, token_name, user_id, address, action, subject_id, details) VALUES ` +
			rows(&p, some, func(e entry) []any {
				details, err := json.Marshal(e.details)
				if err != nil {
					panic(err) // strings
				}
				return []any{t.change.At.UnixMicro(), by.Role, by.TokenName, by.UserID, by.Address,
					string(e.action), e.subject, string(details)}
			})
		if _, err := t.ExecContext(ctx, text, p...); err != nil {
			return err
		}
	}
	return nil
}

// Events returns the records that match, newest first.
func (s *Store) Events(ctx context.Context, f authz.EventFilter, page authz.Page) (events []authz.Event, err error) {
	var w filter
	if f.Action != "" {
		family := []string{string(f.Action)} // of which there may be none
		for _, action := range f.Action.Family() {
			family = append(family, string(action))
		}
		w.and("action IN " + w.in(family))
	}
	w.narrow("subject_id", f.SubjectID)
	w.narrow("token_name", f.TokenName)
	w.narrow("user_id", f.UserID)
	if !f.Since.IsZero() {
		w.and("at >= " + w.bind(ceil(f.Since)))
	}
	if !f.Until.IsZero() {
		w.and("at < " + w.bind(ceil(f.Until)))
	}
	if !page.After.IsZero() {
		w.and("id < " + w.bind(page.After.At))
	}
	text := `SELECT id, at, role, token_name, user_id, address, action, subject_id, details FROM audit_events` +
		w.where() + " ORDER BY id DESC LIMIT " + w.bind(page.Size)
	err = s.do(ctx, func(ctx context.Context) error {
		events, err = query(ctx, s.db, eventColumns, text, w.params...)
		return err
	})
	return events, err
}

func eventColumns(e *authz.Event) []any {
	return []any{&e.ID, stored(&e.At), &e.Actor.Role, &e.Actor.TokenName, &e.Actor.UserID, &e.Actor.Address,
		&e.Action, &e.SubjectID, details{&e.Details}}
}

// details scans the details of a record. None are nil.
type details struct{ m *map[string]string }

// Scan implements sql.Scanner.
func (d details) Scan(v any) error {
	var text []byte
	switch v := v.(type) {
	case string:
		text = []byte(v)
	case []byte:
		text = v
	}
	return json.Unmarshal(text, d.m)
}

// ceil returns the first stored instant that is not before t.
func ceil(t time.Time) int64 { return t.Add(time.Microsecond - 1).UnixMicro() }

// The words of details are those of the contract.

func timeText(t time.Time) string {
	if t.IsZero() {
		return "never"
	}
	return t.UTC().Format(time.RFC3339Nano)
}

func alreadyText(already bool) map[string]string {
	if !already {
		return nil
	}
	return map[string]string{"already_revoked": strconv.FormatBool(already)}
}
