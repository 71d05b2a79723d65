// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// What a set of headers comes to, written as "none", "refused", "key <text>" or "session <text>".
func shown(c Credential) string {
	switch c.Kind {
	case NoCredential:
		return "none"
	case ContradictoryCredential:
		return "refused"
	case KeyCredential:
		return "key " + c.text.Reveal()
	}
	return "session " + c.text.Reveal()
}

func auth(values ...string) CredentialHeaders   { return CredentialHeaders{Authorization: values} }
func xkey(values ...string) CredentialHeaders   { return CredentialHeaders{APIKey: values} }
func cookie(values ...string) CredentialHeaders { return CredentialHeaders{Cookie: values} }

func (h CredentialHeaders) and(o CredentialHeaders) CredentialHeaders {
	return CredentialHeaders{
		Authorization: append(h.Authorization, o.Authorization...),
		APIKey:        append(h.APIKey, o.APIKey...),
		Cookie:        append(h.Cookie, o.Cookie...),
	}
}

func TestCredential(t *testing.T) {
	for _, tc := range []struct {
		headers CredentialHeaders
		want    string
	}{
		{CredentialHeaders{}, "none"},

		// Authorization: Bearer, in any case, blanks, a token.
		{auth("Bearer k"), "key k"},
		{auth("bearer k"), "key k"},
		{auth("bEARER k"), "key k"},
		{auth(" \t Bearer \t k \t "), "key k"},
		{auth("Bearer\tk"), "key k"},
		{auth("Bearer a b"), "key a b"},
		{auth("Bearer Bearer k"), "key Bearer k"},
		{auth("Bearer"), "none"},
		{auth("Bearer "), "none"},
		{auth("Bearer \t"), "none"},
		{auth("Bearerk"), "none"},
		{auth("Bearer=k"), "none"},
		{auth("Bearer\u000bk"), "none"},
		{auth("\u000bBearer k"), "none"},
		{auth("Bearer k\n"), "key k\n"},
		{auth("Basic dTpw"), "none"},
		{auth("Token k"), "none"},
		{auth("k"), "none"},
		{auth(""), "none"},

		// A kelvin sign folds to k elsewhere, a long s to s; no other letter is one of "bearer".
		{auth("Bea\u0280er k"), "refused"},

		// Two headers, or one that may have been two.
		{auth("Bearer k", "Bearer k"), "refused"},
		{auth("", ""), "refused"},
		{auth("Basic x", "Basic y"), "refused"},
		{auth("Bearer a, Bearer b"), "refused"},
		{auth("Bearer a,b"), "refused"},
		{auth("Basic x,BEARER y"), "refused"},
		{auth("Bearer,k"), "refused"},
		{auth("Digest a=b, c=d"), "none"},
		{auth("Bearer k\u00e9"), "refused"},
		{auth("Basic \x80"), "refused"},
		{auth("Bearer k\x7f"), "key k\x7f"},

		// X-API-Key.
		{xkey("k"), "key k"},
		{xkey(" \tk\t "), "key k"},
		{xkey(""), "none"},
		{xkey(" \t"), "none"},
		{xkey("a, b"), "key a, b"},
		{xkey("k", "k"), "refused"},
		{xkey("", "k"), "refused"},
		{xkey("k\xff"), "refused"},

		// Both.
		{auth("Bearer k").and(xkey("k")), "key k"},
		{auth("Bearer k").and(xkey(" k ")), "key k"},
		{auth("Bearer k").and(xkey("l")), "refused"},
		{auth("Bearer k").and(xkey("K")), "refused"},
		{auth("Bearer k").and(xkey("")), "key k"},
		{auth("Bearer k").and(xkey("  ")), "key k"},
		{auth("Basic x").and(xkey("k")), "key k"},
		{auth("Bearer").and(xkey("k")), "key k"},
		{auth("Basic x", "Basic x").and(xkey("k")), "refused"},
		{auth("Basic \u00e9").and(xkey("k")), "refused"},

		// The session cookie, which a key hides.
		{cookie("aeroplane_session=s"), "session s"},
		{cookie("a=b; aeroplane_session=s; c=d"), "session s"},
		{cookie("a=b;aeroplane_session=s"), "session s"},
		{cookie("a=b", "aeroplane_session=s"), "session s"},
		{cookie("aeroplane_session=s", "aeroplane_session=t"), "session s"},
		{cookie("aeroplane_session=; aeroplane_session=t"), "session "},
		{cookie("aeroplane_session"), "none"},
		{cookie("aeroplane_session; aeroplane_session=t"), "session t"},
		{cookie(" aeroplane_session\t = \ts "), "session s"},
		{cookie(`aeroplane_session="s"`), "session s"},
		{cookie(`aeroplane_session= "s" `), "session s"},
		{cookie(`aeroplane_session=""s""`), `session "s"`},
		{cookie(`aeroplane_session="s`), `session "s`},
		{cookie(`aeroplane_session="`), `session "`},
		{cookie(`aeroplane_session=""`), "session "},
		{cookie("aeroplane_session=a=b"), "session a=b"},
		{cookie("aeroplane_session=%41"), "session %41"},
		{cookie("aeroplane_session=s,t"), "session s,t"},
		{cookie("Aeroplane_session=s"), "none"},
		{cookie("__Host-aeroplane_session=s"), "none"},
		{cookie("aeroplane_session2=s"), "none"},
		{cookie("x=aeroplane_session=s"), "none"},
		{cookie("\u00a0aeroplane_session=s"), "none"},
		{cookie("aeroplane_session=\u00e9"), "session \u00e9"},
		{cookie(""), "none"},
		{auth("Bearer k").and(cookie("aeroplane_session=s")), "key k"},
		{xkey("k").and(cookie("aeroplane_session=s")), "key k"},
		{xkey(" ").and(cookie("aeroplane_session=s")), "session s"},
		{auth("Basic x").and(cookie("aeroplane_session=s")), "session s"},
		{auth("Bearer a", "Bearer a").and(cookie("aeroplane_session=s")), "refused"},
	} {
		if got := shown(tc.headers.Credential()); got != tc.want {
			t.Errorf("%q: %q, want %q", tc.headers, got, tc.want)
		}
	}
}

// Header names fold in ASCII alone, and there are no aliases.
func TestAddHeader(t *testing.T) {
	var h CredentialHeaders
	for name, want := range map[string]bool{
		"Authorization": true, "AUTHORIZATION": true, "x-api-key": true, "X-API-Key": true, "cookie": true, "Cookie": true,
		"X_API_Key": false, "X-API-\u212Aey": false, "Coo\u212Aie": false, "Proxy-Authorization": false, " Cookie": false, "": false,
	} {
		if got := h.Add(name, "v"); got != want {
			t.Errorf("Add(%q) = %t", name, got)
		}
	}
	if len(h.Authorization) != 2 || len(h.APIKey) != 2 || len(h.Cookie) != 2 {
		t.Errorf("%+v", h)
	}
}

// A credential is a secret too: a request that is printed by accident must not show it.
func TestCredentialIsRedacted(t *testing.T) {
	const marker = "mustNotBeSeen"
	r := Request{Credential: KeyText(marker)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%p"} {
		if out := fmt.Sprintf(verb+verb, r, struct{ hidden Request }{r}); strings.Contains(out, marker) ||
			strings.Contains(out, fmt.Sprintf("%x", marker)) {
			t.Errorf("%s shows the credential: %s", verb, out)
		}
	}
}

// FuzzCredential compares with a slow version made of regular expressions.
func FuzzCredential(f *testing.F) {
	f.Add("Bearer k", "", "k", "", "aeroplane_session=s", "", byte(7))
	f.Add("Bearer k", "Basic x", " k\t", "", "a=b; aeroplane_session=\"s\"", "aeroplane_session=", byte(0x3f))
	f.Add("\tbearer  a,b", "", "", "", "aeroplane_session", "aeroplane_session = x", byte(0x35))
	f.Add("Basic \u017f", "", "\x80", "", ";;=;aeroplane_session==", "", byte(0x15))
	f.Fuzz(func(t *testing.T, a1, a2, k1, k2, c1, c2 string, present byte) {
		var h CredentialHeaders
		for i, dst := range []*[]string{&h.Authorization, &h.Authorization, &h.APIKey, &h.APIKey, &h.Cookie, &h.Cookie} {
			if present&(1<<i) != 0 {
				*dst = append(*dst, []string{a1, a2, k1, k2, c1, c2}[i])
			}
		}
		if got, want := shown(h.Credential()), naiveCredential(h); got != want {
			t.Errorf("%q: %q, want %q", h, got, want)
		}
	})
}

var (
	naiveBearer  = regexp.MustCompile(`\A[ \t]*(?i:[b][e][a][r][e][r])[ \t]+((?s:.*))\z`)
	naiveBlanks  = regexp.MustCompile(`\A[ \t]*((?s:.*?))[ \t]*\z`)
	naiveJoined  = regexp.MustCompile(`(?is)(,.*bearer|bearer.*,)`)
	naiveNoASCII = regexp.MustCompile(`[^\x00-\x7f]`)
	naiveCookie  = regexp.MustCompile(`\A[ \t]*aeroplane_session[ \t]*=[ \t]*((?s:.*?))[ \t]*\z`)
	naiveQuotes  = regexp.MustCompile(`\A"((?s:.*))"\z`)
)

func naiveCredential(h CredentialHeaders) string {
	for _, values := range [][]string{h.Authorization, h.APIKey} {
		for _, v := range values {
			if naiveNoASCII.MatchString(v) {
				return "refused"
			}
		}
		if len(values) >= 2 {
			return "refused"
		}
	}
	var keys []string
	for _, v := range h.Authorization {
		if naiveJoined.MatchString(v) {
			return "refused"
		}
		if m := naiveBearer.FindStringSubmatch(v); m != nil {
			keys = append(keys, naiveBlanks.FindStringSubmatch(m[1])[1])
		}
	}
	for _, v := range h.APIKey {
		keys = append(keys, naiveBlanks.FindStringSubmatch(v)[1])
	}
	found := ""
	for _, k := range keys {
		if k != "" && found != "" && k != found {
			return "refused"
		}
		if k != "" {
			found = k
		}
	}
	if found != "" {
		return "key " + found
	}
	for _, pair := range strings.Split(strings.Join(h.Cookie, ";"), ";") {
		if m := naiveCookie.FindStringSubmatch(pair); m != nil {
			return "session " + naiveQuotes.ReplaceAllString(m[1], "$1")
		}
	}
	return "none"
}

// It looks at eight bytes at a time, and at the rest one by one.
func TestASCIIAtEveryPlace(t *testing.T) {
	t.Parallel()
	for size := range 30 {
		text := strings.Repeat("\x7f", size)
		if !ascii(text) {
			t.Errorf("%d bytes of it are not", size)
		}
		for at := range size {
			if ascii(text[:at] + "\x80" + text[at+1:]) {
				t.Errorf("the byte %d of %d is not looked at", at, size)
			}
		}
	}
}
