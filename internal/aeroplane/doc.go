// SPDX-License-Identifier: Apache-2.0

// Package aeroplane reads Aeroplane's own database, an SQLite file that Aeroplane's process has open and writes to. A Read returns all
// of it that matters here as it was at one instant, in the words of package authz. A Look tells, in microseconds, whether there is
// anything new to be read.
//
// It only reads. It makes, changes and removes no file in Aeroplane's directory, and has nothing open between one call and the
// next, so that Aeroplane neither waits for it nor is refused because of it, and puts everything in order when it is stopped. Only while
// a Read is at work may a checkpoint have to wait, and does the log of an Aeroplane that is stopped then stay beside the database. SQLite's
// own read-only mode does not promise as much: it makes a log where there is none. Begin with attach, which sees to it, and says what
// it rests on.
//
// What cannot be understood is refused, one row at a time, and never guessed: a Reading says what was left out, and why. It holds no
// hash, token or key but in the fields that are for them.
package aeroplane
