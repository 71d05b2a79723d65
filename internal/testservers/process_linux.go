// SPDX-License-Identifier: Apache-2.0

package testservers

import (
	"bytes"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// attributes returns how a server is started: as the given user, in a process group of its own, and so that whatever
// ends us ends it, by a signal that lets it clear up.
//
// The group makes that true of a frozen server, too: the system wakes the stopped members of an orphaned group.
func attributes(as *syscall.Credential, death syscall.Signal) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Credential: as, Setpgid: true, Pdeathsig: death}
}

// children returns the processes whose parent is pid.
func children(pid int) []int {
	return processes(func(proc string) bool {
		stat, err := os.ReadFile(proc + "/stat")
		if err != nil {
			return false // it has ended
		}
		// "pid (name) state parent ...", where the name may hold blanks and parentheses.
		fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
		return len(fields) > 1 && string(fields[1]) == strconv.Itoa(pid)
	})
}

// within returns the processes that work in dir, or in a directory below it, be that deleted.
func within(dir string) []int {
	return processes(func(proc string) bool {
		at, err := os.Readlink(proc + "/cwd")
		return err == nil && strings.HasPrefix(at+"/", dir+"/")
	})
}

// processes returns those of whose directory in /proc something is true.
func processes(is func(proc string) bool) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var found []int
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err == nil && is("/proc/"+entry.Name()) {
			found = append(found, pid)
		}
	}
	return found
}
