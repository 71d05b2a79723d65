// SPDX-License-Identifier: Apache-2.0

package door

import (
	"slices"
	"strings"
)

// LowerNames are Names in lower case.
var LowerNames = func() (lower [len(Names)]string) {
	for i, name := range Names {
		lower[i] = strings.ToLower(name)
	}
	return lower
}()

// apiKey is the header of that name. It alone of the three that may carry a credential has aliases: the others' names are of letters
// alone.
const apiKey = "x-api-key"

// overrides are headers in which a client tells some upstreams of another method or target than those of the request line, on which is
// decided.
var overrides = [...]string{
	"x-http-method", "x-http-method-override", "x-method-override", "x-original-method", "x-original-url", "x-original-uri", "x-original-path",
	"x-rewrite-url", "x-forwarded-method", "x-forwarded-uri", "x-forwarded-prefix",
}

// Override reports whether a header is one of those in which a client may tell an upstream of another request than was decided on, or
// passes for one.
func Override(name string) bool {
	return slices.ContainsFunc(overrides[:], func(o string) bool { return folds(name, o, true) })
}

// Ambiguous reports whether an upstream may take a header for one that carries an identity or a credential, which it is not.
func Ambiguous(name string) bool {
	return Alias(name, apiKey) || slices.ContainsFunc(LowerNames[:], func(n string) bool { return Alias(name, n) })
}

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
