// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bytes"
	"strconv"
	"strings"

	"aeroplane.run/authz/internal/door"
)

// A Message is the head of a request as its bytes say it. net/http would not do on either side: it refuses, canonicalises and joins
// what this is about.
type Message struct {
	Method, Target, Version string
	Lines                   []Line
	Trailers                []Line // what came after a chunked body
}

// A Line is a header line. Blanks around its value are dropped, and those alone: the name is as it was sent, up to the colon.
type Line struct{ Name, Value string }

// parse reads a head, whatever it holds. The method goes up to the first blank or tab and the version begins after the last blank, so
// that blanks in between are part of the target. A line that begins with a blank goes on with the value of the line before (RFC 9112, 5.2).
func parse(head []byte) Message {
	first, rest := cutLine(head)
	var m Message
	m.Method = first
	if i := strings.IndexAny(first, " \t"); i >= 0 {
		m.Method, m.Target = first[:i], first[i+1:]
	}
	if i := strings.LastIndexByte(m.Target, ' '); i >= 0 && strings.HasPrefix(strings.ToUpper(m.Target[i+1:]), "HTTP/") {
		m.Target, m.Version = m.Target[:i], m.Target[i+1:]
	}
	m.Lines = parseLines(rest)
	return m
}

func parseLines(text []byte) (lines []Line) {
	for len(text) > 0 {
		var line string
		line, text = cutLine(text)
		switch {
		case line == "":
		case (line[0] == ' ' || line[0] == '\t') && len(lines) > 0:
			last := &lines[len(lines)-1]
			last.Value = strings.Trim(last.Value+" "+strings.Trim(line, " \t"), " \t")
		default:
			name, value, _ := strings.Cut(line, ":")
			lines = append(lines, Line{name, strings.Trim(value, " \t")})
		}
	}
	return lines
}

// cutLine cuts the first line off. It ends with a line feed, before which there may be a carriage return.
func cutLine(text []byte) (line string, rest []byte) {
	before, rest, _ := bytes.Cut(text, []byte("\n"))
	return string(bytes.TrimSuffix(before, []byte("\r"))), rest
}

// values are those of all lines of a name, which is in lower case. Names fold case in ASCII, and there are no aliases.
func (m *Message) values(name string) (all []string) {
	for _, l := range m.Lines {
		if door.SameName(l.Name, name) {
			all = append(all, l.Value)
		}
	}
	return all
}

// all are the lines and the trailers, which many servers merge.
func (m *Message) all() []Line { return append(m.Lines[:len(m.Lines):len(m.Lines)], m.Trailers...) }

// without returns a copy in which secrets are replaced.
func (m *Message) without(secrets *strings.Replacer) Message {
	lines := func(all []Line) (replaced []Line) {
		for _, l := range all {
			replaced = append(replaced, Line{secrets.Replace(l.Name), secrets.Replace(l.Value)})
		}
		return replaced
	}
	return Message{secrets.Replace(m.Method), secrets.Replace(m.Target), secrets.Replace(m.Version), lines(m.Lines), lines(m.Trailers)}
}

// bare is a header's name without all that one reader or another takes for a hyphen, for nothing or for a blank.
func bare(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'A' <= r && r <= 'Z':
			return r + 'a' - 'A'
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			return r
		}
		return -1
	}, name)
}

// String is the request line without its version, as it may stand in a sentence.
func (m *Message) String() string { return visible(m.Method) + " " + visible(m.Target) }

// visible quotes what does not show, and cuts what is long.
func visible(s string) string {
	const most = 80
	cut := ""
	if len(s) > most {
		s, cut = s[:most], "..."
	}
	if quoted := strconv.QuoteToASCII(s); s == "" || quoted != `"`+s+`"` || strings.Contains(s, " ") {
		s = quoted
	}
	return s + cut
}
