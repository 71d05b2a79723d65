// SPDX-License-Identifier: Apache-2.0

package door

// SameName reports whether a header is one that is asked for: names fold case in ASCII, and nothing else. want is in lower case.
func SameName(name, want string) bool { return folds(name, want, false) }

// Alias reports whether a header has another name than one that is asked for, and may all the same be taken for it: many programs make
// variables of headers, in whose names all that is no letter or digit is one, as in HTTP_X_API_KEY. want is in lower case.
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
		case marks && !('a' <= c && c <= 'z' || '0' <= c && c <= '9'):
			c = '-'
		}
		if c != want[i] {
			return false
		}
	}
	return true
}
