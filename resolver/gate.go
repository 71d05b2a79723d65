// SPDX-License-Identifier: Apache-2.0

package resolver

import "strings"

// MaxTarget bounds a request target, in bytes.
const MaxTarget = 8192

// api is the first segment of everything that is not the front end.
const api = "api"

// Gate returns the path of a request target, which is all of it before the first question mark, or a Refusal. It
// refuses whatever is not in its one accepted spelling. The query is judged as part of the target only.
//
// Nearly all targets are found good by one look at each byte. Of the others the rules are asked one by one, in their order.
func (t *Table) Gate(target string) (path string, err error) {
	if len(target) > MaxTarget {
		return "", TooLong
	}
	end, seen := skim(target)
	path = target[:end]
	if seen&odd != 0 {
		if refusal := check(target); refusal != 0 {
			return "", refusal
		}
	}
	if (seen&upper != 0 || !t.lowercase) && underAPI(path) && t.root.otherCase(path) != nil {
		return "", OtherCase
	}
	return path, nil
}

// skim returns where the path of a target ends, and the marks of what is in the target. Where none of them is odd, no rule
// but that of case refuses it.
func skim(target string) (end int, seen mark) {
	if end = strings.IndexByte(target, '?'); end < 0 {
		end = len(target)
	}
	var before, pairs mark
	for i := range end {
		now := marks[target[i]]
		seen |= now
		pairs |= before << 1 & now
		before = now
	}
	for i := end; i < len(target); i++ {
		seen |= marks[target[i]] & oddAnywhere
	}
	if pairs&afterSlash != 0 || before&slash != 0 || target == "" || target[0] != '/' || !plainAPI(target[:end]) {
		seen |= oddOtherwise
	}
	return end, seen
}

// plainAPI reports whether the first segment of a path that has one is api, or begins in another way.
func plainAPI(path string) bool {
	return len(path) < 1+len(api) || !strings.EqualFold(path[1:1+len(api)], api) || strings.HasPrefix(path, "/"+api+"/")
}

// check applies the rules, one after the other.
func check(target string) Refusal {
	end, refusal := checkTarget(target)
	if refusal != 0 {
		return refusal
	}
	path := target[:end]
	if refusal := checkBytes(path); refusal != 0 {
		return refusal
	}
	return checkSegments(path)
}

// checkTarget applies the rules for all of a target but that of its length, and returns where its path ends.
func checkTarget(target string) (end int, r Refusal) {
	if target == "" || target[0] != '/' {
		return 0, NotRooted
	}
	end = len(target)
	for i := range len(target) {
		switch classes[target[i]] {
		case unprintable:
			return 0, Unprintable
		case fragment:
			return 0, Fragment
		case question:
			end = min(end, i)
		}
	}
	return end, 0
}

// checkBytes applies the rules for single bytes and percent escapes of a path.
func checkBytes(path string) Refusal {
	for i := range len(path) {
		switch classes[path[i]] {
		case forbidden:
			return ForbiddenByte
		case percent:
			if r := checkEscape(path[i+1:]); r != 0 {
				return r
			}
		}
	}
	return 0
}

// checkEscape judges the percent escape whose digits s begins with. What remains are bytes that need escaping, or that
// nobody takes for a part of the path's structure. The digits themselves are plain bytes to checkBytes.
func checkEscape(s string) Refusal {
	if len(s) < 2 {
		return BrokenEscape
	}
	high, ok := unhex(s[0])
	low, ok2 := unhex(s[1])
	if !ok || !ok2 {
		return BrokenEscape
	}
	switch c := high<<4 | low; {
	case c < ' ' || c >= 0x7F:
		return ForbiddenEscape
	case classes[c] == unreserved || strings.IndexByte(`/\%;#?`, c) >= 0:
		return ForbiddenEscape
	}
	return 0
}

// checkSegments applies the rules for segments that hold for every table.
func checkSegments(path string) Refusal {
	first, _ := split(path)
	if len(first) >= len(api) && strings.EqualFold(first[:len(api)], api) {
		switch {
		case len(first) > len(api) && classes[first[len(api)]] != unreserved:
			return OtherAPI
		case len(first) == len(api) && first != api:
			return OtherAPI
		}
	}
	for after := path; after != ""; {
		var s string
		s, after = split(after)
		switch {
		case s == "" && after != "":
			return EmptySegment
		case s == "" && underAPI(path):
			return TrailingSlash
		case s == "." || s == "..":
			return DotSegment
		}
	}
	return 0
}

func underAPI(path string) bool {
	first, _ := split(path)
	return first == api
}

// split cuts the first segment off a path, or off what an earlier split left. What is left is empty, or begins with a
// slash; a lone slash is a last segment that is empty.
func split(path string) (segment, after string) {
	for i := 1; i < len(path); i++ { // segments are short, and a call takes longer
		if path[i] == '/' {
			return path[1:i], path[i:]
		}
	}
	return path[1:], ""
}
