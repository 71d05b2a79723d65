// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// An interruptible reads until its context ends. Whoever waits at a terminal is not made to wait for the end of a line.
type interruptible struct {
	ctx context.Context
	in  io.Reader
}

// Read implements io.Reader. A read that is under way when the context ends is left behind, for the process to end it:
// nothing else ends a read of a terminal.
func (r interruptible) Read(p []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	own := make([]byte, len(p)) // what is left behind must not write into p
	done := make(chan result, 1)
	go func() {
		n, err := r.in.Read(own)
		done <- result{n, err}
	}()
	select {
	case <-r.ctx.Done():
		return 0, r.ctx.Err()
	case got := <-done:
		return copy(p, own[:got.n]), got.err
	}
}

// open opens a file that an argument names; "-" is standard input, for which a person is told how to end it.
func (a *app) open(path string) (io.ReadCloser, error) {
	if path == "-" {
		if r, ok := a.stdin.(interruptible); ok && isTerminal(r.in) {
			fmt.Fprintln(a.stderr, "Reading from the terminal: type or paste the input, then press Enter and Ctrl-D.")
		}
		return io.NopCloser(a.stdin), nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, usage("%w", err)
	}
	return f, nil
}

func isTerminal(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull) // the one other device that is a common input
	return err != nil || !os.SameFile(info, null)
}

// unread says why an input could not be read: nobody is to blame for an interrupt.
func unread(err error, format string, args ...any) error {
	if errors.Is(err, context.Canceled) {
		return fail(exitUnreachable, "interrupted")
	}
	return usage(format, args...)
}

func spoken(path string) string {
	if path == "-" {
		return "standard input"
	}
	return path
}
