// SPDX-License-Identifier: Apache-2.0

package apikey_test

import (
	"testing"

	"aeroplane.run/authz/internal/apikey"
)

func TestNoAllocations(t *testing.T) {
	text := apikey.Mint().Secret.Reveal()
	if n := testing.AllocsPerRun(100, func() { apikey.FormOf(text); apikey.DigestOf(text) }); n != 0 {
		t.Errorf("%v allocations, want none", n)
	}
}

func BenchmarkFormOf(b *testing.B) {
	text := apikey.Mint().Secret.Reveal()
	for b.Loop() {
		if apikey.FormOf(text) != apikey.Own {
			b.Fatal("not of our own form")
		}
	}
}

func BenchmarkDigestOf(b *testing.B) {
	text := apikey.Mint().Secret.Reveal()
	for b.Loop() {
		_ = apikey.DigestOf(text)
	}
}
