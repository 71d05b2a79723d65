// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"testing"

	"aeroplane.run/authz/internal/scrape"
)

// metrics asks the service what it has counted.
func (c *contestant) metrics(t testing.TB) scrape.Metrics {
	t.Helper()
	m, err := scrape.From(t.Context(), c.ops)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	return m
}

// garbageAs returns what to tell another process of Go so that it collects garbage as the one with these metrics does.
func garbageAs(m scrape.Metrics) []string {
	env := []string{fmt.Sprintf("GOGC=%.0f", m["go_gc_gogc_percent"])}
	if limit := m["go_gc_gomemlimit_bytes"]; limit < math.MaxInt64 { // else there is none
		env = append(env, fmt.Sprintf("GOMEMLIMIT=%.0f", limit))
	}
	return env
}
