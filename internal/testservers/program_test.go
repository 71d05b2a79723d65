// SPDX-License-Identifier: Apache-2.0

package testservers_test

import (
	"os/exec"
	"syscall"
	"testing"

	"aeroplane.run/authz/internal/testservers"
)

func TestAProgramEndsWithTheTest(t *testing.T) {
	var programs []*testservers.Program
	t.Run("inner", func(t *testing.T) {
		for range 2 {
			p, err := testservers.StartProgram(t, exec.Command("sleep", "3600"))
			if err != nil {
				t.Fatal(err)
			}
			programs = append(programs, p)
		}
		programs[0].Signal(syscall.SIGSTOP)
		if programs[0].Ended() || programs[0].Pid() == 0 {
			t.Error("it does not run")
		}
	})
	for _, p := range programs {
		if !p.Ended() || p.Err() == nil {
			t.Errorf("ended %v, %v", p.Ended(), p.Err())
		}
	}
}

func TestAProgramThatEndsSaysHow(t *testing.T) {
	p, err := testservers.StartProgram(t, exec.Command("true"))
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if p.Err() != nil {
		t.Error(p.Err())
	}
	p.Signal(syscall.SIGTERM)
	p.Kill()
	if _, err := testservers.StartProgram(t, exec.Command("/nowhere/at/all")); err == nil {
		t.Error("a program that is not there was started")
	}
}
