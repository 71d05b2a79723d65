// SPDX-License-Identifier: Apache-2.0

// Package simulation runs the very code of package fence, whole fleets of it, in a world that is made to be unkind: in a
// few milliseconds a seed goes through half a minute of failovers, frozen processes, lost replies and clocks that do not
// agree, and whatever happens there happens again, step by step, with the same seed.
//
//	make sim                                                   a thousand seeds
//	go test -tags sim ./internal/fence/simulation -sim.seeds 5000
//	go test -tags sim ./internal/fence/simulation -sim.seed 17 -sim.trace     one seed, and what happened
//
// How it works. The program marks places where something else may happen first, by calls of step, which are nothing but in
// a build with the tag sim. There, step parks the goroutine, and the scheduler lets one go on at a time, which one the seed
// says. Time is that of a testing/synctest bubble: it passes when the scheduler lets it. What the fence asks for through its
// ports, the log, the members, the database, the shelf and the clock, is answered by models of them.
//
// Where to begin. world_test.go is one seed from beginning to end. scheduler_test.go is who goes next. server_test.go and
// cluster_test.go are Postgres: two servers, of which each may have been the primary. gateway_test.go and admin_test.go
// are those who use the service; faults_test.go is what goes wrong. answers_test.go and invariants_test.go are what must
// hold all the same: each check is named there, from I1 to I18, and says what it means.
//
// What is checked, by the names that its messages have:
//
//	I1   an answer knows of every change that was answered OK before the look-up began: judgeRevision, and once more
//	     without revisions, by what is allowed alone: judgeDecision
//	I2   what is applied grows by one row at a time, and when something last changed is not forgotten: checkProgress, checkKept
//	I3   who says to have applied a row has: mustHaveApplied
//	I4   a lease counts from before the last confirmed, complete round began: checkLease
//	I5   who has a lease has applied what is older than any lease: checkLease
//	I6   what is kept is what the history says at what is applied: checkKept
//	I7   what an answer is made of was admitted by who made it: judgeFacts
//	I8   the lease is checked after the look-up began and before anything is read: observe
//	I9   OK is said only to who has made a commit of their own that stays: judgeOK
//	I10  when OK is said, every process with a lease has applied the change: judgeOK
//	I11  who has a lease is on the list of members: checkLease
//	I12  the log has no gap, and what is safe is never lost: the model of the database, in history.save
//	I13  a change is answered when every lease must be over, whatever happens: checkBarriers
//	I14  whatever the shelf plays back is true, or is not used: judgeFacts
//	I15  what nobody understands empties the caches: checkKept
//	I16  the dead are taken off the list, in time: checkRecovered, and not too soon: I11
//	I17  nobody holds a lock while they wait: check
//	I18  without a lease nothing is answered, and nobody says that they are well: observe, ping
//
// and, by name: that who asks for all that was committed gets it, and nothing that may be lost ("strong"); that who asks for
// a revision is not given an older one, nor told that it is unknown ("at least"); that what expires is judged in time
// ("time"); that refusals say why ("refusals"); that a closed database is not used ("close"); and that everything is right
// again soon after nothing is wrong any more ("recovery").
//
// That the simulation would notice if a guard were missing is shown by the mutants, in the folder beside this one.
package simulation
