// SPDX-License-Identifier: Apache-2.0

package housetest

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

var (
	codeSpan  = regexp.MustCompile("`+[^`]+`+")
	inlineRef = regexp.MustCompile(`\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)`)
	refTarget = regexp.MustCompile(`^ {0,3}\[[^\]]+\]:\s+<?([^\s>]+)>?`)
	heading   = regexp.MustCompile(`^#{1,6}\s+(.*?)\s*#*$`)
	linkText  = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
	scheme    = regexp.MustCompile(`^[a-z][a-z0-9+.-]*:`)
)

// prose calls do with each line of a Markdown document that is not in a code block.
func (t tree) prose(name string, do func(number int, line string)) {
	fence := ""
	for i, line := range strings.Split(t.text(name), "\n") {
		trimmed := strings.TrimLeft(line, " ")
		switch {
		case fence != "":
			if strings.HasPrefix(trimmed, fence) {
				fence = ""
			}
		case strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~"):
			fence = trimmed[:3]
		default:
			do(i+1, line)
		}
	}
}

// checkLinks follows every link in a Markdown document that stays in the tree, to its file and heading.
func checkLinks(t tree) (complaints []string) {
	for _, name := range t.files("*.md") {
		t.prose(name, func(number int, line string) {
			line = codeSpan.ReplaceAllString(line, "")
			links := append(inlineRef.FindAllStringSubmatch(line, -1), refTarget.FindAllStringSubmatch(line, -1)...)
			for _, match := range links {
				if problem := t.follow(name, match[1]); problem != "" {
					complaints = append(complaints, fmt.Sprintf("%s:%d: %s: %s", name, number, match[1], problem))
				}
			}
		})
	}
	return complaints
}

// follow says what is wrong with a link in a document.
func (t tree) follow(from, link string) string {
	if scheme.MatchString(link) {
		return "" // to somewhere else
	}
	target, anchor, _ := strings.Cut(link, "#")
	file := from
	if target != "" {
		file = path.Join(path.Dir(from), target)
	}
	switch {
	case strings.HasPrefix(target, "/") || strings.HasPrefix(file, ".."):
		return "leads out of the repository"
	case !t.has(file):
		return "no such file"
	case anchor != "" && path.Ext(file) == ".md" && !t.anchors(file)[anchor]:
		return "no such heading"
	}
	return ""
}

// anchors are the names that GitHub gives to the headings of a document.
func (t tree) anchors(name string) map[string]bool {
	anchors := map[string]bool{}
	t.prose(name, func(_ int, line string) {
		match := heading.FindStringSubmatch(line)
		if match == nil {
			return
		}
		text := linkText.ReplaceAllString(match[1], "$1")
		anchor := strings.Map(func(r rune) rune {
			switch {
			case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '-' || r == '_':
				return unicode.ToLower(r)
			case r == ' ':
				return '-'
			}
			return -1
		}, text)
		unique := anchor
		for n := 1; anchors[unique]; n++ {
			unique = anchor + "-" + strconv.Itoa(n)
		}
		anchors[unique] = true
	})
	return anchors
}

var (
	pathSpan = regexp.MustCompile("`([A-Za-z0-9_.*-]+(?:/[A-Za-z0-9_.*-]+)*/?)`")
	fileName = regexp.MustCompile(`^[A-Za-z0-9_*-]+\.(go|md|proto|sql|tsv|txtar|jsonl|toml|yml|yaml|binpb)$`)
)

// checkPaths looks for the files and folders that the documents which show round the house speak of.
func checkPaths(t tree) (complaints []string) {
	for _, name := range []string{"ARCHITECTURE.md", "CONTRIBUTING.md"} {
		t.prose(name, func(number int, line string) {
			for _, match := range pathSpan.FindAllStringSubmatch(line, -1) {
				if !t.speaksOfWhatIs(match[1]) {
					complaints = append(complaints, fmt.Sprintf("%s:%d: %s: no such file", name, number, match[1]))
				}
			}
		})
	}
	return complaints
}

// speaksOfWhatIs reports whether what may be a path leads to something. The name of a file counts wherever it is.
func (t tree) speaksOfWhatIs(span string) bool {
	if t.has(span) {
		return true
	}
	if fileName.MatchString(path.Base(span)) {
		return slices.ContainsFunc(t.files(path.Base(span)), func(name string) bool {
			parts := strings.Split(name, "/")
			end := parts[max(0, len(parts)-1-strings.Count(span, "/")):]
			return matches(strings.Join(end, "/"), []string{span})
		})
	}
	// Otherwise only what begins with a folder of ours is one: there are media types, modules and methods.
	first, _, nested := strings.Cut(span, "/")
	return !nested || !t.has(first)
}
