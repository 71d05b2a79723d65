// SPDX-License-Identifier: Apache-2.0

package control_test

import (
	"errors"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"aeroplane.run/authz/internal/torture/control"
)

// helperVariable makes this binary a replica that comes to one place and goes on to the end.
const helperVariable = "CONTROL_HELPER"

func TestMain(m *testing.M) {
	if place := os.Getenv(helperVariable); place != "" {
		r, _, err := control.Obey(os.Getenv(control.Variable))
		if err != nil {
			os.Exit(2)
		}
		r.Step(place)
		os.Exit(0)
	}
	goleak.VerifyTestMain(m)
}

func TestAReplicaWithoutOrdersDoesNothing(t *testing.T) {
	_, r := pair(t)
	r.Step("anywhere")
	if boot, wall := r.Ahead(); boot != 0 || wall != 0 || r.Paced(time.Hour) != time.Hour {
		t.Error("the clocks are wrong")
	}
	var none control.Replica
	none.Step("anywhere")
	if boot, _ := none.Ahead(); boot != 0 || none.Paced(time.Hour) != time.Hour {
		t.Error("the clocks of no orders are wrong")
	}
}

func TestWhoComesToAPlaceIsHeldUntilOtherOrdersCome(t *testing.T) {
	c, r := pair(t)
	order(t, c, control.Orders{Places: map[string]control.Order{"here": {Do: control.Hold}}})
	r.Step("elsewhere")
	var all sync.WaitGroup
	gone := make(chan struct{})
	for range 3 {
		all.Go(func() { r.Step("here") })
	}
	go func() { all.Wait(); close(gone) }()
	until(t, "all to come", func() bool { return c.Reached("here") == 3 })
	select {
	case <-gone:
		t.Fatal("nobody was held")
	case <-time.After(20 * time.Millisecond): // however long
	}
	order(t, c, control.Orders{})
	<-gone
	r.Step("here")
	if n := c.Reached("elsewhere") + c.Reached("here"); n != 3 {
		t.Errorf("places were reached %d times under orders", n)
	}
}

func TestAnOrderIsFollowedSoManyTimes(t *testing.T) {
	c, r := pair(t)
	order(t, c, control.Orders{Places: map[string]control.Order{"here": {Do: control.Delay, For: 20 * time.Millisecond, Times: 2}}})
	begun := time.Now()
	for range 10 {
		r.Step("here")
	}
	if took, n := time.Since(begun), c.Reached("here"); took < 40*time.Millisecond || n != 2 {
		t.Errorf("%v, %d times", took, n)
	}
}

func TestOrdersThatAreGivenFirstAreFollowedFromTheStart(t *testing.T) {
	for deed, want := range map[control.Deed]syscall.Signal{control.Die: syscall.SIGKILL, control.Stop: syscall.SIGSTOP} {
		c := control.New(t.TempDir())
		if err := c.Order(control.Orders{Places: map[string]control.Order{"here": {Do: deed}}}); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), helperVariable+"=here", c.Env())
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		if want == syscall.SIGSTOP {
			var status syscall.WaitStatus
			if _, err := syscall.Wait4(cmd.Process.Pid, &status, syscall.WUNTRACED, nil); err != nil || status.StopSignal() != want {
				t.Errorf("%s: %v, %v", deed, status, err)
			}
			_ = cmd.Process.Signal(syscall.SIGCONT)
			if err := cmd.Wait(); err != nil {
				t.Errorf("%s: %v after it was woken", deed, err)
			}
			continue
		}
		var exit *exec.ExitError
		if err := cmd.Wait(); !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != want {
			t.Errorf("%s: %v, want %v", deed, err, want)
		}
	}
}

func TestClocksAreAheadAsOrdered(t *testing.T) {
	c, r := pair(t)
	order(t, c, control.Orders{Boot: time.Hour, Wall: -time.Minute})
	if boot, wall := r.Ahead(); boot != time.Hour || wall != -time.Minute {
		t.Error(boot, wall)
	}
}

func TestAPacedClockIsSteady(t *testing.T) {
	c, r := pair(t)
	for _, step := range []struct {
		rate       float64
		boot, want time.Duration
	}{
		{0, 100, 100},
		{0.5, 100, 100}, {0.5, 300, 200},
		{2, 300, 200}, {2, 350, 300},
		{0, 350, 300}, {0, 450, 400},
		{0, 440, 400}, // the clock itself went back
	} {
		order(t, c, control.Orders{Rate: step.rate})
		if got := r.Paced(step.boot); got != step.want {
			t.Errorf("at rate %v and %d it shows %d, want %d", step.rate, step.boot, got, step.want)
		}
	}
}

func TestOrdersThatCannotBeReadAreNone(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/orders", []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, _, err := control.Obey(dir); err == nil {
		t.Error("a replica starts on orders that it cannot read")
	}
}

// pair returns both ends.
func pair(t *testing.T) (*control.Control, *control.Replica) {
	t.Helper()
	dir := t.TempDir()
	r, stop, err := control.Obey(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return control.New(dir), r
}

func order(t *testing.T, c *control.Control, o control.Orders) {
	t.Helper()
	if err := c.Order(o); err != nil {
		t.Fatal(err)
	}
	until(t, "the orders to be followed", c.Obeyed)
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}
