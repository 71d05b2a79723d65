// SPDX-License-Identifier: Apache-2.0

package server

import (
	"sync"

	"aeroplane.run/authz"
)

const (
	// maxLive bounds the streams at a time: each is a goroutine and a connection.
	maxLive = 1000
	// maxLiveOfOne bounds those of one visitor, so that nobody takes all. It is more pages than anybody looks at.
	maxLiveOfOne = 20
)

// liveStreams counts the pages that are told of changes.
type liveStreams struct {
	mu  sync.Mutex
	all int               // guarded by mu
	of  map[streamsOf]int // guarded by mu; by visitor, none of them zero
}

// streamsOf is whom streams count for.
type streamsOf struct {
	user, token string       // of Aeroplane's session, and of an administrator, only one of which is meant
	session     bool         // it is user that is meant, which may be empty
	console     authz.Digest // of a console session, apart from all others that the token has opened
}

func streamsOfVisitor(v *visitor) streamsOf {
	if v.session != nil {
		return streamsOf{user: v.session.UserID, session: true}
	}
	return streamsOf{token: v.caller.Name, console: v.console}
}

// add counts a stream until remove, unless there are too many.
func (s *liveStreams) add(of streamsOf) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.of[of] >= maxLiveOfOne:
		return &authz.Error{Kind: authz.Unavailable, Code: authz.CodeOverloaded, Message: "you have too many pages open that are told of changes: close some"}
	case s.all >= maxLive:
		return &authz.Error{Kind: authz.Unavailable, Code: authz.CodeOverloaded, Message: "too many pages are open that are told of changes; try again later"}
	}
	s.all++
	s.of[of]++
	return nil
}

func (s *liveStreams) remove(of streamsOf) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.of[of]--; s.of[of] == 0 {
		delete(s.of, of)
	}
}
