// SPDX-License-Identifier: Apache-2.0

package main

import (
	"syscall"
	"time"
	"unsafe"
)

// cpuOf returns how much processor time a process has used, its kernel's part and ended threads among it. The clock of a process
// has nanoseconds, where /proc has hundredths of a second. Zero: it has ended.
func cpuOf(pid int) time.Duration {
	var t syscall.Timespec
	clock := uintptr(^pid)<<3 | 2 // CPUCLOCK_SCHED of another process, see clock_getcpuclockid(3)
	if _, _, errno := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, clock, uintptr(unsafe.Pointer(&t)), 0); errno != 0 {
		return 0
	}
	return time.Duration(t.Nano())
}

// pause sleeps by the kernel's timer, which is some fifty microseconds late where the one of Go may be a millisecond. It takes a
// thread.
func pause(d time.Duration) {
	t := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&t, nil) // a signal ends it early
}
