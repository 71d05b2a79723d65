// SPDX-License-Identifier: Apache-2.0

package main

import "os/exec"

// The kinds of empty servers.
const (
	tuned   = "tuned"   // connections are dealt with as the service does, and so is garbage
	untuned = "untuned" // as gRPC and Go come
)

// startEmpty starts an empty server beside a service, with more in its environment: with that one's answers and, if it is tuned, its
// limits of garbage.
func (b *bench) startEmpty(kind string, like *contestant, answers string, env ...string) *contestant {
	b.Helper()
	if kind == tuned {
		env = append(env, garbageAs(like.metrics(b))...)
	}
	c := start(b, "empty, "+kind, func(c *contestant) *exec.Cmd {
		cmd := exec.Command(b.empty, kind, c.address, answers)
		cmd.Env = env
		return cmd
	})
	c.empty = true
	return c.await(b)
}
