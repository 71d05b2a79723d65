// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

func TestMetricsAreRead(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `# HELP reads_total Reads.
# TYPE reads_total counter
reads_total{kind="key",why="it } is"} 41
reads_total{kind="user"} 1
go_gc_gogc_percent 400
go_gc_gomemlimit_bytes 9.223372036854776e+18
`)
	}))
	defer server.Close()
	m := (&contestant{ops: strings.TrimPrefix(server.URL, "http://")}).metrics(t)
	for _, test := range []struct {
		name  string
		words []string
		want  float64
	}{{"reads_total", nil, 42}, {"reads_total", []string{"key"}, 41}, {"reads_total", []string{"use"}, 0}, {"reads", nil, 0}} {
		if got := m.sum(test.name, test.words...); got != test.want {
			t.Errorf("%s%v is %v, want %v", test.name, test.words, got, test.want)
		}
	}
	if got := m.garbage(); !slices.Equal(got, []string{"GOGC=400"}) {
		t.Error(got)
	}
	m["go_gc_gomemlimit_bytes"] = 1 << 30
	if got := m.garbage(); !slices.Equal(got, []string{"GOGC=400", "GOMEMLIMIT=1073741824"}) {
		t.Error(got)
	}
}
