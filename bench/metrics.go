// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// metrics are what a service counts, by name and labels as they are written.
type metrics map[string]float64

// metrics asks the service what it has counted.
func (c *contestant) metrics(t testing.TB) metrics {
	t.Helper()
	m, err := c.scrape(t)
	if err != nil {
		t.Fatalf("%s: %v", c.name, err)
	}
	return m
}

func (c *contestant) scrape(t testing.TB) (metrics, error) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+c.ops+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	m := make(metrics)
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		series, value, _ := cutLast(lines.Text(), " ")
		if strings.HasPrefix(series, "#") {
			continue
		}
		if m[series], err = strconv.ParseFloat(value, 64); err != nil {
			return nil, fmt.Errorf("%q: %w", lines.Text(), err)
		}
	}
	return m, lines.Err()
}

func cutLast(s, separator string) (before, after string, found bool) {
	if i := strings.LastIndex(s, separator); i >= 0 {
		return s[:i], s[i+len(separator):], true
	}
	return s, "", false
}

// sum adds up the series of a name that hold all of the words among their labels.
func (m metrics) sum(name string, words ...string) (sum float64) {
	for series, value := range m {
		bare, labels, _ := strings.Cut(series, "{")
		fits := bare == name
		for _, word := range words {
			fits = fits && strings.Contains(labels, `"`+word+`"`)
		}
		if fits {
			sum += value
		}
	}
	return sum
}

// garbage returns what to tell another process of Go so that it collects garbage as this one does.
func (m metrics) garbage() []string {
	env := []string{fmt.Sprintf("GOGC=%.0f", m["go_gc_gogc_percent"])}
	if limit := m["go_gc_gomemlimit_bytes"]; limit < math.MaxInt64 { // else there is none
		env = append(env, fmt.Sprintf("GOMEMLIMIT=%.0f", limit))
	}
	return env
}
