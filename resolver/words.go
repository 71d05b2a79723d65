// SPDX-License-Identifier: Apache-2.0

package resolver

import "strings"

// anyMethod is the method of a row that is written with *.
const anyMethod Method = 0

// The words of the table's columns, by value. They are what is parsed and what is printed.
var (
	methodWords = [...]string{
		anyMethod: "*",
		GET:       "GET",
		POST:      "POST",
		PUT:       "PUT",
		PATCH:     "PATCH",
		DELETE:    "DELETE",
	}
	whoWords = [...]string{
		Public:  "public",
		Browser: "browser",
		Session: "session",
		Owner:   "owner",
		Any:     "any",
	}
	scopeWords = [...]string{
		Nothing:         "-",
		ProjectList:     "project-list",
		ProjectCreate:   "project-create",
		Project:         "project",
		ProjectSlug:     "project-slug",
		Service:         "service",
		Deployment:      "deployment",
		ServiceTransfer: "service-transfer",
	}
)

// scopeVariables holds the variable that each scope is about, where it is about one.
var scopeVariables = [len(scopeWords)]string{
	Project:         "projectId",
	ProjectSlug:     "projectSlug",
	Service:         "serviceId",
	Deployment:      "deploymentId",
	ServiceTransfer: "serviceId",
}

// String returns the word that a row has for w.
func (w Who) String() string { return word(whoWords[:], int(w)) }

// String returns the word that a row has for s.
func (s Scope) String() string { return word(scopeWords[:], int(s)) }

// String returns the row as Parse reads it.
func (r Route) String() string {
	return strings.Join([]string{r.Method, r.Pattern, r.Who.String(), r.Scope.String()}, "\t")
}

// word is total, so that printing a value which no table has cannot panic.
func word(words []string, i int) string {
	if i >= len(words) || words[i] == "" {
		return "unknown"
	}
	return words[i]
}

// value returns the index of a word; ok is false where no such word exists.
func value(words []string, s string) (i int, ok bool) {
	for i, w := range words {
		if w == s && w != "" {
			return i, true
		}
	}
	return 0, false
}

// list names the words for somebody who used another.
func list(words []string) string {
	var named []string
	for _, w := range words {
		if w != "" {
			named = append(named, w)
		}
	}
	last := len(named) - 1
	return strings.Join(named[:last], ", ") + " or " + named[last]
}
