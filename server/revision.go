// SPDX-License-Identifier: Apache-2.0

package server

import (
	"sync/atomic"

	"aeroplane.run/authz"
)

// A revisionText keeps the text of the last revision, which as a rule is that of the next answer as well.
type revisionText struct {
	last atomic.Pointer[spelled]
}

type spelled struct {
	revision authz.Revision
	text     string
}

// of returns the text of a revision.
func (t *revisionText) of(r authz.Revision) string {
	if r.IsZero() {
		return ""
	}
	last := t.last.Load()
	if last == nil || last.revision != r {
		last = &spelled{r, r.String()}
		t.last.Store(last)
	}
	return last.text
}
