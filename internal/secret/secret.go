// SPDX-License-Identifier: Apache-2.0

// Package secret is text that must not be seen: keys, sessions' and callers' tokens, passwords.
package secret

import (
	"fmt"
	"io"
	"log/slog"
	"unsafe"
)

const redacted = "[redacted]"

// A Text is text that must not be seen. However it is printed, logged or encoded, only a redaction comes out; Reveal
// alone returns the text, and is easy to search for.
//
// The text is behind a pointer because fmt does not ask the methods below for an unexported field of another struct,
// nor for %p: all that it can then show is an address and a length. It is the pointer that every string has, and so costs
// no allocation.
type Text struct {
	data *byte
	size int
}

// New returns text as a Text.
func New(text string) Text { return Text{unsafe.StringData(text), len(text)} }

// Reveal returns the text.
func (s Text) Reveal() string { return unsafe.String(s.data, s.size) }

// IsZero reports whether there is no text.
func (s Text) IsZero() bool { return s.size == 0 }

// Format implements fmt.Formatter for every verb, so that not even %#v or %x shows the text.
func (s Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// String returns a redaction.
func (s Text) String() string { return redacted }

// MarshalText returns a redaction. encoding/json and most other encoders use it.
func (s Text) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue returns a redaction.
func (s Text) LogValue() slog.Value { return slog.StringValue(redacted) }
