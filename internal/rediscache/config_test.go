// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/secret"
)

func TestParseEntryKeys(t *testing.T) {
	t.Parallel()
	one, two, three := base64Of('1', 32), base64Of('2', 32), base64Of('3', 32)
	const marker = "hunter2-marker"
	for _, c := range []struct{ text, want, err string }{
		{one, "1", ""},
		{one + "\n" + two + "\n", "12", ""},
		{"\n  " + two + "\r\n\n" + one + "  ", "21", ""},
		{"", "", "there is no entry key"},
		{"\n\n", "", "there is no entry key"},
		{one + "\n" + two + "\n" + three, "", "there are 3 entry keys"},
		{one + "\n" + one, "", "both entry keys are the same"},
		{one + " " + two, "", "line 1: must be 32 random bytes in base64"},
		{one + "\n" + base64Of('2', 31), "", "line 2: must be 32 random bytes"},
		{base64Of('2', 33), "", "line 1: must be 32 random bytes"},
		{one[:43], "", "line 1: must be 32 random bytes"},
		{strings.TrimRight(one, "=") + "9=", "", "line 1: must be"}, // bits that mean nothing
		{marker, "", "line 1: must be"},
		{one + "\n" + marker, "", "line 2: must be"},
	} {
		keys, err := ParseEntryKeys(c.text)
		got := ""
		for _, key := range keys {
			got += key.Reveal()[:1]
		}
		if c.err == "" && (err != nil || got != c.want) || c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%q: %q, %v; want %q, %q", c.text, got, err, c.want, c.err)
		}
		if err != nil && (strings.Contains(err.Error(), marker) || strings.Contains(err.Error(), one[:8])) {
			t.Errorf("the error shows a key: %v", err)
		}
		if text := fmt.Sprintf("%v %+v %#v %q", keys, keys, keys, keys); strings.Contains(text, "1111") {
			t.Errorf("a key prints as %s", text)
		}
	}
}

// base64Of is so many equal bytes.
func base64Of(b byte, size int) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(b), size)))
}

func TestConfigsThatAreRefused(t *testing.T) {
	t.Parallel()
	one := []secret.Text{newKey()}
	for want, config := range map[string]Config{
		"there is no entry key":               {Addresses: []string{"a:1"}},
		"an entry key must be 32 bytes":       {Addresses: []string{"a:1"}, EntryKeys: []secret.Text{secret.New("short")}},
		"there are 3 entry keys":              {Addresses: []string{"a:1"}, EntryKeys: []secret.Text{newKey(), newKey(), newKey()}},
		"both entry keys are the same":        {Addresses: []string{"a:1"}, EntryKeys: []secret.Text{one[0], one[0]}},
		"Redis needs an address":              {EntryKeys: one},
		"a single Redis server has one":       {EntryKeys: one, Addresses: []string{"a:1", "b:1"}},
		"asked for a master by its name":      {EntryKeys: one, Addresses: []string{"a:1"}, Mode: Sentinel},
		"a Redis cluster has no database but": {EntryKeys: one, Addresses: []string{"a:1"}, Mode: Cluster, DB: 1},
	} {
		c, err := Open(config)
		if err == nil {
			c.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) || authz.KindOf(err) != authz.FailedPrecondition {
			t.Errorf("%v, want %q", err, want)
		}
	}
}
