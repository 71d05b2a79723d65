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

// measureStream compares streams with those of an empty server, and with calls.
func measureStream(b *bench) {
	b.prepare()
	table := newComparison(b.out, "AuthorizeStream")
	for _, ours := range []*contestant{b.lite, b.pg} {
		table.bar(b, side{streamed, ours, 64, b.zipf}, side{streamed, b.tuned, 64, b.zipf})
		table.bar(b, side{pipelined, ours, connections, b.zipf}, side{pipelined, b.tuned, connections, b.zipf})
		table.bar(b, side{streamed, ours, 64, b.zipf}, side{unary, ours, 64, b.zipf})
	}
}

// measureBatch compares batches with those of an empty server.
func measureBatch(b *bench) {
	b.prepare()
	table := newComparison(b.out, "BatchAuthorize")
	for _, ours := range []*contestant{b.lite, b.pg} {
		for _, size := range []int{32, 1000} {
			form := batched(size)
			table.bar(b, side{form, ours, 64, b.zipf}, side{form, b.tuned, 64, b.zipf})
		}
	}
}
