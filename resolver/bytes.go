// SPDX-License-Identifier: Apache-2.0

package resolver

// A class says what a byte may do in a request target.
type class uint8

const (
	unprintable class = iota // nothing
	unreserved               // stands for itself, and must not be escaped
	delimiter                // stands for itself, or is escaped
	forbidden                // in the query only
	percent                  // begins an escape
	question                 // ends the path
	fragment                 // nothing
)

// classes holds the class of every byte: RFC 3986's pchar and slash, less the semicolon, may stand in a path.
var classes = func() (table [256]class) {
	for c := byte('!'); c <= '~'; c++ {
		table[c] = forbidden
		if isLetter(c) || isDigit(c) {
			table[c] = unreserved
		}
	}
	for set, class := range map[string]class{
		"-._~": unreserved, "/!$&'()*+,=:@": delimiter, "%": percent, "?": question, "#": fragment,
	} {
		for i := range len(set) {
			table[set[i]] = class
		}
	}
	return table
}()

// A mark is what a look at a byte tells of a target.
type mark uint8

const (
	oddAnywhere  mark = 1 << iota // of a byte that is looked at wherever it stands: it is unprintable, or begins a fragment
	oddInPath                     // of one that is looked at in a path: it is forbidden there, or begins an escape
	oddOtherwise                  // there is more to be looked at than single bytes
	upper                         // an upper-case letter
	slash                         // a slash
	afterSlash                    // what no segment usually begins with: a slash, or a dot. It is next to slash.

	odd = oddAnywhere | oddInPath | oddOtherwise
)

// marks holds the marks of every byte.
var marks = func() (table [256]mark) {
	for c, class := range classes {
		switch class {
		case unprintable, fragment:
			table[c] = oddAnywhere
		case forbidden, percent:
			table[c] = oddInPath
		}
	}
	for c := byte('A'); c <= 'Z'; c++ {
		table[c] = upper
	}
	table['/'] = slash | afterSlash
	table['.'] = afterSlash
	return table
}()

func isLetter(c byte) bool { return 'a' <= lower(c) && lower(c) <= 'z' }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// lower folds the case of ASCII letters, which are all the letters there are behind the gate.
func lower(c byte) byte {
	if c-'A' < 26 {
		c += 'a' - 'A'
	}
	return c
}

func unhex(c byte) (value byte, ok bool) {
	switch {
	case isDigit(c):
		return c - '0', true
	case 'a' <= lower(c) && lower(c) <= 'f':
		return lower(c) - 'a' + 10, true
	}
	return 0, false
}
