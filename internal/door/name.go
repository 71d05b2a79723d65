// SPDX-License-Identifier: Apache-2.0

package door

// SameName reports whether a header is one that is asked for: names fold case in ASCII, and nothing else. want is in lower case.
func SameName(name, want string) bool { return folds(name, want, false) }

// Alias reports whether a header has another name than one that is asked for, and may all the same be taken for it, because in many
// programs hyphen, underscore and dot are one. want is in lower case.
func Alias(name, want string) bool { return folds(name, want, true) && !folds(name, want, false) }

func folds(name, want string, marks bool) bool {
	if len(name) != len(want) {
		return false
	}
	for i := range len(name) {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case marks && (c == '_' || c == '.'):
			c = '-'
		}
		if c != want[i] {
			return false
		}
	}
	return true
}
