// SPDX-License-Identifier: Apache-2.0

package resolver

import "strings"

// Respell returns the accepted spelling of the path that somebody most likely meant by a target which Gate refuses, if that is plain:
// one without escapes of what needs none, without empty segments, and in the table's case. It is for people to read. To decide by it
// would be to repair a path, which is what the gate is there to prevent.
func (t *Table) Respell(target string) (path string, ok bool) {
	path, _, _ = strings.Cut(target, "#")
	path, _, _ = strings.Cut(path, "?")
	for range 2 * len(target) { // each change makes it shorter, or mends a segment
		_, err := t.Gate(path)
		before := path
		switch err {
		case nil:
			return path, true
		case ForbiddenEscape:
			path = unescape(path)
		case EmptySegment:
			path = strings.ReplaceAll(path, "//", "/")
		case TrailingSlash:
			path = strings.TrimSuffix(path, "/")
		case OtherAPI:
			if first, after := split(path); strings.EqualFold(first, api) {
				path = "/" + api + after
			}
		case OtherCase:
			path = t.recase(path)
		}
		if path == before {
			break
		}
	}
	return "", false
}

// unescape returns a path without the escapes of characters that need none.
func unescape(path string) string {
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			high, ok := unhex(path[i+1])
			low, ok2 := unhex(path[i+2])
			if c := high<<4 | low; ok && ok2 && classes[c] == unreserved {
				b.WriteByte(c)
				i += 2
				continue
			}
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

// recase returns a path with the segment that the gate refuses for its case spelled as the table has it. Another segment may
// be the same word, and mean something else: it is the one without which the gate finds something else, or nothing.
func (t *Table) recase(path string) string {
	found := t.root.otherCase(path)
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		if segment == found.literal || !strings.EqualFold(segment, found.literal) {
			continue
		}
		segments[i] = found.literal
		if mended := strings.Join(segments, "/"); t.root.otherCase(mended) != found {
			return mended
		}
		segments[i] = segment
	}
	return path
}
