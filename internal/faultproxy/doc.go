// SPDX-License-Identifier: Apache-2.0

// Package faultproxy stands between a client and a server, as a network that fails on command: it cuts, refuses, holds up,
// delays, throttles and loses what passes, and leads to another server, in part or in whole.
//
// Begin with Listen. Each client that is to see faults of its own gets a Proxy of its own.
package faultproxy

import "time"

// A Way is a direction of what passes. Ways are added to each other.
type Way uint8

// The two ways, and both.
const (
	Up   Way = 1 << iota // from the client to the server
	Down                 // from the server to the client
	Both = Up | Down
)

// Faults are what is wrong with a network. The zero Faults are none.
//
// They are about whole pieces of what is sent, in the order in which it was: a piece is what one read brings, 32 KiB at most.
type Faults struct {
	// Refuse resets new connections as soon as they are made.
	Refuse bool
	// Deaf has the kernel drop every packet that comes from a client, acknowledgements and attempts to connect among them: a
	// broken cable, one way. The client's kernel sends again and again, and what comes down does so until no more fits on the
	// way. It needs Linux; elsewhere nothing happens.
	Deaf bool
	// Hold keeps what goes these ways, the end of a connection included, until it is held no more: a black hole, in which
	// neither side learns anything.
	Hold Way
	// Drop loses what goes these ways. The connection lives on, and its end is not lost.
	Drop Way
	// Delay is how much later each piece arrives, either way, and Jitter is how much later still at most, at random. One piece
	// of a connection is under way at a time each way.
	Delay, Jitter time.Duration
	// Rate is the most bytes a second of each connection, each way. Zero: any number.
	Rate int
	// Only chooses connections by their head, and leaves the others alone. Nil: all. It does not apply to Refuse and Deaf.
	Only Match
}

// A Match chooses connections by their head: what the client has sent by now, its first 4 KiB at most. Of a Postgres
// session it begins with the user, the database and the name of the application.
type Match func(head []byte) bool

// matches reports whether the connections with a head are chosen. A Match that is nil chooses all.
func (m Match) matches(head []byte) bool { return m == nil || m(head) }

// A Route leads connections to a server.
type Route struct {
	Target string // host:port
	// Only chooses connections by the first piece that their client sends, before which no server is dialled. Nil: all, and
	// at once.
	Only Match
}

// A Count is what a Proxy has seen.
type Count struct {
	Open, Accepted int   // connections: now, and ever
	Up, Down       int64 // bytes delivered
	Lost           int64 // bytes dropped
}
