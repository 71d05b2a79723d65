/* SPDX-License-Identifier: Apache-2.0
 *
 * members.pml: who is on the list, when servers do not agree.
 *
 * The servers are those of failover.pml, looked at more closely. S writes what is committed to its journal, in one order,
 * and shows it later, perhaps in another: when P has confirmed the journal up to there, or when the wait for P was
 * cancelled. P plays the journal, as slowly as it likes, until it is promoted, and answers reads meanwhile. A commit
 * holds the lock of its row from the journal until it shows.
 *
 * One member joins and makes rounds, one call makes a change, one replica collects the member if it is silent. The member
 * is followed until it knows the change; what it decides before, it decides without it. Shown: no lease without the
 * change is left once the call was answered OK.
 *
 * Time is as in lease.pml.
 *
 * Sizes:
 *   small  -DV=1 -DROUNDS=3
 *   full   -DV=2 -DROUNDS=4
 *
 * Mutants, each without one guard:
 *   M_ANYLIST      a list is believed from a server that does not have the change
 *   M_STANDBY      a list is asked of a standby
 *   M_BEATCOUNTS   a round sets the beat to one more than it was on that server
 *   M_NOROWLOCK    a round and a removal do not wait for each other on the member's row
 *   M_ANYBEAT      a member is collected whatever its beat is
 */
#ifndef V
#define V 1
#endif
#define W V
#ifndef ROUNDS
#define ROUNDS 3 /* attempts at a round */
#endif

#ifdef M_ANYBEAT
#define ANYBEAT true
#else
#define ANYBEAT false
#endif

#define S 0
#define P 1

mtype = { JOINED, BEAT, REMOVED, CHANGED };

byte phase;                 /* 0: S is the primary, 1: cut off, 2: P is */
chan journal = [ROUNDS + 3] of { mtype, byte };
bool there[2], changed[2];  /* the member's row; the change */
byte beat[2];
bool locked;                /* the member's row on S */

byte left, fresh, wait, silent;
bool ok;

active proctype Time() {
	do
	:: d_step {
		if :: left > 0 -> left-- :: else fi;
		if :: fresh > 0 -> fresh-- :: else fi;
		if :: wait > 0 -> wait-- :: else fi;
		if :: silent > 0 -> silent-- :: else fi
	   }
	od
}

active proctype Standby() {
	byte b;
	do
	:: atomic {
		if
		:: journal ? JOINED(b) -> there[P] = true
		:: journal ? BEAT(b) -> beat[P] = b
		:: journal ? REMOVED(b) -> there[P] = false
		:: journal ? CHANGED(b) -> changed[P] = true
		fi;
		b = 0
	   }
	:: phase == 0 -> phase = 1
	:: atomic { phase == 1 && empty(journal) -> phase = 2 } /* it plays all it has got, and then it is promoted */
	od
}

/* What S commits reaches the standby while they are not cut off. Only then is it ever confirmed. */
inline write(what, number) {
	atomic {
		sent = (phase == 0);
		if :: sent -> journal ! what(number) :: else fi
	}
}

active proctype Member() {
	byte attempt, number;
	bool knows, sent, found;
	if
	:: write(JOINED, 0); there[S] = true; sent
	:: d_step { phase == 2 -> there[P] = true }
	fi;
	do
	:: attempt < ROUNDS ->
	   attempt++;
	   fresh = V;
	   if
	   :: true -> /* on S, old primary or not */
	      knows = changed[S];
#ifdef M_NOROWLOCK
	      found = there[S];
#else
	      atomic { !locked -> locked = true; found = there[S] };
#endif
#ifdef M_BEATCOUNTS
	      number = beat[S] + 1;
#else
	      number = attempt;
#endif
	      if
	      :: found ->
	         write(BEAT, number);
	         d_step { beat[S] = number; locked = false }
	      :: else -> locked = false; break
	      fi
	   :: phase == 2 ->
	      knows = changed[P];
#ifdef M_BEATCOUNTS
	      number = beat[P] + 1;
#else
	      number = attempt;
#endif
	      d_step {
		found = there[P]; sent = true;
		if :: found -> beat[P] = number :: else fi
	      };
	      if :: !found -> break :: else fi
	   fi;
	   if
	   :: sent && !knows -> d_step { if :: fresh > left -> left = fresh :: else fi }
	   :: sent && knows -> break
	   :: true /* not confirmed, or the answer is lost */
	   fi;
	   atomic { fresh = 0; number = 0; found = false; sent = false; knows = false }
	od;
	atomic { left = 0; fresh = 0; number = 0; found = false; sent = false; knows = false; attempt = 0 }
}

/* The change is made on whichever server is the primary. Who is on a list that is believed is waited for: until its time is
 * over, since the member here never knows. */
active proctype Call() {
	bool sent;
	if
	:: write(CHANGED, 0); changed[S] = true; sent
	:: d_step { phase == 2 -> changed[P] = true }
	fi;
	wait = W;
	if
	:: wait == 0
#ifdef M_ANYLIST
	:: !there[S]
	:: phase == 2 && !there[P]
#else
	:: changed[S] && !there[S]
#ifdef M_STANDBY
	:: changed[P] && !there[P]
#else
	:: phase == 2 && changed[P] && !there[P]
#endif
#endif
	fi;
	atomic { ok = true; sent = false; wait = 0 }
}

active proctype Collector() {
	byte noted;
	bool found, sent;
	if /* the list, from any server */
	:: d_step { there[S] -> noted = beat[S] }
	:: d_step { there[P] -> noted = beat[P] }
	fi;
	silent = W;
	silent == 0;
	if
	:: d_step {
		phase == 2 && there[P];
		if :: beat[P] == noted || ANYBEAT -> there[P] = false :: else fi
	   }
	:: /* on S, and if it is cut off, for itself */
#ifdef M_NOROWLOCK
	   found = there[S] && (beat[S] == noted || ANYBEAT);
#else
	   atomic { !locked -> locked = true; found = there[S] && (beat[S] == noted || ANYBEAT) };
#endif
	   if
	   :: found -> write(REMOVED, 0); d_step { there[S] = false; locked = false }
	   :: else -> locked = false
	   fi
	fi;
	atomic { noted = 0; found = false; sent = false }
}

active proctype Lookup() {
	ok;
	assert(left == 0)
}
