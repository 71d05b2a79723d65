// SPDX-License-Identifier: Apache-2.0

package cluster

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// freezers are where control groups are that can be frozen, by version.
var freezers = []struct{ controller, root, file, frozen, thawed string }{
	{"freezer", "/sys/fs/cgroup/freezer", "freezer.state", "FROZEN", "THAWED"},
	{"", "/sys/fs/cgroup", "cgroup.freeze", "1", "0"},
}

// Suspend stops the process as a container is paused: by its control group, of which the process learns nothing, and which no
// signal ends. resume ends it. It needs root, and a place for control groups. The error is os.ErrProcessDone if the process is
// no more.
func (r *Replica) Suspend() (resume func(), err error) {
	pid := strconv.Itoa(r.Pid())
	for _, f := range freezers {
		group, err := os.MkdirTemp(f.root, "aeroplane-authz-")
		if err != nil {
			continue
		}
		home := filepath.Join(f.root, groupOf(pid, f.controller), "cgroup.procs")
		resume = func() {
			_ = set(filepath.Join(group, f.file), f.thawed)
			_ = set(home, pid)
			_ = os.Remove(group)
		}
		if err = set(filepath.Join(group, "cgroup.procs"), pid); err == nil {
			err = set(filepath.Join(group, f.file), f.frozen)
		}
		if err == nil {
			return resume, nil
		}
		resume()
		if errors.Is(err, syscall.ESRCH) {
			return nil, os.ErrProcessDone
		}
	}
	return nil, errors.New("no control group could be frozen")
}

// groupOf returns the control group that a process is in.
func groupOf(pid, controller string) string {
	text, err := os.ReadFile("/proc/" + pid + "/cgroup")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		if _, rest, _ := strings.Cut(strings.TrimSpace(line), ":"); strings.HasPrefix(rest, controller+":") {
			return strings.TrimPrefix(rest, controller+":")
		}
	}
	return ""
}

// set writes to a file of the kernel's, which is there.
func set(file, value string) error {
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}
