/* SPDX-License-Identifier: Apache-2.0
 *
 * records.pml: what a replica keeps, and what a look-up makes of it.
 *
 * Transactions alter X, Y, both, or anything at all, each with its rows in the log, which the replica applies one by one.
 * Records of X and Y are offered to it at any time, by anybody: read from the database just now or long ago, from a
 * standby that lags behind, from the shelf, by a read that somebody else began. Meanwhile its window loses rows at one
 * end and is lowered at the other. Statements outside of d_step are steps of their own, as in the program, where only a
 * shard's lock, the window's lock and atomic variables keep them apart.
 *
 * The value of a subject is how often it has changed. A look-up reads X and Y and names a revision. Shown:
 *
 *   true   both are what the log says for that revision;
 *   whole  and what could be seen by anybody: a transaction is in them whole or not at all.
 *
 * Sizes:
 *   small  -DROWS=2 -DWINDOW=2
 *   full   -DROWS=4 -DWINDOW=3
 *
 * Mutants, each without one guard:
 *   M_NOCOMPARE    a look-up does not ask whether something was applied while it read
 *   M_FLIGHT       what a shared read brought is used without being admitted
 *   M_ROWSTAMP     a record is stamped with the last change of its subject, not with the head of the log
 *   M_ROWHEAD      the row is read, and then the head of the log
 *   M_NOEARLY      a record is admitted that is newer than what is applied
 *   M_NOFLOOR      a record is admitted that is older than the window
 *   M_NOLAST       a record is admitted although its subject has changed since
 *   M_NOLASTALL    a record is admitted although everything has changed since
 *   M_FLOORLATE    the floor of the window is looked at after what was last
 *   M_UNLOCKED     a record is kept after the lock is given back under which it was judged
 *   M_APPLIEDFIRST a row is said to be applied before what it is about is forgotten
 *   M_DROPFIRST    what is kept is dropped, and then the change is noted
 *   M_ALLLATE      everything is dropped, and then it is noted that everything has changed
 *   M_PRUNENEWER -DROWS=3  a row that leaves the window takes a newer change of its subject along
 *   M_LOWERFIRST   the window is lowered before its rows are noted
 *   M_NOTEOLDER    an older row replaces a newer change of its subject
 *   M_JOINROW      the row at which the replica joined is not noted when the window is lowered
 *
 * Spares, still safe without:
 *   M_PRUNEFIRST   forgetting a row only when it has left the window
 */
#ifndef ROWS
#define ROWS 3
#endif
#ifndef WINDOW
#define WINDOW 3 /* rows that there is room for */
#endif

#define X   0
#define Y   1
#define ALL 2

/* The database. Row 0 was always there. */
byte head;
byte about[ROWS + 1];
bool goesOn[ROWS + 1];            /* the transaction has the next row as well */
byte was[2 * (ROWS + 1)];
#define VALUE(s, n) was[(s) * (ROWS + 1) + (n)]

/* The replica. kept is 0, or the value and 1. */
byte applied, low, top;           /* of the window */
byte last[2], lastAll, kept[2];
bool locked[2];

inline append(s, more) {
	head++;
	about[head] = s; goesOn[head] = more;
	VALUE(X, head) = VALUE(X, head - 1) + (s != Y);
	VALUE(Y, head) = VALUE(Y, head - 1) + (s != X)
}

active proctype Database() {
	do
	:: d_step { head < ROWS -> append(X, false) }
	:: d_step { head < ROWS -> append(Y, false) }
	:: d_step { head < ROWS -> append(ALL, false) }
	:: d_step { head + 1 < ROWS -> append(X, true); append(Y, false) }
	:: d_step { head + 1 < ROWS -> append(Y, true); append(X, false) }
	od
}

inline forget(s) {
#ifdef M_DROPFIRST
	d_step { !locked[s] -> kept[s] = 0 };
	d_step { !locked[s] -> last[s] = n }
#else
	d_step { !locked[s] -> last[s] = n; kept[s] = 0 }
#endif
}

inline forgetAll() {
#ifndef M_ALLLATE
	lastAll = n;
#endif
	d_step { !locked[X] -> last[X] = 0; kept[X] = 0 };
	d_step { !locked[Y] -> last[Y] = 0; kept[Y] = 0 };
#ifdef M_ALLLATE
	lastAll = n;
#endif
}

inline prune() {
	if
	:: out == 0 || about[out] == ALL
	:: else ->
#ifdef M_PRUNENEWER
	   d_step { !locked[about[out]] -> last[about[out]] = 0 }
#else
	   d_step { !locked[about[out]] -> if :: last[about[out]] == out -> last[about[out]] = 0 :: else fi }
#endif
	fi
}

#ifdef M_NOTEOLDER
#define OLDER(a, b) true
#else
#define OLDER(a, b) ((a) < (b))
#endif

inline note() {
	if
	:: about[n] == ALL -> d_step { if :: OLDER(lastAll, n) -> lastAll = n :: else fi }
	:: else -> d_step { !locked[about[n]] -> if :: OLDER(last[about[n]], n) -> last[about[n]] = n :: else fi }
	fi
}

active proctype Loop() {
	byte n, out;
	atomic { applied = head; low = head; top = head; run Fill(); run Lookup() };
	do
	:: applied < head ->
	   n = applied + 1;
#ifdef M_APPLIEDFIRST
	   applied = n;
#endif
	   if
	   :: about[n] == X -> forget(X)
	   :: about[n] == Y -> forget(Y)
	   :: about[n] == ALL -> forgetAll()
	   fi;
#ifdef M_PRUNEFIRST
	   if :: top - low + 1 == WINDOW -> out = low :: else fi;
	   prune();
	   d_step { if :: out > 0 || top - low + 1 == WINDOW -> low++ :: else fi; top = n };
#else
	   d_step { if :: top - low + 1 == WINDOW -> out = low; low++ :: else fi; top = n };
	   prune();
#endif
	   applied = n;
	   d_step { n = 0; out = 0 }
	:: low > 0 && top - low + 1 < WINDOW -> /* downwards, as far as there is room */
#ifdef M_LOWERFIRST
	   d_step { n = low; low = (top + 1 > WINDOW -> top + 1 - WINDOW : 0) };
	   do
	   :: n > low -> note(); n--
	   :: else -> break
	   od;
#else
#ifdef M_JOINROW
	   n = low - 1;
#else
	   n = low;
#endif
	   do
	   :: n > 0 && top - n + 1 <= WINDOW -> note(); n--
	   :: else -> break
	   od;
	   low = (top + 1 > WINDOW -> top + 1 - WINDOW : 0);
#endif
	   n = 0
	od
}

/* Somebody brings a record that was true at a place of the log at which it could be seen, and admits it. */
proctype Fill() {
	byte s, stamp, value, floor;
	do
	:: atomic {
		if :: s = X :: s = Y fi;
		stamp = head;
		do
		:: stamp > 0 -> stamp--
		:: !goesOn[stamp] -> break
		od;
		value = VALUE(s, stamp);
#ifdef M_ROWSTAMP
		do
		:: stamp > 0 && about[stamp] != s && about[stamp] != ALL -> stamp--
		:: else -> break
		od
#endif
#ifdef M_ROWHEAD
		stamp = head
#endif
	   };
	   d_step { !locked[s] -> locked[s] = true };
#ifndef M_FLOORLATE
	   floor = low;
#endif
#ifndef M_NOEARLY
	   if :: stamp > applied -> goto refused :: else fi;
#endif
#if !defined(M_NOFLOOR) && !defined(M_FLOORLATE)
	   if :: stamp < floor -> goto refused :: else fi;
	   if :: stamp < low || stamp > top -> goto refused :: else fi;
#endif
#ifndef M_NOLAST
	   if :: last[s] > stamp -> goto refused :: else fi;
#endif
#ifndef M_NOLASTALL
	   if :: lastAll > stamp -> goto refused :: else fi;
#endif
#ifdef M_FLOORLATE
	   if :: stamp < low || stamp > top -> goto refused :: else fi;
#endif
#ifdef M_UNLOCKED
	   locked[s] = false;
#endif
	   kept[s] = 1 + value;
refused:
	   atomic { locked[s] = false; s = 0; stamp = 0; value = 0; floor = 0 }
	od
}

inline get(s, value) {
	if
	:: d_step { kept[s] > 0 -> value = kept[s] - 1 }
#ifdef M_FLIGHT
	:: value = VALUE(s, 0)
#endif
	fi
}

proctype Lookup() {
	byte at, x, y, seen;
again:
	at = applied;
	get(X, x);
	get(Y, y);
#ifndef M_NOCOMPARE
	if :: applied != at -> goto over :: else fi;
#endif
	d_step {
		seen = at;
		do
		:: goesOn[seen] -> seen--
		:: else -> break
		od;
		assert(x == VALUE(X, at) && y == VALUE(Y, at));     /* true */
		assert(x == VALUE(X, seen) && y == VALUE(Y, seen)); /* whole */
		seen = 0
	};
over:
	atomic { at = 0; x = 0; y = 0 };
	goto again
}
