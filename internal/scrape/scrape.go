// SPDX-License-Identifier: Apache-2.0

// Package scrape reads what a running service counts, as Prometheus would.
package scrape

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Metrics are what a service counts, by name and labels, as they are written: authz_rounds_total{result="confirmed"}.
type Metrics map[string]float64

// Sum adds up what bears a name, with whatever labels, if they hold all of the words.
func (m Metrics) Sum(name string, words ...string) (sum float64) {
	for series, value := range m {
		bare, labels, _ := strings.Cut(series, "{")
		if bare != name {
			continue
		}
		all := true
		for _, word := range words {
			all = all && strings.Contains(labels, `"`+word+`"`)
		}
		if all {
			sum += value
		}
	}
	return sum
}

// Label returns the value of a label of a series that bears a name: empty where there is none.
func (m Metrics) Label(name, label string) string {
	for series := range m {
		bare, labels, _ := strings.Cut(strings.TrimSuffix(series, "}"), "{")
		for bare == name && labels != "" {
			of, rest, _ := strings.Cut(labels, "=")
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				break
			}
			if of == label {
				value, _ := strconv.Unquote(quoted)
				return value
			}
			labels = strings.TrimPrefix(rest[len(quoted):], ",")
		}
	}
	return ""
}

// From asks the service whose metrics are at a host and port.
func From(ctx context.Context, address string) (Metrics, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("metrics at %s: %s", address, response.Status)
	}
	return Read(response.Body)
}

// Read reads the text form that Prometheus reads.
func Read(text io.Reader) (Metrics, error) {
	m := make(Metrics)
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		end := strings.LastIndexByte(line, '}') + 1 // values of labels may hold blanks
		if end == 0 {
			end = strings.IndexAny(line, " \t")
		}
		if end <= 0 {
			return nil, fmt.Errorf("metrics: no value in %q", line)
		}
		fields := strings.Fields(line[end:]) // the value, and perhaps when
		if len(fields) == 0 {
			return nil, fmt.Errorf("metrics: no value in %q", line)
		}
		value, err := strconv.ParseFloat(fields[0], 64)
		if err != nil {
			return nil, fmt.Errorf("metrics: %q: %w", line, err)
		}
		m[line[:end]] = value
	}
	return m, lines.Err()
}
