// SPDX-License-Identifier: Apache-2.0

package secret_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"aeroplane.run/authz/internal/secret"
)

func TestNothingShows(t *testing.T) {
	const marker = "ap_thisMustNotBeSeen"
	s := secret.New(marker)
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%p", "%T %[1]v"} {
		fmt.Fprintf(&out, verb+"\n", s)
		fmt.Fprintf(&out, verb+"\n", &s)
		fmt.Fprintf(&out, verb+"\n", struct{ Key secret.Text }{s})
		fmt.Fprintf(&out, verb+"\n", []secret.Text{s})
		fmt.Fprintf(&out, verb+"\n", struct{ hidden secret.Text }{s})
	}
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "secret", s, "in", struct{ S secret.Text }{s})
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "secret", s, "in", struct{ S secret.Text }{s})
	if err := json.NewEncoder(&out).Encode(map[string]any{"s": s, "in": struct{ S secret.Text }{s}}); err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { fmt.Fprintln(&out, recover()) }()
		panic(s)
	}()
	hex := fmt.Sprintf("%x", marker)
	if got := out.String(); strings.Contains(got, marker) || strings.Contains(strings.ToLower(got), hex) {
		t.Errorf("the secret shows in:\n%s", got)
	}
	if s.Reveal() != marker || s.IsZero() || !(secret.Text{}).IsZero() {
		t.Error("Reveal or IsZero is wrong")
	}
}
