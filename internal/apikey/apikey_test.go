// SPDX-License-Identifier: Apache-2.0

package apikey_test

import (
	"fmt"
	"hash/crc32"
	"math/big"
	"regexp"
	"strings"
	"testing"

	"aeroplane.run/authz/internal/apikey"
)

func TestMint(t *testing.T) {
	pattern := regexp.MustCompile(`^(?:` + apikey.Pattern + `)$`)
	seen := map[string]bool{}
	for range 1000 {
		m := apikey.Mint()
		text := m.Secret.Reveal()
		if !pattern.MatchString(text) {
			t.Fatalf("%q does not match the documented pattern", text)
		}
		if apikey.FormOf(text) != apikey.Own {
			t.Fatalf("%q is not of our own form", text)
		}
		if m.Prefix != "ap_"+m.ID || !strings.HasPrefix(text, m.Prefix+"_") {
			t.Fatalf("id %q and prefix %q do not begin %q", m.ID, m.Prefix, text)
		}
		if !m.Digest.Equal(apikey.DigestOf(text)) {
			t.Fatal("the digest is not that of the key")
		}
		if seen[m.ID] {
			t.Fatalf("id %q was minted twice", m.ID)
		}
		seen[m.ID] = true
	}
}

// Each of the 62 characters must turn up about as often as the others: a modulo without rejection would favour some
// by a quarter.
func TestMintIsUniform(t *testing.T) {
	counts := map[rune]int{}
	const keys = 4000
	for range keys {
		text := apikey.Mint().Secret.Reveal()
		for _, c := range text[20:63] {
			counts[c]++
		}
	}
	mean := float64(keys*43) / 62
	if len(counts) != 62 {
		t.Fatalf("%d different characters, want 62", len(counts))
	}
	for c, n := range counts {
		if float64(n) < 0.9*mean || float64(n) > 1.1*mean {
			t.Errorf("%q turned up %d times, want about %.0f", c, n, mean)
		}
	}
}

func TestFormOf(t *testing.T) {
	own := apikey.Mint().Secret.Reveal()
	imported := "ap_aB3-_zzz_" + strings.Repeat("x-_9", 10) + "abc"
	if len(imported) != 55 {
		t.Fatal(len(imported))
	}
	for _, tc := range []struct {
		what, text string
		want       apikey.Form
	}{
		{"our own", own, apikey.Own},
		{"Aeroplane's", imported, apikey.Imported},
		{"Aeroplane's with separators inside", "ap_" + strings.Repeat("_", 52), apikey.Imported},
		{"empty", "", apikey.Malformed},
		{"the brand alone", "ap_", apikey.Malformed},
		{"our own, cut", own[:68], apikey.Malformed},
		{"our own, longer", own + "0", apikey.Malformed},
		{"our own, another brand", "AP_" + own[3:], apikey.Malformed},
		{"our own, another separator", own[:19] + "-" + own[20:], apikey.Malformed},
		{"our own, a base64url character", own[:30] + "-" + own[31:], apikey.Malformed},
		{"our own, blank before", " " + own[:68], apikey.Malformed},
		{"Aeroplane's, separator elsewhere", "ap_aB3zzzzzzz" + imported[13:], apikey.Malformed},
		{"Aeroplane's, standard base64", imported[:54] + "+", apikey.Malformed},
		{"a session token", strings.Repeat("a", 43), apikey.Malformed},
		{"not ASCII", own[:67] + "é", apikey.Malformed},
	} {
		if got := apikey.FormOf(tc.text); got != tc.want {
			t.Errorf("%s: form %d, want %d", tc.what, got, tc.want)
		}
	}
}

// A key with one character changed, or two neighbours swapped, is refused without a look-up: CRC-32 finds every such
// slip.
func TestChecksumFindsSlips(t *testing.T) {
	own := apikey.Mint().Secret.Reveal()
	for i := 3; i < len(own); i++ {
		for _, c := range "0aZ" {
			if slip := own[:i] + string(c) + own[i+1:]; slip != own && apikey.FormOf(slip) == apikey.Own {
				t.Errorf("a slip at %d passed", i)
			}
		}
		if i+1 < len(own) && own[i] != own[i+1] {
			if slip := own[:i] + own[i+1:i+2] + own[i:i+1] + own[i+2:]; apikey.FormOf(slip) == apikey.Own {
				t.Errorf("a swap at %d passed", i)
			}
		}
	}
}

func TestRedact(t *testing.T) {
	own := apikey.Mint()
	imported := "ap_aB3-_zzz_" + strings.Repeat("x-_9", 10) + "abc"
	for text, want := range map[string]string{
		"/api/projects":                            "/api/projects",
		"/" + own.Secret.Reveal() + "?x":           "/" + own.Prefix[:11] + "[redacted]?x",
		"a" + imported + "/" + own.Secret.Reveal(): "aap_aB3-_zzz[redacted]/" + own.Prefix[:11] + "[redacted]",
		own.Secret.Reveal() + "extra":              own.Prefix[:11] + "[redacted]",
		own.Secret.Reveal()[:60]:                   own.Prefix[:11] + "[redacted]",
		"ap_short_one ap_":                         "ap_short_one ap_",
	} {
		if got := apikey.Redact(text); got != want {
			t.Errorf("Redact(%q) = %q, want %q", text, got, want)
		}
	}
}

// FuzzFormOf compares with a slow version that follows the documentation word by word.
func FuzzFormOf(f *testing.F) {
	own := apikey.Mint().Secret.Reveal()
	for _, seed := range []string{own, own[:68], "ap_" + strings.Repeat("_", 52), "", "ap_", own + "\n"} {
		f.Add(seed)
	}
	ownPattern := regexp.MustCompile(`\A(ap_[0-9A-Za-z]{16}_[0-9A-Za-z]{43})([0-9A-Za-z]{6})\z`)
	importPattern := regexp.MustCompile(`\Aap_[0-9A-Za-z_-]{8}_[0-9A-Za-z_-]{43}\z`)
	f.Fuzz(func(t *testing.T, text string) {
		want := apikey.Malformed
		if m := ownPattern.FindStringSubmatch(text); m != nil {
			// math/big counts 0-9a-zA-Z, ours 0-9A-Za-z: swap the case.
			sum := new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE([]byte(m[1])))).Text(62)
			sum = strings.Map(swapCase, sum)
			if fmt.Sprintf("%06s", sum) == m[2] {
				want = apikey.Own
			}
		} else if importPattern.MatchString(text) {
			want = apikey.Imported
		}
		if got := apikey.FormOf(text); got != want {
			t.Errorf("FormOf(%q) = %d, want %d", text, got, want)
		}
	})
}

func swapCase(r rune) rune {
	switch {
	case 'a' <= r && r <= 'z':
		return r - 'a' + 'A'
	case 'A' <= r && r <= 'Z':
		return r - 'A' + 'a'
	}
	return r
}
