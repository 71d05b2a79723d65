/* SPDX-License-Identifier: Apache-2.0
 *
 * lease.pml: whom a change waits for, and until when, on one database that never fails over.
 *
 * One replica that decides is enough: a change waits for each member by itself. The replica follows the log, loses its
 * membership, joins again. A call at another replica takes a key away, or repeats what somebody else did whose replica
 * died before it answered. A third replica collects who is silent. Any of them may stop for good between two steps:
 * nothing here is fair.
 *
 * What a look-up answers is stood for by how far its generation has applied the log when it reads; records.pml shows that
 * answers are true there. Shown:
 *
 *   promise  a look-up that begins after a call was answered OK reads at a place that has the change;
 *   strong   so does one that asks for CONSISTENCY_STRONG and begins after the commit.
 *
 * Time is ticks that come at any moment, without end, and every timer counts down. A lease of V ticks, on the slowest
 * clock that there may be, is not outlasted by a wait of W ticks on the fastest: that is what clock.pml is about.
 *
 * Sizes:
 *   small  -DLIVES=1 -DROWS=2 -DV=1
 *   full   -DLIVES=2 -DROWS=2 -DV=2
 *
 * Mutants, each without one guard:
 *   M_NOWAIT       a change is answered when it is committed
 *   M_SHORTWAIT    a change waits for less than a lease
 *   M_SINCEEARLY   the wait counts from before the reply to the commit
 *   M_LATELIST     the members are listed by a question from before the commit
 *   M_NOLIST       a list that could not be had is taken for an empty one
 *   M_NOMARK       a repetition that finds the change made says so at once
 *   M_MARKUNWAITED the mark of a repetition is waited for by nobody
 *   M_FIRSTROW     a change of two rows is said to be at the first of them
 *   M_T0AFTER      a lease counts from the answer to the round
 *   M_READLEASE    reading the log extends the lease as well
 *   M_CUTREAD      an answer that was cut off at its limit extends the lease
 *   M_STRANGER     a round is answered whether or not there is a row of the member
 *   M_UPSERT       a round makes the row anew that it does not find
 *   M_ACKFIRST     rows are acknowledged, and then applied
 *   M_READFIRST    what is kept is read, and then the lease is checked
 *   M_LEAVEFIRST   a replica leaves, and then decides no more
 *   M_NOSILENCE    a member is collected without having been silent for long
 *   M_SILENCEEARLY silence counts from before the beat was read
 *   M_ANYBEAT      a member is collected although it has made a round since
 *   M_STRONGANY    the end of a round that was under way satisfies CONSISTENCY_STRONG
 *
 * Spares, still safe without:
 *   M_HEADFIRST    reading the head of the log only when the row is there
 */
#ifndef ROWS
#define ROWS 3 /* of the log */
#endif
#ifndef LIVES
#define LIVES 2 /* incarnations of the replica, 2 at most */
#endif
#ifndef V
#define V 2
#endif
#ifdef M_SHORTWAIT
#define W (V - 1)
#else
#define W V
#endif

/* The database. Row 0 was always there. */
byte head, taken;          /* the newest row; the row that takes the key away, 0: none has */
bool row[3];               /* the member's row is there */
byte acked[3];
bool beaten[3] = true;    /* its beat is another than the one that the collector noted */

/* The replica. */
byte current;              /* the generation, 0: none */
byte applied[3];
byte left[3];             /* of the lease */
byte fresh;                /* of a lease that counts from when the question was asked */
byte strong;               /* a strong look-up waits; 1: asked, 2: a round began since, 3: and was done */

byte wait, silent;         /* of the call; of the collector */
bool ok;                   /* a call was answered OK */

active proctype Time() {
	do
	:: d_step {
		if :: fresh > 0 -> fresh-- :: else fi;
		if :: silent > 0 -> silent-- :: else fi;
		if :: wait > 0 -> wait-- :: else fi;
		if :: left[1] > 0 -> left[1]-- :: else fi;
		if :: left[2] > 0 -> left[2]-- :: else fi
	   }
	od
}

/* Others change something else; or they take the key away as well, and their replica dies before it answers. */
active proctype Others() {
	do
	:: d_step { head < ROWS - 1 -> head++ }
	:: d_step { head < ROWS - 1 && taken == 0 -> head++; taken = head }
	od
}

inline list() { d_step { listed[1] = row[1]; listed[2] = row[2] } }

#define KNOWS(i) (!listed[i] || !row[i] || acked[i] >= mine)

#ifdef M_FIRSTROW
#define PLACE (head - 1)
#else
#define PLACE head
#endif

active proctype Call() {
	byte mine;
	bool listed[3], mark;

#ifdef M_NOMARK
	if
	:: taken > 0 -> ok = true; goto answered
	:: else
	fi;
#endif
#ifdef M_SINCEEARLY
	wait = W;
#endif
#ifdef M_LATELIST
	list();
#endif
	if
	:: d_step { taken == 0 && head + 1 < ROWS -> head = head + 2; mine = PLACE; taken = head } /* two rows */
	:: d_step { taken == 0 -> head++; mine = head; taken = head }
	:: d_step { taken > 0 -> head++; mine = head; mark = true }
	fi;
#ifdef M_MARKUNWAITED
	if :: mark -> ok = true; goto answered :: else fi;
#endif
#ifndef M_SINCEEARLY
	wait = W;
#endif
#ifdef M_NOWAIT
	wait = 0;
#endif
#ifdef M_NOLIST
	if
	:: wait = 0
	:: true
	fi;
#endif
	if
	:: wait == 0 /* no list was to be had */
#ifdef M_LATELIST
	:: wait == 0 || (KNOWS(1) && KNOWS(2))
#else
	:: list(); (wait == 0 || (KNOWS(1) && KNOWS(2)))
#endif
	fi;
	ok = true;
answered:
	atomic { mine = 0; listed[1] = false; listed[2] = false; mark = false; wait = 0 }
}

/* The replica's loop. Answers have at most one row that is new, so that they may be cut off there. */
active proctype Loop() {
	byte me, seen;
	bool cutOff, there;
join:
	me < LIVES; me++;
#ifdef M_HEADFIRST
	seen = head;
	row[me] = true;
	d_step { applied[me] = seen; current = me; seen = 0 };
#else
	row[me] = true;
	d_step { applied[me] = head; current = me };
#endif
follow:
	if
	:: goto round
	:: d_step { applied[me] < head -> applied[me]++ }; /* it looks, which proves nothing */
#ifdef M_READLEASE
	   left[me] = V;
#endif
	   goto follow
	:: goto leave
	fi;

round:
	atomic { fresh = V; if :: strong == 1 -> strong = 2 :: else fi };
more:
	atomic { /* the statement sees what was committed before it, and its commit comes later */
		cutOff = applied[me] < head;
		seen = applied[me] + cutOff
	};
	d_step {
		there = row[me];
#ifdef M_UPSERT
		row[me] = true; there = true;
#endif
#ifdef M_STRANGER
		there = true;
#endif
		if :: row[me] -> beaten[me] = true :: else fi
	};
	if
	:: d_step { fresh = 0; seen = 0; cutOff = false; there = false }; goto follow /* the answer is lost */
	:: !there -> d_step { left[me] = 0; fresh = 0; seen = 0; cutOff = false }; goto join
	:: there
	fi;
#ifdef M_T0AFTER
	fresh = V;
#endif
#ifdef M_ACKFIRST
	if :: row[me] -> acked[me] = seen :: true fi;
#endif
	applied[me] = seen;
#ifndef M_CUTREAD
	if
	:: cutOff -> d_step { fresh = V; seen = 0; cutOff = false; there = false }; goto more
	:: else
	fi;
#endif
	d_step {
		if :: fresh > left[me] -> left[me] = fresh :: else fi;
#ifdef M_STRONGANY
		if :: strong > 0 -> strong = 3 :: else fi;
#else
		if :: strong == 2 -> strong = 3 :: else fi;
#endif
		fresh = 0; seen = 0; cutOff = false; there = false
	};
	goto follow;

leave:
#ifdef M_LEAVEFIRST
	row[me] = false;
	left[me] = 0;
#else
	left[me] = 0;
	row[me] = false;
#endif
	goto join
}

/* Acknowledgements travel beside, late or never. */
active proctype Ack() {
	do
	:: d_step { row[1] && acked[1] < applied[1] -> acked[1] = applied[1] }
	:: d_step { row[2] && acked[2] < applied[2] -> acked[2] = applied[2] }
	od
}

active proctype Collector() {
	byte it;
#ifdef M_SILENCEEARLY
	silent = W;
#endif
	if
	:: d_step { row[1] -> it = 1; beaten[1] = false }
	:: d_step { row[2] -> it = 2; beaten[2] = false }
	fi;
#if !defined(M_SILENCEEARLY) && !defined(M_NOSILENCE)
	silent = W;
#endif
	silent == 0;
#ifdef M_ANYBEAT
	row[it] = false;
#else
	d_step { if :: row[it] && !beaten[it] -> row[it] = false :: else fi };
#endif
	d_step { it = 0; beaten[1] = true; beaten[2] = true }
}

proctype Lookup() {
	byte g, at;
	ok;
	g = current;
#ifdef M_READFIRST
	at = applied[g];
	left[g] > 0;
#else
	left[g] > 0; /* else it waits, as long as it likes */
	at = applied[g];
#endif
	assert(at >= taken)
}

proctype StrongLookup() {
	byte g;
	taken > 0;
	strong = 1;
	strong == 3;
	g = current;
	left[g] > 0;
	assert(applied[g] >= taken)
}

init {
	if
	:: run Lookup()
	:: run StrongLookup()
	fi
}
