// SPDX-License-Identifier: Apache-2.0

package aeroplane

import (
	"database/sql/driver"
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/apikey"
)

// The most characters of what people read.
const (
	mostOfKeyName     = 80
	mostOfProjectName = 255
	mostOfPrefix      = 32
	mostOfShownID     = 64
)

// readable makes text of whatever is in a column that people read, and reports whether it had to change it. A whole key does not belong
// there, and is taken out.
func readable(v driver.Value, most int) (text string, changed bool) {
	switch v := v.(type) {
	case nil:
		return "", false
	case string:
		text = v
	case int64:
		text, changed = strconv.FormatInt(v, 10), true
	case float64:
		text, changed = strconv.FormatFloat(v, 'g', -1, 64), true
	default:
		return "", true
	}
	was := text
	if room := utf8.UTFMax * most; len(text) > room { // whatever else there is would be cut off
		text = text[:room]
	}
	text = strings.Map(func(r rune) rune {
		if authz.Prints(r) {
			return r
		}
		return utf8.RuneError // as what is no UTF-8 is already
	}, apikey.Redact(text))
	if n := utf8.RuneCountInString(text); n > most {
		text = string([]rune(text)[:most])
	}
	return text, changed || text != was
}

// shown is an id as a Finding has it.
func shown(v driver.Value) string {
	switch v.(type) {
	case nil:
		return "(NULL)"
	case []byte:
		return "(BLOB)"
	}
	text, _ := readable(v, mostOfShownID)
	return text
}

// idOf returns an id, or says why it is none.
func idOf(v driver.Value, valid func(string) bool) (id, why string) {
	id, ok := v.(string)
	switch {
	case !ok:
		return "", "is " + kindOf(v) + ", not text"
	case !valid(id):
		return "", "has characters or a length that it must not have"
	}
	return id, ""
}

func kindOf(v driver.Value) string {
	switch v.(type) {
	case nil:
		return "NULL"
	case []byte:
		return "a BLOB"
	case string:
		return "text"
	}
	return "a number"
}

// digestOf reads a SHA-256 in base64url, with padding or without.
func digestOf(v driver.Value) (d authz.Digest, ok bool) {
	text, ok := v.(string)
	if !ok || strings.ContainsAny(text, "\r\n") { // which the decoder would skip
		return d, false
	}
	sum, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimRight(text, "="))
	if err != nil || len(sum) != len(d) || len(text) > 44 {
		return d, false
	}
	return authz.Digest(sum), true
}
