// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/apikey"
)

// measureMemory asks for so many keys for all projects, each once, and looks at what that takes.
func measureMemory(b *bench) {
	program := b.watched()
	table := newTable(b.out, "Memory, each key asked for once", "keys", "resident, MiB", "bytes of a key",
		"heap after collecting, MiB", "bytes of a key")
	for _, n := range []int{b.most / 100, b.most / 10, b.most} {
		b.within(count(n, "key"), func(b *bench) {
			b.say("making %d keys", n)
			w := &world{keys: make([]key, n)}
			q := &questions{name: "each once"}
			for i := range w.keys {
				w.keys[i] = key{Minted: apikey.Mint(), user: -1}
				h := &authzv1.CredentialHeaders{Authorization: []string{"Bearer " + w.keys[i].Secret.Reveal()}}
				q.all = append(q.all, question{headers("GET", "/api/projects", h), true})
			}
			dir := b.TempDir()
			b.say("filling SQLite")
			fillSQLite(b, dir, w)
			c := startService(b, "SQLite", program, onSQLite(dir)).await(b)
			before := collect(b, c)
			b.askAll(c, q)
			resident := c.metrics(b)[residentBytes]
			b.say("waiting until it has written when keys were used")
			sleepUntil(b.Context(), time.Now().Add(useInterval))
			heap := collect(b, c)[heapBytes]
			cells := append([]string{fmt.Sprint(n)}, grown(before[residentBytes], resident, n)...)
			table.row(append(cells, grown(before[heapBytes], heap, n)...)...)
		})
	}
}

// useInterval is in how long a service has surely written when keys were used: a minute, and some time to write.
const useInterval = 75 * time.Second

const (
	residentBytes = "process_resident_memory_bytes"
	heapBytes     = "go_memstats_heap_alloc_bytes"
)

// grown tells how many bytes there are, how many there were, and how many each of n things has added.
func grown(before, after float64, n int) []string {
	const mebi = 1 << 20
	return []string{fmt.Sprintf("%.1f, before %.1f", after/mebi, before/mebi), fmt.Sprintf("%.0f", (after-before)/float64(n))}
}
