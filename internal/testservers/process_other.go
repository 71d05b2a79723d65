// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package testservers

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// attributes returns how a server is started: as the given user, and in our process group, so that an interrupt from
// the terminal reaches it as well. The system knows no way to end it with us otherwise.
func attributes(as *syscall.Credential, _ syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as}
}

// children returns the processes whose parent is pid.
func children(pid int) []int {
	list, err := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output()
	if err != nil {
		return nil
	}
	var found []int
	for line := range strings.Lines(string(list)) {
		fields := strings.Fields(line)
		if len(fields) != 2 || fields[1] != strconv.Itoa(pid) {
			continue
		}
		if child, err := strconv.Atoi(fields[0]); err == nil {
			found = append(found, child)
		}
	}
	return found
}

// within is not known here.
func within(string) []int { return nil }
