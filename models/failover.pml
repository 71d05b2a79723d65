/* SPDX-License-Identifier: Apache-2.0
 *
 * failover.pml: the promise when the database fails over, and the old primary lives on.
 *
 * Server S is the primary at first, P its synchronous standby. Then the two are cut off from each other: S confirms
 * nothing any more, but answers reads, and shows commits that nobody confirmed, since a wait for the standby was
 * cancelled. Then P is promoted, and S lives on like that. So the two logs may have different rows at the same numbers.
 *
 * Every statement of the replica and of the call may go to either server at any time: by an old connection, or an old
 * address. Acknowledgements travel by any way. Records may be read from either server and come as late as they like. One
 * replica decides, which joins again with a new generation when the log is not the one that it knows.
 *
 * Shown: no look-up that begins after the call was answered OK can admit a record by which the key is good. What is kept
 * was admitted as well, and records.pml is about whether it still would be. Also: what a strong look-up rests on is not
 * undone by a failover.
 *
 * Time is as in lease.pml.
 *
 * Sizes:
 *   small  -DLIVES=1 -DV=1
 *   full   -DLIVES=2 -DV=2
 *
 * Mutants, each without one guard:
 *   M_UNCONFIRMED  a commit of the call that was not confirmed counts
 *   M_NOMARK       a repetition that finds the change made waits for that, and makes no row of its own
 *   M_ANYLIST      a list of members is believed from a server that does not have the change
 *   M_NOTAGHELD    a server is taken to have the change if its log is as long
 *   M_NOTAGACK     what was acknowledged is compared by number alone
 *   M_JOINASYNC    a replica has joined although the commit of its row was not confirmed
 *   M_READROUND    a round extends the lease although its commit was not confirmed
 *   M_NOTAGTAIL    the log is followed by number alone
 *   M_ADOPT        when the log turns out to be another one, everything is dropped, and the same generation goes on
 *   M_REPICK -DLIVES=2  a look-up takes the newest generation after it has checked the lease of another
 *   M_NOTAGADMIT   records are admitted by number alone
 *   M_LOWERBLIND   the window is lowered with whatever rows a server gives
 *   M_STRONGREAD   a strong look-up rests on what a mere read has brought
 */
#ifndef V
#define V 1
#endif
#define W V
#ifndef LIVES
#define LIVES 2 /* generations, 2 at most */
#endif

#define S 0
#define P 1

/* Tags of rows. The odd ones take the key away. */
#define TAKES_S 1
#define OTHER_S 2
#define TAKES_P 3
#define OTHER_P 4
#define TAKES(tag) ((tag) % 2 == 1)

/* The servers. phase: 0 S confirms, 1 nobody does, 2 P does. Row 0 was always there, on both. */
byte phase;
byte length[2];
byte log[6];
#define ROW(z, n) log[(z) * 3 + (n)]
bool member[6];
#define MEMBER(z, g) member[(z) * 3 + (g)]
#define CONFIRMS(z) ((z == S && phase == 0) || (z == P && phase == 2))

/* The replica: its generations 1 and 2. */
byte current;
byte applied[3], low[3], vouched[3], left[3];
byte known[9];
#define KNOWN(g, n) known[(g) * 3 + (n)]

byte fresh, wait;
bool ok;
bool strong;               /* what a strong look-up answers is looked at, and not the call */

active proctype Time() {
	do
	:: d_step {
		if :: fresh > 0 -> fresh-- :: else fi;
		if :: wait > 0 -> wait-- :: else fi;
		if :: left[1] > 0 -> left[1]-- :: else fi;
		if :: left[2] > 0 -> left[2]-- :: else fi
	   }
	od
}

inline append(z, tag) { length[z]++; ROW(z, length[z]) = tag }

#define TAKEN(z) (TAKES(ROW(z, 1)) || TAKES(ROW(z, 2)))

/* What happens to the servers, and what others change; their calls may have died before they were answered. */
active proctype Servers() {
	do
	:: phase < 2 -> phase++
	:: d_step { phase == 0 && length[S] < 2 -> append(S, OTHER_S); append(P, OTHER_S) }
	:: d_step { phase > 0 && length[S] < 2 -> append(S, OTHER_S) }
	:: d_step { phase > 0 && length[S] < 2 && !TAKEN(S) -> append(S, TAKES_S) }
	:: d_step { phase == 2 && length[P] < 2 -> append(P, OTHER_P) }
	od
}

/* The call: the change, or the mark where it is made already; and the barrier. */
#ifdef M_ANYLIST
#define HELD(z) true
#else
#ifdef M_NOTAGHELD
#define HELD(z) (length[z] >= mine)
#else
#define HELD(z) (ROW(z, mine) == tag)
#endif
#endif
/* What is acknowledged is in the log of z, and not before the change. Who has applied it may have said so then. */
#ifdef M_NOTAGACK
#define ACKED(z, g) (applied[g] >= mine)
#else
#define ACKED_AT(z, g, n) (mine <= (n) && applied[g] >= (n) && KNOWN(g, n) == ROW(z, n))
#define ACKED(z, g)       (ACKED_AT(z, g, 1) || ACKED_AT(z, g, 2))
#endif
#define SEEN(z, g) (HELD(z) && (!MEMBER(z, g) || ACKED(z, g)))
#define PASSED(g)  (!listed[g] || SEEN(S, g) || SEEN(P, g))

proctype Call() {
	byte mine, tag;
	bool listed[3];
	if
	:: d_step { phase == 0 && length[S] < 2 ->
		tag = (TAKEN(S) -> OTHER_S : TAKES_S);
		append(S, tag); append(P, tag); mine = length[S] }
	:: d_step { phase == 2 && length[P] < 2 ->
		tag = (TAKEN(P) -> OTHER_P : TAKES_P);
		append(P, tag); mine = length[P] }
#ifdef M_UNCONFIRMED
	:: d_step { phase > 0 && length[S] < 2 ->
		tag = (TAKEN(S) -> OTHER_S : TAKES_S);
		append(S, tag); mine = length[S] }
#endif
#ifdef M_NOMARK
	:: d_step { TAKEN(S) -> mine = (TAKES(ROW(S, 1)) -> 1 : 2); tag = ROW(S, mine) }
#endif
	fi;
	wait = W;
	if
	:: wait == 0
	:: d_step { HELD(S) -> listed[1] = MEMBER(S, 1); listed[2] = MEMBER(S, 2) }
	:: d_step { HELD(P) -> listed[1] = MEMBER(P, 1); listed[2] = MEMBER(P, 2) }
	fi;
	wait == 0 || (PASSED(1) && PASSED(2));
	atomic { ok = true; mine = 0; tag = 0; listed[1] = false; listed[2] = false; wait = 0 }
}

/* Admission. A record by which the key is good was true at n of z, if nothing up to there takes the key away. */
#define GOOD(z, n) ((n) <= length[z] && !TAKES(ROW(z, 1)) && ((n) < 2 || !TAKES(ROW(z, 2))))
#ifdef M_NOTAGADMIT
#define OURS(g, z, n) true
#else
#define OURS(g, z, n) (KNOWN(g, n) == ROW(z, n))
#endif
#define CHANGED_AT(g, n, m) ((n) < (m) && applied[g] >= (m) && TAKES(KNOWN(g, m)))
#define CHANGED(g, n) (CHANGED_AT(g, n, 1) || CHANGED_AT(g, n, 2))
#define ADMITTED(g, n) ((n) <= applied[g] && (n) >= low[g] && !CHANGED(g, n))
#define COMES(g, z, n) (GOOD(z, n) && ADMITTED(g, n) && OURS(g, z, n))
#define ADMITS(g) (ADMITTED(g, 0) || COMES(g, S, 1) || COMES(g, S, 2) || COMES(g, P, 1) || COMES(g, P, 2))

/* The answer that server z gives, or gave when its log was as long as newest, is of the log that is known. */
#ifdef M_NOTAGTAIL
#define SAME(z, newest) (newest >= applied[g])
#else
#define SAME(z, newest) (newest >= applied[g] && KNOWN(g, applied[g]) == ROW(z, applied[g]))
#endif

inline applyOne(z) { KNOWN(g, applied[g] + 1) = ROW(z, applied[g] + 1); applied[g]++ }

inline adopt(z, newest) {
	left[g] = 0; applied[g] = newest; low[g] = newest;
	KNOWN(g, 1) = ROW(z, 1); KNOWN(g, 2) = ROW(z, 2)
}

inline begin(z) {
	applied[g] = length[z]; low[g] = applied[g]; KNOWN(g, applied[g]) = ROW(z, applied[g]);
	current = g
}

/* One row more, which proves nothing. */
inline look(z) {
	if
	:: d_step { SAME(z, length[z]) && applied[g] < length[z] -> applyOne(z) }
	:: !SAME(z, length[z]) -> at = z; newest = length[z]; goto mismatch
	fi
}

#ifdef M_LOWERBLIND
#define LOWERS(z) (low[g] > 0 && length[z] >= low[g])
#else
#define LOWERS(z) (low[g] > 0 && length[z] >= low[g] && KNOWN(g, low[g]) == ROW(z, low[g]))
#endif

inline lower(z) {
	if :: low[g] == 2 -> KNOWN(g, 1) = ROW(z, 1) :: else fi;
	low[g] = 0
}

active proctype Loop() {
	byte g, at, newest;
join:
	g < LIVES; g++;
	if
	:: d_step { phase == 0 -> MEMBER(S, g) = true; MEMBER(P, g) = true }
	:: d_step { phase == 2 -> MEMBER(P, g) = true }
#ifdef M_JOINASYNC
	:: MEMBER(S, g) = true
#endif
	fi;
	if /* the head of the log, from wherever */
	:: d_step { begin(S) }
	:: d_step { begin(P) }
	fi;
follow:
	if
	:: goto round
	:: look(S)
	:: look(P)
	:: d_step { LOWERS(S) -> lower(S) }
	:: d_step { LOWERS(P) -> lower(P) }
	:: goto leave
	fi;
	goto follow;

round:
	fresh = V;
	if /* the snapshot; its commit comes later */
	:: d_step { at = S; newest = length[S] }
	:: d_step { at = P; newest = length[P] }
	fi;
	if
	:: CONFIRMS(at) && !MEMBER(at, g) -> goto leave
	:: CONFIRMS(at) && MEMBER(at, g)
#ifdef M_READROUND
	:: MEMBER(at, g)
#endif
	:: d_step { at = 0; newest = 0; fresh = 0 }; goto follow
	fi;
	if
	:: !SAME(at, newest) -> goto mismatch
	:: d_step {
		SAME(at, newest);
		do
		:: applied[g] < newest -> applyOne(at)
		:: else -> break
		od;
		vouched[g] = (strong -> applied[g] : 0);
		if :: fresh > left[g] -> left[g] = fresh :: else fi;
		at = 0; newest = 0; fresh = 0
	   }
	fi;
	goto follow;

mismatch:
#ifdef M_ADOPT
	atomic { adopt(at, newest); at = 0; newest = 0; fresh = 0 };
	goto follow;
#endif
leave:
	atomic { left[g] = 0; at = 0; newest = 0; fresh = 0 };
	if
	:: atomic { MEMBER(S, g) = false; MEMBER(P, g) = false }
	:: true /* left to be collected */
	fi;
	goto join
}

proctype Lookup() {
	byte g;
	bool good;
	ok;
	g = current;
	left[g] > 0;
#ifdef M_REPICK
	g = current;
#endif
	good = ADMITS(g);
	assert(!good)
}

proctype StrongLookup() {
	byte g;
	g = current;
	left[g] > 0;
#ifdef M_STRONGREAD
	assert(KNOWN(g, applied[g]) == ROW(P, applied[g]))
#else
	assert(applied[g] > vouched[g] || KNOWN(g, applied[g]) == ROW(P, applied[g]))
#endif
}

init {
	if
	:: atomic { run Call(); run Lookup() }
	:: atomic { strong = true; run StrongLookup() }
	fi
}
