// SPDX-License-Identifier: Apache-2.0

// Package fence keeps what decisions are computed from, and keeps this promise all the same:
//
//	Once a change that narrows what a caller may do has been answered OK, no look-up that starts afterwards, on any
//	replica, returns what it took away.
//
// The idea in one sentence: a replica uses what it keeps only until its lease ends, which is a fixed time after the start
// of its last Round, a commit that the database confirmed and that showed it the history of changes; and a change waits
// until every replica has said that it knows of it, or until every lease is over of those which have not said so.
//
// Begin with Store, which puts all of it in front of a database; then generation, what a replica knows in one
// incarnation, and admit, the rule by which a record comes to be kept; then loop, which follows the history; then
// barrier, which a change waits for. docs/revocation.md tells what is promised and why it holds.
//
// That it holds is shown by the simulation, in the folder of that name, which runs this code in worlds that are made to be
// unkind; and that the simulation would notice if a guard were missing, by the mutants, in the folder beside it. The calls of
// step are for the simulation: they mark where somebody else may go first, and are nothing in the program.
//
// Nothing here rests on clocks that agree, on messages that arrive, or on the order of anything but the history. What it
// rests on is that boot clocks run at about the same rate, and that a commit which was confirmed stays.
package fence
