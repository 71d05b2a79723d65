// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// What a table says is not all ours: people choose the names of keys and projects. None of them may pass for something
// else, by blanks that look like the gap between columns, or by characters that do not show.

// cell returns text as it may stand in a column: as it is, quoted where it could mislead, or a hyphen for none, so that
// columns can be counted.
func cell(text string) string {
	switch {
	case text == "":
		return "-"
	case strings.HasPrefix(text, `"`), strings.Contains(text, "  "), strings.TrimSpace(text) != text, !printable(text):
		return quote(text)
	}
	return text
}

// label returns a name as it may stand among other words: quoted where it could pass for them.
func label(name string) string {
	if name == "" || strings.ContainsAny(name, `"=()`) {
		return quote(name)
	}
	return cell(name)
}

// quote quotes as Go does, and leaves no two blanks side by side: those part columns.
func quote(text string) string { return strings.ReplaceAll(strconv.Quote(text), "  ", `\x20\x20`) }

func printable(text string) bool {
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return utf8.ValidString(text)
}

// enumName returns the name of an enum's value without what the names of all its values begin with: READ_ONLY_KEY for
// DENIAL_REASON_READ_ONLY_KEY. The value that says nothing has none; one that is not known is a number.
func enumName(e protoreflect.Enum) string {
	values := e.Descriptor().Values()
	value := values.ByNumber(e.Number())
	switch {
	case e.Number() == 0:
		return ""
	case value == nil:
		return fmt.Sprint(e.Number())
	}
	return strings.TrimPrefix(string(value.Name()), strings.TrimSuffix(string(values.ByNumber(0).Name()), "UNSPECIFIED"))
}

// enumWord returns the word for an enum's value: live for KEY_STATE_LIVE.
func enumWord(e protoreflect.Enum) string { return strings.ToLower(enumName(e)) }

// scopeWords says which projects are reached. An id can be "all", so what was selected is marked as such.
func scopeWords(s *v1.ProjectScope) string {
	switch {
	case s.GetAll():
		return "all"
	case len(s.GetProjectIds()) == 0:
		return "none"
	}
	return "selected: " + strings.Join(s.GetProjectIds(), ", ")
}

// fewProjects is scopeWords for the cell of a table: of many projects it names some, and counts the others.
func fewProjects(s *v1.ProjectScope) string {
	const most = 3
	ids := s.GetProjectIds()
	if more := len(ids) - most; more > 0 && !s.GetAll() {
		return fmt.Sprintf("%s, +%d", scopeWords(&v1.ProjectScope{ProjectIds: ids[:most]}), more)
	}
	return scopeWords(s)
}

// keyWords names a key in a sentence.
func keyWords(k interface {
	GetId() string
	GetName() string
}) string {
	return fmt.Sprintf("key %s (%s)", k.GetId(), label(k.GetName()))
}
