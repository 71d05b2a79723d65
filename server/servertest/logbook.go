// SPDX-License-Identifier: Apache-2.0

package servertest

import (
	"bytes"
	"log/slog"
	"sync"
)

// A Logbook keeps what is logged, at every level.
type Logbook struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write takes a part of what is logged.
func (b *Logbook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

// String returns all that was logged so far, as text.
func (b *Logbook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Logger writes to the book.
func (b *Logbook) Logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
