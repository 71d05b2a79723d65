// SPDX-License-Identifier: Apache-2.0

package aeroplane

import (
	"database/sql/driver"
	"strings"
	"time"
)

// instant reads a time: a date, alone or with a time of day, which may have a fraction and a zone. Without a zone it is UTC, as
// SQLite's CURRENT_TIMESTAMP is.
func instant(v driver.Value) (time.Time, bool) {
	text, ok := v.(string)
	if !ok || len(text) < len(time.DateOnly) {
		return time.Time{}, false
	}
	layout := time.DateOnly
	if len(text) > len(layout) {
		// time.Parse would take less than two digits, and a comma before the fraction.
		if len(text) < len(time.DateTime) || text[13] != ':' || text[16] != ':' || strings.Contains(text, ",") {
			return time.Time{}, false
		}
		layout = "2006-01-02" + text[10:11] + "15:04:05"
		if text[10] != 'T' && text[10] != ' ' {
			return time.Time{}, false
		}
		switch rest := text[len(time.DateTime):]; {
		case strings.HasSuffix(rest, "Z"), strings.ContainsAny(rest, "+-") && strings.Contains(rest, ":"):
			layout += "Z07:00"
		case strings.ContainsAny(rest, "+-"):
			layout += "Z0700"
		}
	}
	t, err := time.Parse(layout, text)
	t = t.UTC().Truncate(time.Microsecond)
	if err != nil || t.Year() < 1970 || t.Year() > 9999 { // what is neither stored nor sent
		return time.Time{}, false
	}
	return t, true
}

// optional reads a time that may be NULL, which is the zero time.
func optional(v driver.Value) (time.Time, bool) {
	if v == nil {
		return time.Time{}, true
	}
	return instant(v)
}
