// SPDX-License-Identifier: Apache-2.0

package aeroplane_test

import (
	"fmt"
	"os"
	"testing"

	"aeroplane.run/authz/internal/aeroplane"
	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
)

// That Aeroplane has had the database open all the while shows in its log.
func TestContinues(t *testing.T) {
	t.Parallel()
	a := aeroplanetest.Start(t)
	a.Project("a", "", "a")
	first := look(t, a.Path)
	for i := range 20 {
		a.Project(fmt.Sprint("p", i), "", fmt.Sprint("p", i))
		a.Checkpoint([]string{"TRUNCATE", "RESTART", "FULL"}[i%3])
	}
	if m := look(t, a.Path); !m.Continues(first) || !m.Continues(m) {
		t.Error("it does not continue")
	}
	if (aeroplane.Mark{}).Continues(first) || look(t, a.Path).Continues(aeroplane.Mark{}) {
		t.Error("what is not known continues")
	}
	before := look(t, a.Path)
	a.Stop()
	stopped := look(t, a.Path)
	a.Restart()
	a.Project("b", "", "b")
	if after := look(t, a.Path); stopped.Continues(before) || after.Continues(before) || after.Continues(stopped) {
		t.Error("it continues, though Aeroplane was gone")
	}
	before = look(t, a.Path)
	a.Crash()
	if look(t, a.Path).Continues(before) {
		t.Error("it continues, though Aeroplane was killed")
	}
	a.Restart()
	a.Project("c", "", "c")
	before = look(t, a.Path)
	a.Stop()
	// Another file, which may have got the numbers of those that were removed.
	if err := os.Remove(a.Path); err != nil {
		t.Fatal(err)
	}
	other := aeroplanetest.Start(t)
	other.Exec("VACUUM INTO $1", a.Path)
	a.Restart()
	a.Project("d", "", "d")
	if look(t, a.Path).Continues(before) {
		t.Error("it continues as another")
	}
}
