// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os/exec"

	"aeroplane.run/authz/bench/empty"
)

// startEmpty starts an empty server beside a service, with more in its environment: with that one's answers and, if it is tuned, its
// limits of garbage.
func (b *bench) startEmpty(kind string, like *contestant, answers string, env ...string) *contestant {
	b.Helper()
	if kind == empty.Tuned {
		env = append(env, garbageAs(like.metrics(b))...)
	}
	c := start(b, "empty, "+kind, func(c *contestant) *exec.Cmd {
		cmd := exec.Command(b.emptyBinary, kind, c.address, answers)
		cmd.Env = env
		return cmd
	})
	c.empty = true
	return c.await(b)
}
