/* SPDX-License-Identifier: Apache-2.0
 *
 * log.pml: how a change gets its place in the history. The other models rely on what is shown here:
 *
 *   order  a reader that has read the log to its end knows every change that can be seen, and none comes in below;
 *   stamp  a value read together with the head of the log is the value at that place of the history;
 *   own    who believes that a change is made finds a row of its own at the place that it was told.
 *
 * A change is BEGIN, statements, and then one message, "SELECT ... FROM finish_change(); COMMIT". The deferred triggers
 * run in finish_change: they take the log's lock and append a row for each subject. Postgres releases locks after the
 * change can be seen. A transaction may end in a rollback at any point before that, and any process may stop for good.
 *
 * Sizes:
 *   small  -DCHANGES=3
 *   full   -DCHANGES=5
 *
 * Mutants, each without one guard, or with two that are each other's spare:
 *   M_NOLOCK + M_NOPRIMARY        numbering and commit hold no lock, and the number is no primary key
 *   M_OLDSNAP + M_NOPRIMARY       the newest number is read in a snapshot from before the lock (REPEATABLE READ)
 *   M_RELEASEFIRST + M_NOPRIMARY  the lock is released before the change can be seen
 *   M_SERIAL                      numbers come from a sequence, when the statements run
 *   M_TWOTX                       row of the log and change are two transactions
 *   M_NOMARK                      a change that finds nothing to alter gets no row of its own
 *   M_EARLYREPLY                  the place is believed before the COMMIT behind it is answered
 *   M_ROWHEAD                     a record is read first, and then the head of the log
 *   M_HEADLATE                    the reader goes on from the head of the log, asked for after the rows
 *
 * Spares, still safe without:
 *   M_NOLOCK                      a lock round numbering and commit
 *   M_OLDSNAP                     a snapshot from after the lock
 *   M_RELEASEFIRST                a lock that lasts until the change can be seen
 *   M_NOPRIMARY                   a primary key
 */
#ifndef CHANGES
#define CHANGES 3
#endif

#define X      0
#define Y      1
#define MARK   2 /* a row about nothing */
#define ROWS   (CHANGES + 2)
#define NOBODY 9

byte subject[ROWS + 1];        /* of the row with this number */
byte author[ROWS + 1];         /* who inserted it, committed or not */
bool visible[ROWS + 1];        /* it is committed */
byte head;                     /* the newest number that can be seen */
byte version[3];               /* how often each subject was changed, as far as can be seen */
bool rowLock[2], logLock;
byte sequence;                 /* for M_SERIAL */

/* Changes 0 and 3 alter X; change 1 alters Y and X in one transaction; change 2 finds nothing to alter. */
#define ALTERS_Y(me)   (me == 1)
#define ALTERS_X(me)   (me != 2)
#ifdef M_NOMARK
#define SIZE(me)       (me == 2 -> 0 : (me == 1 -> 2 : 1))
#else
#define SIZE(me)       (me == 1 -> 2 : 1)
#endif
#ifdef M_NOPRIMARY
#define FREE(n)        true
#else
#define FREE(n)        (author[n] == NOBODY)
#endif
#define SUBJECT(me, i) (me == 2 -> MARK : (me == 1 && i == 0 -> Y : X))

/* The statements lock each row that they alter until the transaction ends, all in one order: no deadlocks here. */
inline runStatements() {
	if
	:: ALTERS_Y(me) -> atomic { !rowLock[Y] -> rowLock[Y] = true }
	:: else
	fi;
	if
	:: ALTERS_X(me) -> atomic { !rowLock[X] -> rowLock[X] = true }
	:: else
	fi
}

inline release() {
	d_step {
		if :: ALTERS_Y(me) -> rowLock[Y] = false :: else fi;
		if :: ALTERS_X(me) -> rowLock[X] = false :: else fi;
		if :: locked -> logLock = false; locked = false :: else fi
	}
}

inline rollBack() {
	d_step {
		i = 1;
		do
		:: i <= ROWS -> if :: author[i] == me && !visible[i] -> author[i] = NOBODY; subject[i] = 0 :: else fi; i++
		:: else -> break
		od;
		i = 0
	};
	release()
}

/* What the client believes, when it does. */
inline believe() { assert(visible[mine] && author[mine] == me) }

inline showRows() {
	i = 0;
	do
	:: i < SIZE(me) -> visible[mine - i] = true; i++
	:: else -> break
	od;
	if :: mine > head -> head = mine :: else fi;
	i = 0
}

inline showVersions() {
	i = 0;
	do
	:: i < SIZE(me) -> version[SUBJECT(me, i)]++; i++
	:: else -> break
	od;
	i = 0
}

proctype Change(byte me) {
	byte i, newest, mine;
	bool locked;

#ifdef M_OLDSNAP
	newest = head;
#endif
	runStatements();
#ifdef M_SERIAL
	d_step { newest = sequence; sequence = sequence + SIZE(me) };
#endif
	if :: true -> rollBack(); goto done :: true fi;

#if !defined(M_NOLOCK) && !defined(M_SERIAL)
	atomic { !logLock -> logLock = true; locked = true };
#endif
#if !defined(M_OLDSNAP) && !defined(M_SERIAL)
	newest = head;
#endif
	mine = newest;
	do
	:: i < SIZE(me) ->
		/* A unique index makes the second wait for the first, and fail if that one commits. */
		if
		:: d_step { FREE(mine + 1) -> mine++; author[mine] = me; subject[mine] = SUBJECT(me, i); i++ }
		:: !FREE(mine + 1) && visible[mine + 1] -> rollBack(); goto done
		fi
	:: else -> i = 0; break
	od;
	if
#ifdef M_EARLYREPLY
	:: believe(); rollBack(); goto done
#endif
	:: true -> rollBack(); goto done
	:: true
	fi;

#ifdef M_RELEASEFIRST
	release();
#endif
#ifdef M_TWOTX
	d_step { showRows() };
	d_step { showVersions() };
#else
	d_step { showRows(); showVersions() };
#endif
#ifndef M_RELEASEFIRST
	release();
#endif
	believe();
done:
	atomic { i = 0; newest = 0; mine = 0 }
}

/* A replica's loop: it asks for what is past its place, and goes to the newest row that it is given. */
active proctype Loop() {
	byte applied, i, known[3];
	do
	:: d_step {
		i = applied + 1;
		do
		:: i <= ROWS -> if :: visible[i] -> known[subject[i]]++; applied = i :: else fi; i++
		:: else -> break
		od;
		i = 0;
		assert(known[X] == version[X] && known[Y] == version[Y] && known[MARK] == version[MARK])
	   }
#ifdef M_HEADLATE
	   ; applied = head
#endif
	od
}

/* A record of X. The log tells which value X has at a place of the history: as many changes as it has rows up to there. */
active proctype Fill() {
	byte value, stamp, i, rows;
	do
	::
#ifdef M_ROWHEAD
	   value = version[X];
	   stamp = head;
#else
	   d_step { value = version[X]; stamp = head };
#endif
	   d_step {
		i = 1;
		do
		:: i <= stamp -> if :: visible[i] && subject[i] == X -> rows++ :: else fi; i++
		:: else -> break
		od;
		assert(value == rows);
		value = 0; stamp = 0; i = 0; rows = 0
	   }
	od
}

init {
	atomic {
		byte i = 0;
		author[0] = NOBODY;
		do
		:: i < ROWS -> i++; author[i] = NOBODY
		:: else -> break
		od;
		i = 0;
		do
		:: i < CHANGES -> run Change(i); i++
		:: else -> break
		od
	}
}
