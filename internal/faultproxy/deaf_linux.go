// SPDX-License-Identifier: Apache-2.0

package faultproxy

import "syscall"

// nothing is a packet filter that lets nothing through: return 0.
var nothing = []syscall.SockFilter{{Code: syscall.BPF_RET | syscall.BPF_K}}

// deafen has the kernel drop whatever comes for a socket before TCP sees it, or no more. Errors are of sockets that are closed.
func deafen(socket syscall.Conn, deaf bool) {
	raw, err := socket.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(fd uintptr) {
		if deaf {
			//lint:ignore SA1019 what is recommended instead is a module of its own, for one instruction
			_ = syscall.AttachLsf(int(fd), nothing)
		} else {
			//lint:ignore SA1019 as above
			_ = syscall.DetachLsf(int(fd))
		}
	})
}
