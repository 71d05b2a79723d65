// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"aeroplane.run/authz/internal/apikey"
)

// distance tells how far off a time is, about: in the largest unit of which there are two.
func distance(d time.Duration) string {
	const day = 24 * time.Hour
	span := d.Abs()
	var text string
	switch {
	case span < time.Minute:
		text = "a moment"
	case span < 2*time.Hour:
		text = counted(int(span.Round(time.Minute)/time.Minute), "minute", "minutes")
	case span < 2*day:
		text = counted(int(span.Round(time.Hour)/time.Hour), "hour", "hours")
	default:
		text = counted(int(span.Round(day)/day), "day", "days")
	}
	if d > 0 {
		return "in " + text
	}
	return text + " ago"
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

// listed names the first of a list, and counts the others: a key may select a thousand projects.
func listed(ids []string) string {
	const most = 5
	if more := len(ids) - most; more > 1 {
		ids = append(ids[:most:most], fmt.Sprint(more, " more"))
	}
	switch n := len(ids); n {
	case 0:
		return ""
	case 1:
		return ids[0]
	default:
		return strings.Join(ids[:n-1], ", ") + " and " + ids[n-1]
	}
}

// clipped quotes what a stranger sent, without keys, and shortened to what a sentence can bear. A key that the cut goes through is
// taken out before.
func clipped(text string) string {
	const most = 120
	text = apikey.Redact(text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return strconv.Quote(text)
}
