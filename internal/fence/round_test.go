// SPDX-License-Identifier: Apache-2.0

package fence

import "testing"

// A change of many rows that comes in several answers is acknowledged to its last row, although it is the first that takes
// something away.
func TestALongChangeIsAcknowledgedToItsEnd(t *testing.T) {
	t.Parallel()
	l := &loop{Config: Config{Members: steady{}, limits: limits{batch: 3}}, ack: acker{wake: newBell()}}
	g := following(1, 1, roomy)
	change := rows(1, 4)
	change[1].Narrowing = true
	for i, answer := range [][]Row{change[:3], change[2:], rows(4, 5)} {
		if err := l.applyAll(g, answer); err != nil {
			t.Fatal(err)
		}
		want := []int64{3, 4, 4}[i] // the last is another change, which takes nothing away
		if got := l.ack.newest.Load().applied.Seq; got != want {
			t.Errorf("after answer %d up to %d is acknowledged, want %d", i, got, want)
		}
	}
}
