// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"io"
	"testing"
	"time"
)

// TestInterruptEndsReading interrupts commands that wait for standard input.
func TestInterruptEndsReading(t *testing.T) {
	t.Parallel()
	environ := []string{"AEROPLANE_AUTHZ_ADDRESS=127.0.0.1:1", "AEROPLANE_AUTHZ_TOKEN=" + testToken}
	for _, args := range [][]string{
		{"sessions", "revoke"},
		{"authorize", "GET", "/api/projects", "--key-stdin"},
		{"authorize", "GET", "/api/projects", "--headers-file", "-"},
		{"projects", "put", "--file", "-"},
		{"projects", "delete", "--file", "-"},
		{"routes", "check", "-"},
		{"routes", "print", "--routes", "-"},
	} {
		ctx, interrupt := context.WithCancel(t.Context())
		stdin, typist := io.Pipe() // on which nobody types
		defer typist.Close()
		read := make(chan struct{})
		var stderr bytes.Buffer
		code := make(chan int, 1)
		go func() { code <- run(ctx, args, environ, announced{stdin, read}, io.Discard, &stderr) }()
		<-read
		interrupt()
		select {
		case got := <-code:
			if want := "aeroplane-authz: interrupted\n"; got != exitUnreachable || stderr.String() != want {
				t.Errorf("%q: exit code %d, %q", args, got, stderr.String())
			}
		case <-time.After(patience):
			t.Fatalf("%q goes on reading", args)
		}
	}
}

// An announced reader says when it is first read.
type announced struct {
	io.Reader
	read chan struct{}
}

func (r announced) Read(p []byte) (int, error) {
	close(r.read)
	return r.Reader.Read(p)
}
