// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"sync"

	"aeroplane.run/authz"
)

// windowSize bounds the rows of the log that a generation knows: some 5 MB. A record that is older than the window is not
// admitted, which costs a read of the database.
const windowSize = 100_000

// A window is the newest part of the log: every row from floor to head.
type window struct {
	mu          sync.RWMutex
	rows        []slot // by Seq modulo the length
	floor, head int64
	oldest      bool // there is no row before floor
}

type slot struct {
	tag     int64
	subject authz.Subject
}

func newWindow(size int, first authz.Revision) *window {
	w := &window{rows: make([]slot, size), floor: first.Seq, head: first.Seq, oldest: first.Seq <= 1}
	w.rows[first.Seq%int64(size)] = slot{tag: first.Tag} // what it is about, lower will tell
	return w
}

// bounds returns the first and the last row that are known.
func (w *window) bounds() (floor, head int64) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.floor, w.head
}

// holds reports whether the revision is in the window: of this history, and neither older nor newer.
func (w *window) holds(r authz.Revision) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return r.Seq >= w.floor && r.Seq <= w.head && w.rows[r.Seq%int64(len(w.rows))].tag == r.Tag
}

// complete reports whether the window has the row with this number, or will never have it.
func (w *window) complete(seq int64) bool {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return w.floor <= seq || w.oldest || w.head-w.floor+1 == int64(len(w.rows))
}

// push adds the row after head. Where there is no room it raises the floor, and returns the row that fell out.
func (w *window) push(r Row) (fallen slot, seq int64, full bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	place := &w.rows[r.Seq%int64(len(w.rows))]
	if w.head-w.floor+1 == int64(len(w.rows)) {
		fallen, seq, full = *place, w.floor, true
		w.floor++
	}
	*place, w.head = slot{r.Tag, r.Subject}, r.Seq
	return fallen, seq, full
}

// room returns how many older rows there is room for; none if there are no older rows.
func (w *window) room() int {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if w.oldest {
		return 0
	}
	return len(w.rows) - int(w.head-w.floor+1)
}

// lower adds older rows, newest first, from the first that is known on, as many as there is room for.
func (w *window) lower(rows []Row) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, r := range rows {
		if r.Seq != w.floor-int64(min(i, 1)) || w.head-r.Seq+1 > int64(len(w.rows)) {
			return
		}
		w.rows[r.Seq%int64(len(w.rows))] = slot{r.Tag, r.Subject}
		w.floor = r.Seq
	}
	w.oldest = w.oldest || w.floor <= 1
}

// end says that there are no older rows: retention has deleted them, or there never were any.
func (w *window) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.oldest = true
}
