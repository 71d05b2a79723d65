// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"testing"

	"aeroplane.run/authz/internal/scrape"
)

func TestGarbageAs(t *testing.T) {
	m := scrape.Metrics{"go_gc_gogc_percent": 400, "go_gc_gomemlimit_bytes": 9.223372036854776e+18}
	if got := garbageAs(m); !slices.Equal(got, []string{"GOGC=400"}) {
		t.Error(got)
	}
	m["go_gc_gomemlimit_bytes"] = 1 << 30
	if got := garbageAs(m); !slices.Equal(got, []string{"GOGC=400", "GOMEMLIMIT=1073741824"}) {
		t.Error(got)
	}
}
