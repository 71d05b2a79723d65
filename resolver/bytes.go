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
