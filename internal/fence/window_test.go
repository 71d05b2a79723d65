// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"slices"
	"testing"

	"aeroplane.run/authz"
)

// rev is the revision with a number, of the one history, and other of another.
func rev(seq int64) authz.Revision   { return authz.Revision{Seq: seq, Tag: 100 + seq} }
func other(seq int64) authz.Revision { return authz.Revision{Seq: seq, Tag: 200 + seq} }

func service(id string) authz.Subject { return authz.Subject{Kind: authz.OfService, ID: id} }

func row(seq int64, s authz.Subject) Row { return Row{Revision: rev(seq), Subject: s} }

// rows are the rows of the history from one number to another, one way or the other, each about a service of its own.
func rows(from, to int64) (all []Row) {
	for seq := min(from, to); seq <= max(from, to); seq++ {
		all = append(all, row(seq, service(string(rune('a'+seq)))))
	}
	if from > to {
		slices.Reverse(all)
	}
	return all
}

func TestWindow(t *testing.T) {
	t.Parallel()
	w := newWindow(4, rev(10))
	expect := func(floor, head int64, room int) {
		t.Helper()
		if f, h := w.bounds(); f != floor || h != head || w.room() != room {
			t.Errorf("from %d to %d, room for %d; want from %d to %d, room for %d", f, h, w.room(), floor, head, room)
		}
		for seq := floor - 1; seq <= head+1; seq++ {
			if got, want := w.holds(rev(seq)), seq >= floor && seq <= head; got != want {
				t.Errorf("holds %v: %v", rev(seq), got)
			}
			if w.holds(other(seq)) {
				t.Errorf("holds %v, which is of another history", other(seq))
			}
		}
	}
	expect(10, 10, 3)
	for _, r := range rows(11, 12) {
		w.push(r)
	}
	expect(10, 12, 1)
	w.lower(rows(9, 7)) // does not begin with the row from which on it is to reach back
	expect(10, 12, 1)
	w.lower(rows(10, 7)) // there is room for one
	expect(9, 12, 0)
	fallen, seq, full := w.push(row(13, service("x")))
	if !full || seq != 9 || fallen.subject != rows(9, 9)[0].Subject {
		t.Errorf("row %d, about %v, has fallen out: %v", seq, fallen.subject, full)
	}
	expect(10, 13, 0)
}

// What is not there yet may come; what never will need not be waited for.
func TestWindowComplete(t *testing.T) {
	t.Parallel()
	w := newWindow(4, rev(10))
	if w.complete(9) || !w.complete(10) {
		t.Error("a window that can reach back is complete without")
	}
	w.end() // retention has deleted what was before
	if !w.complete(9) || w.room() != 0 {
		t.Error("a window that begins with the oldest row is not complete")
	}
	for _, w := range []*window{newWindow(1, rev(10)), newWindow(4, rev(1))} {
		if !w.complete(0) || w.room() != 0 {
			t.Error("a window that is full, or reaches to the first row, is not complete")
		}
	}
}
