// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// A BootClock is the kernel's clock that runs on while the machine is suspended, and that nobody sets. Go's monotonic clock
// stops in a suspend, which a lease must not.
//
// To ask the kernel for it is a system call, which may take longer than a decision. So it is reckoned from Go's clock, which
// takes none, and the time that was spent suspended. A suspend shows: it moves the wall clock, and not the monotonic one, by
// what it adds to the boot clock. Whenever those two are not as far apart as they were, the kernel is asked again.
type BootClock struct {
	base   time.Time
	offset atomic.Pointer[clockOffset]
}

// A clockOffset is how far the boot clock and the wall clock were ahead of the monotonic one.
type clockOffset struct{ boot, wall time.Duration }

const (
	clockBoottime = 7 // CLOCK_BOOTTIME of time.h
	// unnoticed bounds the suspends that do not show, all together. barrierWait has room for it.
	unnoticed = time.Millisecond
	// together bounds the time between two readings that are taken for one.
	together = 100 * time.Microsecond
)

// SystemClock returns the boot clock. Errors: FailedPrecondition on a system that is not known to have one.
func SystemClock() (Clock, error) { return &BootClock{base: time.Now()}, nil }

// Boot implements Clock.
func (c *BootClock) Boot() time.Duration {
	mono, wall := c.read()
	if o := c.offset.Load(); o != nil && (wall-o.wall).Abs() < unnoticed {
		return paced(mono + o.boot)
	}
	return paced(c.askKernel())
}

// read returns the monotonic clock, and how far the wall clock is ahead of it.
func (c *BootClock) read() (mono, wall time.Duration) {
	now := time.Now()
	mono = now.Sub(c.base)
	_, stepped := shifted()
	return mono, time.Duration(now.UnixNano()-c.base.UnixNano()) - mono + stepped
}

// askKernel reads the boot clock, and notes how far it is ahead if the process was not held up meanwhile.
func (c *BootClock) askKernel() time.Duration {
	var boot time.Duration
	for range 10 {
		before, _ := c.read()
		boot = bootTime()
		after, wall := c.read()
		if after-before < together {
			c.offset.Store(&clockOffset{boot - before, wall})
			break
		}
	}
	return boot
}

func bootTime() time.Duration {
	var t syscall.Timespec
	// Raw: the call does not block, and to tell the scheduler of it would take longer than the call.
	if _, _, errno := syscall.RawSyscall(syscall.SYS_CLOCK_GETTIME, clockBoottime, uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		panic("fence: the kernel has no boot clock: " + errno.Error()) // since Linux 2.6.39 it has
	}
	slept, _ := shifted()
	return time.Duration(t.Nano()) + slept
}
