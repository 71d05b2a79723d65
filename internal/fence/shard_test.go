// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"aeroplane.run/authz"
)

// A shard keeps so many records and no more, what exists apart from what does not.
func TestShardIsBounded(t *testing.T) {
	t.Parallel()
	var sh shard
	sh.init(limits{known: 3 * shardCount, absent: 2 * shardCount})
	for i := range 10 {
		sh.keep(service(fmt.Sprint("known ", i)), authz.Record{Parent: "p"}, 1)
		sh.keep(service(fmt.Sprint("absent ", i)), authz.Record{}, 1)
		if _, ok := sh.get(service(fmt.Sprint("known ", i))); !ok {
			t.Errorf("record %d made way for itself", i)
		}
	}
	if known, absent := sh.size(); known != 3 || absent != 2 {
		t.Errorf("keeps %d and %d, want 3 and 2", known, absent)
	}
}

// What is kept of a request is the id, and not the request.
func TestShardKeepsNoRequest(t *testing.T) {
	t.Parallel()
	var sh shard
	sh.init(roomy)
	request := strings.Repeat("x", 8192)
	for i, r := range []authz.Record{{}, {Parent: "p"}} {
		id := request[i*100:][:10+i]
		sh.keep(service(id), r, 1)
		for _, kept := range slices.Concat(slices.Collect(maps.Keys(sh.absent)), slices.Collect(maps.Keys(sh.known))) {
			if unsafe.StringData(kept.ID) == unsafe.StringData(id) {
				t.Errorf("%+v: the id is a part of the request", r)
			}
		}
	}
}

// A subject is known, or known not to exist, or neither; never both.
func TestShardKeepsTheLast(t *testing.T) {
	t.Parallel()
	var sh shard
	sh.init(roomy)
	x := service("x")
	for i, parent := range []string{"p", "", "q", ""} {
		sh.keep(x, authz.Record{Parent: parent}, int64(i))
		r, ok := sh.get(x)
		known, absent := sh.size()
		if !ok || r.Parent != parent || known+absent != 1 {
			t.Errorf("after %q: %v, %q, %d and %d", parent, ok, r.Parent, known, absent)
		}
	}
}
