// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The bounds of ids and slugs, in bytes. Aeroplane's are far shorter.
const (
	maxID   = 128
	maxSlug = 255
)

// The bounds of texts, in characters.
const (
	maxProjectName = 255
	maxPrefix      = 32
	maxQuery       = 128
	maxSource      = 1024
	maxTrouble     = 1024
)

const (
	required = true
	optional = false
)

// stamp brings a time into the form that is stored: UTC, whole microseconds.
func stamp(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

// at names the i-th item of an input. The field of a batch has a place for the index ("projects[%d]"), that of a single
// input has none ("project").
func at(field string, i int) string { return strings.Replace(field, "%d", strconv.Itoa(i), 1) }

// checkBatch checks the length of a batch, and the id of each of its items, which is their field sub.
func checkBatch[T any](v *violations, field, sub string, items []T, id func(T) string) {
	if len(items) == 0 || len(items) > MaxBatch {
		v.add(strings.TrimSuffix(field, "[%d]"), "must hold 1 to %d items, not %d", MaxBatch, len(items))
		return
	}
	seen := make(map[string]int, len(items))
	for i, item := range items {
		name := at(field, i) + sub
		checkID(v, name, id(item))
		if first, ok := seen[id(item)]; ok {
			v.add(name, "must not be the id of item %d too", first)
		}
		seen[id(item)] = i
	}
}

// checkID checks the id of something in the catalog. Its characters are those that a path segment holds as they are,
// since ids are compared with segments as bytes; none of them separates a list.
func checkID(v *violations, field, id string) {
	if !ValidID(id) {
		v.add(field, "must be 1 to %d of the characters A-Z a-z 0-9 - . _ ~", maxID)
	}
}

// ValidID reports whether id can be the id of a project, service, deployment or key: 1 to 128 of the characters A-Z a-z 0-9 - . _ ~,
// and neither "." nor "..".
func ValidID(id string) bool { return segment(id, maxID) }

// ValidSlug reports whether slug can be the slug of a project: 1 to 255 of the characters of ids.
func ValidSlug(slug string) bool { return segment(slug, maxSlug) }

// segment reports whether text is a path segment that every reader takes for the same: no character of it can be escaped,
// so there is no second spelling of it that the gate lets through.
func segment(text string, most int) bool {
	ok := text != "" && len(text) <= most && text != "." && text != ".."
	for i := 0; i < len(text) && ok; i++ {
		c := text[i]
		ok = '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' ||
			c == '-' || c == '.' || c == '_' || c == '~'
	}
	return ok
}

// checkUserID checks the id of a user, which never stands in a path: visible ASCII without a comma.
func checkUserID(v *violations, field, id string, need bool) {
	if id == "" && !need {
		return
	}
	if !ValidUserID(id) {
		v.add(field, "must be 1 to %d visible ASCII characters other than the comma", maxID)
	}
}

// ValidUserID reports whether id can be the id of a user: 1 to 128 visible ASCII characters other than the comma.
func ValidUserID(id string) bool {
	ok := id != "" && len(id) <= maxID
	for i := 0; i < len(id) && ok; i++ {
		ok = '!' <= id[i] && id[i] <= '~' && id[i] != ','
	}
	return ok
}

func checkAccess(v *violations, field string, a Access) {
	if a != Read && a != Write {
		v.add(field, "must be ACCESS_LEVEL_READ or ACCESS_LEVEL_WRITE")
	}
}

// maxListedIDs bounds the ids that a list is asked for by.
const maxListedIDs = 1000

// checkIDs checks the ids that a list is to be of.
func checkIDs(v *violations, field string, ids []string) {
	if len(ids) > maxListedIDs {
		v.add(field, "must be at most %d", maxListedIDs)
		return
	}
	for i, id := range ids {
		checkID(v, fmt.Sprintf("%s[%d]", field, i), id)
	}
}

// checkOne is checkID for an input that is nothing else.
func checkOne(field, id string) error {
	var v violations
	checkID(&v, field, id)
	return v.err()
}

// checkOneUser is checkUserID for an input that is nothing else.
func checkOneUser(field, id string, need bool) error {
	var v violations
	checkUserID(&v, field, id, need)
	return v.err()
}

// checkText checks text that people read: a bounded number of characters, none of which hides or moves others.
func checkText(v *violations, field, text string, least, most int) {
	n := utf8.RuneCountInString(text)
	ok := utf8.ValidString(text) && least <= n && n <= most
	for _, r := range text {
		ok = ok && Prints(r)
	}
	if !ok {
		v.add(field, "must be %d to %d characters that print, none of them for control or format", least, most)
	}
}

// checkQuery checks the text that a list is searched for, and returns it trimmed. What does not print is in no name: it would find nothing.
func checkQuery(v *violations, query string) string {
	query = strings.TrimSpace(query)
	checkText(v, "query", query, 0, maxQuery)
	return query
}

// Prints reports whether a character may stand in text that people read. The two joiners are letters' own business in some scripts.
func Prints(r rune) bool { return unicode.IsPrint(r) || r == 0x200C || r == 0x200D }
