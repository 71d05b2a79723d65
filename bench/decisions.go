// SPDX-License-Identifier: Apache-2.0

package main

// costs are the columns of what decisions cost.
var costs = []column{perSecondColumn, p50Column, p99Column, serverColumn, clientColumn}

// measureUnary compares calls of Authorize with those of an empty server.
func measureUnary(b *bench) {
	b.prepare()
	table := newComparison(b.out, "Authorize", costs...)
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
		b.bar(table, side{unary, row.ours, row.callers, row.about}, side{unary, row.empty, row.callers, row.about})
	}
}

// measureStream compares streams with those of an empty server, and with calls.
func measureStream(b *bench) {
	b.prepare()
	table := newComparison(b.out, "AuthorizeStream", costs...)
	for _, ours := range []*contestant{b.lite, b.pg} {
		b.bar(table, side{streamed, ours, 64, b.zipf}, side{streamed, b.tuned, 64, b.zipf})
		b.bar(table, side{pipelined, ours, connections, b.zipf}, side{pipelined, b.tuned, connections, b.zipf})
		b.bar(table, side{streamed, ours, 64, b.zipf}, side{unary, ours, 64, b.zipf})
		b.bar(table, side{pipelined, ours, connections, b.zipf}, side{unary, ours, 64, b.zipf})
	}
}

// measureBatch compares batches with those of an empty server.
func measureBatch(b *bench) {
	b.prepare()
	table := newComparison(b.out, "BatchAuthorize", costs...)
	for _, ours := range []*contestant{b.lite, b.pg} {
		for _, size := range []int{32, 1000} {
			form := batched(size)
			b.bar(table, side{form, ours, 64, b.zipf}, side{form, b.tuned, 64, b.zipf})
		}
	}
}
