// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"fmt"
	"slices"
	"time"
)

// A Severity is how bad a finding is.
type Severity string

// The severities, in the order of a report.
const (
	OK      Severity = "ok"
	Warning Severity = "warning" // nothing is broken yet, or by that alone
	Fault   Severity = "fault"
)

var severities = []Severity{OK, Warning, Fault}

// A Finding is one thing that was found. It holds no secret.
type Finding struct {
	Severity Severity `json:"severity"`
	Check    string   `json:"check"`
	Found    string   `json:"found"`
	Do       string   `json:"do"` // empty where all is well
}

func good(format string, args ...any) Finding {
	return Finding{Severity: OK, Found: fmt.Sprintf(format, args...)}
}

// warning and fault are told first what is to be done.
func warning(do, format string, args ...any) Finding {
	return Finding{Severity: Warning, Found: fmt.Sprintf(format, args...), Do: do}
}

func fault(do, format string, args ...any) Finding {
	return Finding{Severity: Fault, Found: fmt.Sprintf(format, args...), Do: do}
}

// A Report is what an examination came to.
type Report struct {
	Version  string        `json:"version"` // of the program that examined
	Took     time.Duration `json:"-"`
	Faults   int           `json:"faults"`
	Warnings int           `json:"warnings"`
	OK       int           `json:"ok"`
	// Findings are sorted by severity, faults last, where they are read first, and else by check.
	Findings []Finding `json:"findings"`
}

// newReport sorts and counts.
func newReport(version string, findings []Finding) *Report {
	slices.SortStableFunc(findings, func(a, b Finding) int {
		return slices.Index(severities, a.Severity) - slices.Index(severities, b.Severity)
	})
	r := &Report{Version: version, Findings: findings}
	for _, f := range findings {
		switch f.Severity {
		case OK:
			r.OK++
		case Warning:
			r.Warnings++
		case Fault:
			r.Faults++
		}
	}
	return r
}

// Unloadable is the report on settings that cannot be read, without which there is nothing to examine by.
func Unloadable(version string, err error) *Report {
	f := fault("Correct it; nothing else was examined, for all else goes by the settings.", "%v", err)
	f.Check = "settings"
	return newReport(version, []Finding{f})
}
