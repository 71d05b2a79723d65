// SPDX-License-Identifier: Apache-2.0

package resolver_test

import (
	"testing"

	"aeroplane.run/authz/resolver"
)

const usual = "/api/services/3f2a9c1e-77aa-4d52-9d0b-5a0e2f6b8c11/database/backups?limit=20"

func TestNoAllocations(t *testing.T) {
	table := resolver.Default()
	for _, target := range []string{usual, "/", "/api/services/x/y/z", "/api/services/x/TRANSFER", "/%zz", "/api//"} {
		got := testing.AllocsPerRun(100, func() {
			if path, err := table.Gate(target); err == nil {
				table.Match(resolver.GET, path)
			}
		})
		if got != 0 {
			t.Errorf("%s: %v allocations, want none", target, got)
		}
	}
}

func BenchmarkGate(b *testing.B) {
	table := resolver.Default()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := table.Gate(usual); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkMatch(b *testing.B) {
	table := resolver.Default()
	path, err := table.Gate(usual)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if table.Match(resolver.GET, path).ID == "" {
			b.Fatal("no id")
		}
	}
}
