// SPDX-License-Identifier: Apache-2.0

package aeroplane_test

import (
	"testing"

	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
)

// A large Aeroplane: 10,000 services, and 100,000 deployments with 2 kB of a log each.
func BenchmarkRead(b *testing.B) {
	for name, state := range map[string]func(*aeroplanetest.Aeroplane){
		"AtWork":  func(*aeroplanetest.Aeroplane) {},
		"Stopped": (*aeroplanetest.Aeroplane).Stop,
	} {
		b.Run(name, func(b *testing.B) {
			a := aeroplanetest.Start(b)
			a.Fill(1000, 10000, 100000, 2048)
			a.Checkpoint("TRUNCATE")
			state(a)
			b.ReportAllocs()
			rows := 0
			for b.Loop() {
				r := read(b, a.Path)
				rows += len(r.Projects) + len(r.Services) + len(r.Deployments)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/row")
		})
	}
}

func BenchmarkLook(b *testing.B) {
	for name, state := range map[string]func(*aeroplanetest.Aeroplane){
		"AtWork":  func(*aeroplanetest.Aeroplane) {},
		"Stopped": (*aeroplanetest.Aeroplane).Stop,
	} {
		b.Run(name, func(b *testing.B) {
			a := aeroplanetest.Start(b)
			state(a)
			m := settled(b, a.Path)
			b.ReportAllocs()
			for b.Loop() {
				stays(b, a.Path, m)
			}
		})
	}
}
