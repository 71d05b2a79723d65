// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"context"
	"runtime/pprof"
	"sync"
	"unsafe"
)

// An actor is somebody of whom a goroutine is a part, with all the goroutines that it starts: a process of a replica, or
// one call that is made there, or somebody outside.
type actor struct {
	name    string
	process *process // that it runs in; nil: outside
	lookUp  *lookUp  // that it is; nil: none
	call    *call    // that it is; nil: none
}

// halted reports whether the actor may not go on.
func (a *actor) halted() bool { return a.process != nil && (a.process.paused || a.process.dead) }

// The actor of a goroutine is told by its profiler labels, which a goroutine hands on to those that it starts. The runtime
// gives everybody the pointer, which is all that is needed here, but has no exported function for it.
//
//go:linkname profilerLabels runtime/pprof.runtime_getProfLabel
func profilerLabels() unsafe.Pointer

var actors sync.Map // from the pointer to the labels to the *actor

func whoami() *actor {
	a, ok := actors.Load(profilerLabels())
	if !ok {
		panic("a goroutine that belongs to nobody has come to a step")
	}
	return a.(*actor)
}

// start runs a function in a goroutine of an actor, from its first turn on.
func (s *scheduler) start(a *actor, f func()) {
	labels := pprof.WithLabels(context.Background(), pprof.Labels("actor", a.name))
	go func() {
		pprof.SetGoroutineLabels(labels)
		actors.Store(profilerLabels(), a)
		s.step("start")
		f()
	}()
}
