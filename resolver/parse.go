// SPDX-License-Identifier: Apache-2.0

package resolver

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// maxFile bounds a table's file, in bytes. The default has a hundredth of it.
const maxFile = 1 << 20

// Parse reads a table. Its format is told at the top of routes.tsv. The error lists everything that is wrong, each with
// name and line. Besides words and patterns that mean nothing, it refuses rows that can never match, rows that tie,
// and a table that leaves some request without a row.
func Parse(r io.Reader, name string) (*Table, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("%s: the file is larger than the %d bytes that are allowed", name, maxFile)
	}
	p := parser{name: name, table: &Table{root: new(node), lowercase: true}}
	p.readRows(string(text))
	p.checkDefault()
	p.checkCase()
	p.checkCovered(p.table.root, false)
	if len(p.problems) > 0 {
		return nil, p.err()
	}
	return p.table, nil
}

// A parser gathers a table and what is wrong with it.
type parser struct {
	name     string
	table    *Table
	lines    int  // in the file
	unread   bool // some row could not be understood
	problems []problem
}

type problem struct {
	line int
	text string
}

func (p *parser) report(line int, format string, args ...any) {
	p.problems = append(p.problems, problem{line, fmt.Sprintf(format, args...)})
}

// err returns all problems, by line.
func (p *parser) err() error {
	slices.SortStableFunc(p.problems, func(a, b problem) int { return cmp.Compare(a.line, b.line) })
	errs := make([]error, len(p.problems))
	for i, problem := range p.problems {
		errs[i] = fmt.Errorf("%s:%d: %s", p.name, problem.line, problem.text)
	}
	return errors.Join(errs...)
}

func (p *parser) readRows(text string) {
	for line := range strings.Lines(text) {
		p.lines++
		columns := strings.FieldsFunc(line, isBlank)
		if len(columns) == 0 || strings.HasPrefix(columns[0], "#") {
			continue
		}
		r, ok := p.readRow(columns)
		if !ok {
			p.unread = true
			continue
		}
		if tied := p.table.root.insert(r); tied != nil {
			p.report(r.Line, "ties with line %d: the method is the same, and so is the pattern but for the names of variables",
				tied.Line)
			continue
		}
		p.table.rows = append(p.table.rows, r)
		p.table.lowercase = p.table.lowercase && r.lowercase()
	}
}

// isBlank knows only the blanks that people mean: any other is part of a word, and makes it an unknown one.
func isBlank(c rune) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// readRow reads one row, and reports all that is wrong within it.
func (p *parser) readRow(columns []string) (r *row, ok bool) {
	if len(columns) != 4 {
		p.report(p.lines, "has %d columns, not the 4 of a row: method, pattern, who, scope (a comment has its own line)",
			len(columns))
		return nil, false
	}
	before := len(p.problems)
	r = &row{Route: Route{Line: p.lines, Method: columns[0], Pattern: columns[1]}, id: -1}
	r.method = p.readMethod(columns[0])
	r.Who = Who(p.readWord("who", whoWords[:], columns[2]))
	r.Scope = Scope(p.readWord("scope", scopeWords[:], columns[3]))
	var err error
	if r.segments, err = parsePattern(r.Pattern); err != nil {
		p.report(p.lines, "%v", err)
	}
	if len(p.problems) > before {
		return nil, false
	}
	return r, p.bindScope(r)
}

func (p *parser) readMethod(text string) Method {
	switch text {
	case "HEAD":
		p.report(p.lines, "can never match: HEAD is judged as GET, so write GET")
	case "OPTIONS":
		p.report(p.lines, "can never match: OPTIONS is allowed everywhere, before rows are looked at")
	default:
		return Method(p.readWord("method", methodWords[:], text))
	}
	return anyMethod
}

func (p *parser) readWord(column string, words []string, text string) int {
	i, ok := value(words, text)
	if !ok {
		p.report(p.lines, "the %s is %.60q, not %s", column, text, list(words))
	}
	return i
}

// bindScope finds the segment that a row's scope is about.
func (p *parser) bindScope(r *row) (ok bool) {
	if r.Scope != Nothing && (r.Who == Public || r.Who == Browser) {
		p.report(r.Line, "the scope is %s, which nobody looks at on a %s row; write -", r.Scope, r.Who)
		return false
	}
	name := scopeVariables[r.Scope]
	if name == "" {
		return true
	}
	r.id = slices.Index(r.segments, segment{kind: variable, text: name})
	if r.id < 0 {
		p.report(r.Line, "the scope is %s, but the pattern has no {%s}", r.Scope, name)
	}
	return r.id >= 0
}
