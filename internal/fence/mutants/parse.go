// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
)

// A mutant is the protocol without one guard, or the model of the database without one of its promises.
type mutant struct {
	line   int    // where it is on the list
	name   string // what it stands for
	edits  []edit
	broken string // of the model; empty: nothing
	seed   string // with which the simulation found it last; empty: it takes few
	by     tests  // are to find it; none: the simulation
}

// An edit replaces one text of a file, which must be there once. The file is in the fence, unless it is named with its folder.
type edit struct{ file, old, new string }

// tests of a package.
type tests struct {
	only string // one of them; empty: all
	in   string // the package; empty: there are none
	says string // what a failure says: tests of a database also fail where there is none, or where its schema is not read
}

// parse reads a list: blocks that are separated by empty lines. A line is a comment (#), says what follows (mutant:, file:,
// broken:, seed:, by:, says:), or is text to find (-) or to put in its place (+).
func parse(text string) (mutants []mutant, err error) {
	var m *mutant
	for i, line := range strings.Split(text, "\n") {
		key, value, _ := strings.Cut(line, ": ")
		switch {
		case line == "" || line[0] == '#':
		case key == "mutant":
			mutants = append(mutants, mutant{line: i + 1, name: value})
			m = &mutants[len(mutants)-1]
		case m == nil:
			return nil, fmt.Errorf("line %d: no mutant yet", i+1)
		case key == "file":
			m.edits = append(m.edits, edit{file: value})
		case key == "broken":
			m.broken = value
		case key == "seed":
			m.seed = value
		case line == "by: unit tests":
			m.by.in = folder
		case key == "by":
			m.by.only, m.by.in, _ = strings.Cut(value, " in ")
		case key == "says":
			m.by.says = value
		case len(m.edits) == 0:
			return nil, fmt.Errorf("line %d: no file yet", i+1)
		case line[0] == '-':
			if last := m.edits[len(m.edits)-1]; last.new != "" { // the next edit of the same file
				m.edits = append(m.edits, edit{file: last.file})
			}
			m.edits[len(m.edits)-1].old += line[1:] + "\n"
		case line[0] == '+':
			m.edits[len(m.edits)-1].new += line[1:] + "\n"
		default:
			return nil, fmt.Errorf("line %d: neither text nor anything else: %s", i+1, line)
		}
	}
	return mutants, check(mutants)
}

func check(mutants []mutant) error {
	for _, m := range mutants {
		if len(m.edits) == 0 && m.broken == "" {
			return fmt.Errorf("line %d: a mutant that is like the original", m.line)
		}
		if slices.ContainsFunc(m.edits, func(e edit) bool { return e.old == "" }) {
			return fmt.Errorf("line %d: an edit has nothing to find", m.line)
		}
		if m.by.only != "" && (m.by.in == "" || m.by.says == "") {
			return fmt.Errorf("line %d: a test without its package, or without what it says", m.line)
		}
	}
	return nil
}
