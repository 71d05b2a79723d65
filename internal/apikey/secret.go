// SPDX-License-Identifier: Apache-2.0

package apikey

import (
	"fmt"
	"io"
	"log/slog"
)

const redacted = "[redacted]"

// A Secret is text that must not be seen. However it is printed, logged or encoded, only a redaction comes out; Reveal
// alone returns the text, and is easy to search for.
//
// The text is behind a pointer because fmt does not ask the methods below for an unexported field of another struct,
// nor for %p: all that it can then show is an address.
type Secret struct{ text *string }

// NewSecret returns text as a Secret.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero reports whether there is no text.
func (s Secret) IsZero() bool { return s.Reveal() == "" }

// Format implements fmt.Formatter for every verb, so that not even %#v or %x shows the text.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String returns a redaction.
func (s Secret) String() string { return redacted }

// MarshalText returns a redaction. encoding/json and most other encoders use it.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns a redaction.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
