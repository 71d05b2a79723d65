// SPDX-License-Identifier: Apache-2.0

package main

// measureUnary compares calls of Authorize with those of an empty server.
func measureUnary(b *bench) {
	b.prepare()
	table := newComparison(b.out, "Authorize")
	for _, row := range []struct {
		ours, empty *contestant
		callers     int
		about       *questions
	}{
		{b.lite, b.tuned, 64, b.zipf},
		{b.pg, b.tuned, 64, b.zipf},
		{b.lite, b.tuned, 1, b.zipf},
		{b.pg, b.tuned, 1, b.zipf},
		{b.lite, b.tuned, 64, b.uniform},
		{b.pg, b.tuned, 64, b.uniform},
		{b.lite, b.untuned, 64, b.zipf},
		{b.pg, b.untuned, 64, b.zipf},
	} {
		table.bar(b, side{unary, row.ours, row.callers, row.about}, side{unary, row.empty, row.callers, row.about})
	}
}
