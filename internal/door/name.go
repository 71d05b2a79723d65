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

// Headers in which a client tells some upstreams of another method or target than those of the request line, on which is decided. In lower
// case.
var (
	OtherMethods = []string{"x-http-method-override", "x-http-method", "x-method-override", "x-original-method", "x-forwarded-method"}
	OtherTargets = []string{"x-original-url", "x-original-uri", "x-original-path", "x-rewrite-url", "x-forwarded-uri", "x-forwarded-path",
		"x-forwarded-prefix", "x-envoy-original-path", "x-auth-request-redirect"}
)

// GatewayToken is the header in which a gateway may show its token over HTTP. Authorization belongs to the client that it asks for.
const GatewayToken = "Aeroplane-Gateway-Token"

// A nameSet is names in lower case, by their lengths: few headers of a request are as long as one of them.
type nameSet [32][]string

func newNameSet(names ...string) *nameSet {
	s := new(nameSet)
	for _, n := range names {
		s[len(n)] = append(s[len(n)], n)
	}
	return s
}

// contains reports whether is holds for a name of the set and name, which it can for those of its length alone.
func (s *nameSet) contains(name string, is func(name, want string) bool) bool {
	if len(name) >= len(s) {
		return false
	}
	for _, want := range s[len(name)] {
		if is(name, want) {
			return true
		}
	}
	return false
}

var (
	misleading = newNameSet(slices.Concat(OtherMethods, OtherTargets, []string{strings.ToLower(GatewayToken)})...)
	telling    = newNameSet(append(LowerNames[:], apiKey)...)
)

// Misleads reports whether a header is one of OtherMethods or OtherTargets, or passes for one, or is a gateway's token, which is none of
// an upstream's business.
func Misleads(name string) bool {
	return misleading.contains(name, passesFor)
}

// Ambiguous reports whether an upstream may take a header for one that carries an identity or a credential, which it is not.
func Ambiguous(name string) bool {
	return telling.contains(name, Alias)
}

// SameName reports whether a header is one that is asked for: names fold case in ASCII, and nothing else. want is in lower case.
func SameName(name, want string) bool { return folds(name, want, false) }

// passesFor reports whether a header has a name that is asked for, or an alias of it.
func passesFor(name, want string) bool { return folds(name, want, true) }

// Alias reports whether a header has another name than one that is asked for, and may all the same be taken for it: many programs make
// variables of headers, in whose names all that is no letter or digit is one, as in HTTP_X_API_KEY. want is in lower case.
func Alias(name, want string) bool { return passesFor(name, want) && !SameName(name, want) }

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
