// SPDX-License-Identifier: Apache-2.0

package resolver

import (
	"fmt"
	"slices"
	"strings"
)

// A kind says what a segment of a pattern matches. More specific kinds are smaller.
type kind uint8

const (
	literal  kind = iota // one segment of exactly these bytes
	variable             // one segment, whatever it is, unless it is empty
	rest                 // all segments that follow, or none
)

// A segment is one segment of a pattern.
type segment struct {
	kind kind
	text string // the bytes of a literal, the name of a variable
}

// parsePattern returns the segments of a pattern, or the first thing that is wrong with it.
func parsePattern(pattern string) ([]segment, error) {
	if len(pattern) > MaxTarget {
		return nil, fmt.Errorf("the pattern has %d bytes; the gate accepts paths of at most %d", len(pattern), MaxTarget)
	}
	if !strings.HasPrefix(pattern, "/") {
		return nil, fmt.Errorf("the pattern %.60q does not begin with a slash", pattern)
	}
	texts := strings.Split(pattern[1:], "/")
	segments := make([]segment, 0, len(texts))
	for i, text := range texts {
		s, err := parseSegment(text)
		switch {
		case err != nil:
			return nil, fmt.Errorf("segment %d of the pattern %w", i+1, err)
		case s.kind == rest && i < len(texts)-1:
			return nil, fmt.Errorf("segment %d of the pattern is **, which only the last segment may be", i+1)
		case s.kind == variable && slices.Contains(segments, s):
			return nil, fmt.Errorf("segment %d of the pattern is a second {%.60s}; each variable of a row needs another name",
				i+1, s.text)
		case s.kind == literal && i == 0 && text != api && strings.EqualFold(text, api):
			return nil, fmt.Errorf("segment 1 of the pattern is %q; the gate accepts no other spelling than %q", text, api)
		}
		segments = append(segments, s)
	}
	return segments, nil
}

// parseSegment returns a segment. Literals are made of those bytes which the gate accepts in one spelling only: it would
// let %3A pass beside a colon, and a row that matches one of the two could be avoided with the other.
func parseSegment(text string) (segment, error) {
	switch {
	case text == "":
		return segment{}, fmt.Errorf("is empty; use ** for what may end with a slash")
	case text == "**":
		return segment{kind: rest}, nil
	case text == "." || text == "..":
		return segment{}, fmt.Errorf("is %q, which the gate refuses", text)
	case text[0] == '{' && text[len(text)-1] == '}' && identifier(text[1:len(text)-1]):
		return segment{kind: variable, text: text[1 : len(text)-1]}, nil
	}
	for i := range len(text) {
		if classes[text[i]] != unreserved {
			return segment{}, fmt.Errorf("is %.60q; a segment is ** or a {name} (a letter, then letters, digits and _) "+
				"or a literal (letters, digits, - . _ ~)", text)
		}
	}
	return segment{kind: literal, text: text}, nil
}

func identifier(name string) bool {
	for i := range len(name) {
		c := name[i]
		if !isLetter(c) && (i == 0 || c != '_' && !isDigit(c)) {
			return false
		}
	}
	return name != ""
}
