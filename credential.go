// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"strings"

	"aeroplane.run/authz/internal/secret"
)

// A CredentialKind says what a request carries to say who calls.
type CredentialKind uint8

const (
	// NoCredential is a request that carries none.
	NoCredential CredentialKind = iota
	// KeyCredential is an API key.
	KeyCredential
	// SessionCredential is the value of the session cookie, which may be empty.
	SessionCredential
	// ContradictoryCredential is headers which two readers could take for different keys. It is refused like a bad key.
	ContradictoryCredential
)

// A Credential is the one credential of a request.
type Credential struct {
	Kind CredentialKind
	text secret.Text
}

// KeyText returns the credential of an API key that somebody else took from its header. Empty is none.
func KeyText(text string) Credential {
	if text == "" {
		return Credential{}
	}
	return Credential{Kind: KeyCredential, text: secret.New(text)}
}

// SessionToken returns the credential of a session cookie's value.
func SessionToken(text string) Credential {
	return Credential{Kind: SessionCredential, text: secret.New(text)}
}

// SessionCookie is the name of the cookie that holds the token of one of Aeroplane's sessions (behaviour 2).
const SessionCookie = "aeroplane_session"

// CredentialHeaders are the headers that may carry a credential, each with every value that was received.
type CredentialHeaders struct {
	Authorization []string
	APIKey        []string // X-API-Key, whatever its case; no aliases
	Cookie        []string
}

// Add adds a header if it is one of the three, and reports whether it was. Names fold case in ASCII only, and there are
// no aliases.
func (h *CredentialHeaders) Add(name, value string) bool {
	switch len(name) {
	case len("authorization"), len("x-api-key"), len("cookie"):
	default:
		return false // most of a request's headers are something else
	}
	switch lower(name) {
	case "authorization":
		h.Authorization = append(h.Authorization, value)
	case "x-api-key":
		h.APIKey = append(h.APIKey, value)
	case "cookie":
		h.Cookie = append(h.Cookie, value)
	default:
		return false
	}
	return true
}

// Credential picks the one credential, by the rules of behaviour 2. Every door goes through here. It is refused where two readers of
// the key headers could disagree.
func (h CredentialHeaders) Credential() Credential {
	authorization, sound := once(h.Authorization)
	apiKey, soundToo := once(h.APIKey)
	bearer, key := bearerOf(authorization), trim(apiKey)
	switch {
	case !sound, !soundToo, joined(authorization), bearer != "" && key != "" && bearer != key:
		return Credential{Kind: ContradictoryCredential}
	case bearer != "":
		return KeyText(bearer)
	case key != "":
		return KeyText(key)
	}
	if token, ok := h.session(); ok {
		return SessionToken(token)
	}
	return Credential{}
}

// once returns the value of a header that may be sent once and holds nothing but ASCII, empty if it was not sent, and whether that is so.
func once(values []string) (value string, ok bool) {
	switch {
	case len(values) == 0:
		return "", true
	case len(values) == 1 && ascii(values[0]):
		return values[0], true
	}
	return "", false
}

// bearerScheme has no letter that one which is no ASCII folds to.
const bearerScheme = "bearer"

// joined reports whether somebody may have joined an Authorization value from two.
func joined(authorization string) bool {
	return strings.IndexByte(authorization, ',') >= 0 && strings.Contains(lower(authorization), bearerScheme)
}

// bearerOf returns the bearer token, or "" where Authorization holds none.
func bearerOf(authorization string) string {
	value := trim(authorization)
	const n = len(bearerScheme)
	if len(value) <= n || !blank(value[n]) || !strings.EqualFold(value[:n], bearerScheme) {
		return ""
	}
	return trim(value[n:])
}

// session returns the value of the first session cookie across all Cookie headers, even if it is empty.
func (h CredentialHeaders) session() (token string, ok bool) {
	for _, header := range h.Cookie {
		for pair := range strings.SplitSeq(header, ";") {
			name, value, found := strings.Cut(pair, "=")
			if !found || trim(name) != SessionCookie {
				continue
			}
			value = trim(value)
			if len(value) >= 2 && value[0] == '"' && value[len(value)-1] == '"' {
				value = value[1 : len(value)-1]
			}
			return value, true
		}
	}
	return "", false
}

// MayHideSession reports whether the cookies hold a session after a comma. Where Cookie headers were joined by commas, it may have
// been the first of one of them.
func (h CredentialHeaders) MayHideSession() bool {
	for _, header := range h.Cookie {
		for pair := range strings.SplitSeq(header, ";") {
			_, rest, joined := strings.Cut(pair, ",")
			for joined {
				var part string
				part, rest, joined = strings.Cut(rest, ",")
				if name, _, found := strings.Cut(part, "="); found && trim(name) == SessionCookie {
					return true
				}
			}
		}
	}
	return false
}

// WithoutSession returns what Cookie headers hold beside sessions, as one header; empty for none.
func WithoutSession(cookies []string) string {
	var rest []string
	for _, header := range cookies {
		for pair := range strings.SplitSeq(header, ";") {
			if name, _, _ := strings.Cut(pair, "="); trim(name) != SessionCookie && trim(pair) != "" {
				rest = append(rest, trim(pair))
			}
		}
	}
	return strings.Join(rest, "; ")
}

// CountCookies counts the cookies of a name in Cookie headers, also those that the standard library passes over: whoever else reads them may
// take those.
func CountCookies(headers []string, name string) (n int) {
	for _, header := range headers {
		for pair := range strings.SplitSeq(header, ";") {
			if is, _, _ := strings.Cut(pair, "="); trim(is) == name {
				n++
			}
		}
	}
	return n
}

// A blank is a space or a tab, nothing else. The standard library's trimming knows more.
func blank(c byte) bool { return c == ' ' || c == '\t' }

// trim is by hand, since strings.Trim makes a set of what it trims each time, which takes longer than all else.
func trim(s string) string {
	for s != "" && blank(s[0]) {
		s = s[1:]
	}
	for s != "" && blank(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return s
}

// ascii looks at eight bytes at a time: it is asked of every key.
func ascii(s string) bool {
	for ; len(s) >= 8; s = s[8:] {
		if s[0]|s[1]|s[2]|s[3]|s[4]|s[5]|s[6]|s[7] > 0x7F {
			return false
		}
	}
	for i := range len(s) {
		if s[i] > 0x7F {
			return false
		}
	}
	return true
}

// lower folds the case of ASCII letters only, so that no other letter becomes one of "bearer".
func lower(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + ('a' - 'A')
		}
		return r
	}, s)
}
