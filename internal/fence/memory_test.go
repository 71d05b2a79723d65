// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"encoding/binary"
	"fmt"
	"runtime"
	"testing"

	"aeroplane.run/authz"
)

// BenchmarkMemory is the bytes of heap that a key takes which reaches all projects, with a name of 16 bytes, where many are kept.
func BenchmarkMemory(b *testing.B) {
	for _, keys := range []int{10_000, 100_000, 1_000_000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			l := limits{window: windowSize, batch: batch, known: 2_000_000, absent: maxAbsent}
			var g *generation
			for b.Loop() {
				before := heap()
				g = newGeneration(MemberID{1}, rev(1), l)
				for i := range keys {
					var d authz.Digest
					binary.BigEndian.PutUint64(d[:], uint64(i))
					id := fmt.Sprintf("%016d", i)
					r := authz.Record{Key: &authz.KeyRecord{ID: id, Name: fmt.Sprintf("name-%011d", i), Prefix: "ap_" + id,
						Projects: authz.ProjectScope{All: true}, Access: authz.Write}}
					if v := g.admit(authz.KeySubject(d), r, rev(1)); v != admitted {
						b.Fatal(v)
					}
				}
				b.ReportMetric(float64(heap()-before)/float64(keys), "B/key")
			}
			runtime.KeepAlive(g)
		})
	}
}

// heap returns the bytes that live.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
