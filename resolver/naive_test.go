// SPDX-License-Identifier: Apache-2.0

package resolver_test

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"aeroplane.run/authz/resolver"
)

// The gate and the matching once more: slow, rule by rule, and with nothing in common with the code that is tested.

var (
	printable    = regexp.MustCompile(`^/[!-~]*$`)
	pathBytes    = regexp.MustCompile(`^(?:[A-Za-z0-9._~!$&'()*+,=:@/-]|%[0-9A-Fa-f]{2})*$`)
	escapes      = regexp.MustCompile(`%..`)
	unescapable  = regexp.MustCompile(`^[A-Za-z0-9._~/\\%;#?-]$`)
	otherAPI     = regexp.MustCompile(`^/(?i:api)[^A-Za-z0-9._~/-]`)
	emptySegment = regexp.MustCompile(`//|^/api/$|^/api/.*/$`)
	dotSegment   = regexp.MustCompile(`/\.\.?(?:/|$)`)
)

func naiveGate(rows []resolver.Route, target string) (path string, ok bool) {
	if len(target) > 8192 || !printable.MatchString(target) || strings.Contains(target, "#") {
		return "", false
	}
	path, _, _ = strings.Cut(target, "?")
	if !pathBytes.MatchString(path) || emptySegment.MatchString(path) || dotSegment.MatchString(path) {
		return "", false
	}
	for _, escape := range escapes.FindAllString(path, -1) {
		n, _ := strconv.ParseUint(escape[1:], 16, 8)
		if n < 0x20 || n > 0x7E || unescapable.MatchString(string(rune(n))) {
			return "", false
		}
	}
	segments := strings.Split(path, "/")[1:]
	if otherAPI.MatchString(path) || strings.ToLower(segments[0]) == "api" && segments[0] != "api" {
		return "", false
	}
	if segments[0] != "api" {
		return path, true
	}
	for _, row := range rows {
		for i, literal := range strings.Split(row.Pattern, "/")[1:] {
			if i == len(segments) || literal == "**" {
				break
			}
			if variable := strings.HasPrefix(literal, "{"); !variable && literal != segments[i] {
				if strings.EqualFold(literal, segments[i]) {
					return "", false
				}
				break // what follows is not this literal's place any more
			}
		}
	}
	return path, true
}

// ranks spells out how specific each segment of a pattern is: a literal 0, a variable 1, the end of the pattern 2,
// ** 3. Of two patterns that match one path the smaller spelling is the more specific.
func ranks(pattern string) string {
	var b strings.Builder
	for _, s := range strings.Split(pattern, "/")[1:] {
		switch {
		case s == "**":
			return b.String() + "3"
		case strings.HasPrefix(s, "{"):
			b.WriteByte('1')
		default:
			b.WriteByte('0')
		}
	}
	return b.String() + "2"
}

func naiveMatches(pattern, path string) bool {
	want, have := strings.Split(pattern, "/")[1:], strings.Split(path, "/")[1:]
	for i, w := range want {
		if w == "**" {
			return true
		}
		if i == len(have) || have[i] == "" || !strings.HasPrefix(w, "{") && w != have[i] {
			return false
		}
	}
	return len(want) == len(have)
}

// naiveMatch returns the index of the row that applies, or -1.
func naiveMatch(rows []resolver.Route, method, path string) int {
	var matching []int
	for i, row := range rows {
		if (row.Method == method || row.Method == "*") && naiveMatches(row.Pattern, path) {
			matching = append(matching, i)
		}
	}
	if matching == nil {
		return -1
	}
	return slices.MinFunc(matching, func(a, b int) int {
		return cmp.Or(
			cmp.Compare(ranks(rows[a].Pattern), ranks(rows[b].Pattern)),
			-cmp.Compare(rows[a].Method, rows[b].Method), // "*" sorts before letters
		)
	})
}

// naiveID returns the segment that a row's scope is about.
func naiveID(row resolver.Route, path string) string {
	name := map[resolver.Scope]string{
		resolver.Project:         "{projectId}",
		resolver.ProjectSlug:     "{projectSlug}",
		resolver.Service:         "{serviceId}",
		resolver.Deployment:      "{deploymentId}",
		resolver.ServiceTransfer: "{serviceId}",
	}[row.Scope]
	if name == "" {
		return ""
	}
	return strings.Split(path, "/")[slices.Index(strings.Split(row.Pattern, "/"), name)]
}
