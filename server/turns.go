// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"sync"
	"time"

	"aeroplane.run/authz"
)

const (
	// maxCallsOfOne bounds how many calls of one user's sessions are under way at a time. On the embedded database all calls stand in one
	// line, and what one user reads everybody's revocations would wait for.
	maxCallsOfOne = 2
	// maxInLine bounds those that are under way or wait for it. It is more than the pages that anybody looks at ask for at once.
	maxInLine = 50
	// maxInLineFor bounds how long a call waits.
	maxInLineFor = 5 * time.Second
)

// turns lets the calls of each user's sessions be made some at a time. The others wait, and nobody else's with them.
type turns struct {
	mu sync.Mutex
	of map[turnOf]*turn // guarded by mu; those which somebody has or waits for
}

// turnOf is whose turn it is: changes do not wait for what is read.
type turnOf struct {
	user    string
	changes bool
}

func turnOfCall(method string, s *authz.Session) turnOf {
	return turnOf{s.UserID, methods[method] == changes}
}

type turn struct {
	slots  chan struct{} // holds one for each call under way
	inLine int           // guarded by turns.mu
}

// take waits for a turn, which lasts until end is called. Errors: Unavailable, where that takes too long.
func (t *turns) take(ctx context.Context, of turnOf) (end func(), err error) {
	its, ok := t.join(of)
	if !ok {
		return nil, errNoTurn
	}
	bounded, cancel := context.WithTimeout(ctx, maxInLineFor)
	defer cancel()
	select {
	case its.slots <- struct{}{}:
		return func() { <-its.slots; t.leave(of) }, nil
	case <-bounded.Done():
		t.leave(of)
		return nil, errNoTurn
	}
}

func (t *turns) join(of turnOf) (*turn, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	its, ok := t.of[of]
	if !ok {
		its = &turn{slots: make(chan struct{}, maxCallsOfOne)}
		t.of[of] = its
	}
	if its.inLine == maxInLine {
		return nil, false
	}
	its.inLine++
	return its, true
}

func (t *turns) leave(of turnOf) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of[of].inLine--; t.of[of].inLine == 0 {
		delete(t.of, of)
	}
}

// errNoTurn says that a call was not begun.
var errNoTurn = &authz.Error{Kind: authz.Unavailable, Code: authz.CodeOverloaded,
	Message: "Too many calls of your user are under way: wait for those, and try again"}
