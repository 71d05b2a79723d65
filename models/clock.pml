/* SPDX-License-Identifier: Apache-2.0
 *
 * clock.pml: a lease by one clock, waited for by another.
 *
 * Neither clock is right. Each tick both advance by 8, 9 or 10 units, as they please: two clocks may be a quarter apart,
 * either of them too fast or too slow, and change as they go. A replica asks, and the answer may come late or miss the
 * change; its lease counts from when it asked, by its clock. A call commits, gets its reply late, and waits by its own
 * clock. A collector that waits for a silent member to be dead does the same, with the member's last round in the place
 * of the change.
 *
 * Timers say what is left, or how long ago something was, so this holds for any number of rounds and any length of time.
 *
 * Shown: when the wait is over, no lease is left from a round that did not see the change. The other models say so for a
 * wait of as many ticks as a lease has, and rest on this.
 *
 * Sizes:
 *   small  -DV=72
 *   full   -DV=144
 *
 * Mutants, each without one guard:
 *   M_NOMARGIN     the wait is as long as the lease
 *   M_ONECLOCK     the wait allows for one clock that is wrong by a ninth, not for two
 *   M_NOROOM       the wait has no room for suspends that were too short to be noticed
 *   M_MONOTONIC    a lease is measured by a clock that stands still while the machine is suspended
 *   M_SETCLOCK     a lease is measured by a clock that somebody may set
 *   M_TICKER       a look-up goes by a time that was read before it began
 *   M_T0AFTER      a lease counts from the answer
 *   M_SINCEEARLY   the wait counts from before the commit
 */
#ifndef V
#define V 72
#endif
#define SLIPS 1 /* units that the replica's clock may lose in suspends that nobody notices, in all */

#ifdef M_NOMARGIN
#define W V
#else
#ifdef M_ONECLOCK
#define W (V + V / 9 + 2)
#else
#ifdef M_NOROOM
#define W (V + V / 4)
#else
#define W (V + V / 4 + 2)
#endif
#endif
#endif

short age = V;      /* since the replica asked; no more than V counts */
short left;         /* of a lease from a round that did not see the change */
short wait;
byte slips;
bool committed, ok;
bool knows;         /* the replica has applied the change */

/* How far a clock advances in a tick. */
inline advance(by) {
	if
	:: by = 8
	:: by = 9
	:: by = 10
	fi
}

active proctype Time() {
	byte his, hers; /* the replica's clock, and the call's */
	do
	:: atomic {
		advance(his);
		advance(hers);
		if
		:: slips < SLIPS -> slips++; his--
#ifdef M_MONOTONIC
		:: his = 0
#endif
		:: true
		fi;
		age = (age + his < V -> age + his : V);
#ifdef M_SETCLOCK
		if
		:: left > 0 -> left = V
		:: true
		fi;
#endif
		left = (left > his -> left - his : 0);
		wait = (wait > hers -> wait - hers : 0);
		his = 0; hers = 0
	   }
	od
}

active proctype Replica() {
	bool sees;
	do
	:: age = 0;
	   sees = committed;
#ifdef M_T0AFTER
	   age = 0;
#endif
	   if
	   :: sees -> break /* from here on it knows */
	   :: else -> d_step { if :: V - age > left -> left = V - age :: else fi; age = V }
	   fi
	od;
	atomic { knows = true; left = 0 }
}

active proctype Call() {
#ifdef M_SINCEEARLY
	wait = W;
#endif
	committed = true;
#ifndef M_SINCEEARLY
	wait = W;
#endif
	wait == 0;
	ok = true
}

active proctype Lookup() {
	bool leased;
#ifdef M_TICKER
	leased = left > 0;
	ok;
#else
	ok;
	leased = left > 0;
#endif
	assert(!leased || knows)
}
