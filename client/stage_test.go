// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"context"
	"log"
	"os"
	"slices"
	"testing"

	"aeroplane.run/authz/server/servertest"
)

// A stage is what an example has in the place of a testing.T: its clean-ups run when stop is called.
type stage struct {
	testing.TB // nil: what is not below is not for examples
	closing    []func()
}

func (*stage) Helper()                      {}
func (*stage) Name() string                 { return "example" }
func (*stage) Context() context.Context     { return context.Background() }
func (s *stage) Cleanup(f func())           { s.closing = append(s.closing, f) }
func (*stage) Fatal(args ...any)            { log.Fatal(args...) }
func (*stage) Errorf(text string, a ...any) { log.Fatalf(text, a...) }

func (s *stage) TempDir() string {
	dir, err := os.MkdirTemp("", "authz-*")
	if err != nil {
		s.Fatal(err)
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// stop ends all that was started, the last of it first. It may be called again.
func (s *stage) stop() {
	for _, f := range slices.Backward(s.closing) {
		f()
	}
	s.closing = nil
}

// An exampleService is one that runs for an example, and has a key that reads.
type exampleService struct {
	*stage
	*servertest.Running
	key string
}

func startForExample() *exampleService {
	s := new(stage)
	run := start(s, servertest.Options{})
	return &exampleService{s, run, newKey(s, run, reads)}
}
