// SPDX-License-Identifier: Apache-2.0

// Package resolver says what a request reaches. It is pure: a table is read once and never changes.
//
// Begin with Default or Parse, which give a Table. Table.Gate takes a request target as its client sent it and returns
// its path, or refuses: a path has one accepted spelling, because gateway, authorizer and upstream might read any other
// differently. Table.Match then finds the row that applies to the path, and the id in it.
//
// Nothing is decoded, repaired or folded on the way. The path that is judged is, byte for byte, the path that was sent.
//
// A Table may be used by many goroutines at once. Gate and Match do not allocate.
package resolver
