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

// The names of two headers in lower case. Of the first: it alone of the three that may carry a credential has aliases: the others' names are of letters
// alone.
const (
	apiKey       = "x-api-key"
	gatewayToken = "aeroplane-gateway-token"
)

// Headers in which a client tells some upstreams of another method or target than those of the request line, on which is decided. In lower
// case.
var (
	OtherMethods = []string{"x-http-method-override", "x-http-method", "x-method-override", "x-original-method", "x-forwarded-method"}
	OtherTargets = []string{"x-original-url", "x-original-uri", "x-original-path", "x-rewrite-url", "x-forwarded-uri", "x-forwarded-path",
		"x-forwarded-prefix", "x-envoy-original-path", "x-auth-request-redirect"}
)

// GatewayToken is the header in which a gateway may show its token over HTTP. Authorization belongs to the client that it asks for.
const GatewayToken = "Aeroplane-Gateway-Token"

// Misleads reports whether a header is one of OtherMethods or OtherTargets, or passes for one, or is a gateway's token, which is none of
// an upstream's business.
func Misleads(name string) bool {
	is := func(want string) bool { return folds(name, want, true) }
	return slices.ContainsFunc(OtherMethods, is) || slices.ContainsFunc(OtherTargets, is) || is(gatewayToken)
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
