// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protodelim"

	"aeroplane.run/authz/bench/empty"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// inProcess is an empty server in this process, which answers as is said.
func inProcess(t *testing.T, answers ...*authzv1.AuthorizeResponse) *contestant {
	t.Helper()
	path := filepath.Join(t.TempDir(), "answers")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	out := bufio.NewWriter(f)
	for range 1000 {
		for _, answer := range answers {
			if _, err := protodelim.MarshalTo(out, answer); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := out.Flush(); err != nil {
		t.Fatal(err)
	}
	s, err := empty.New(path)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := grpc.NewServer()
	authzv1.RegisterAuthorizationServiceServer(g, s)
	go func() { _ = g.Serve(l) }()
	t.Cleanup(g.Stop)
	c := &contestant{name: "this process", empty: true}
	for range connections {
		c.gateway = append(c.gateway, dial(t, l.Addr().String(), gatewayToken))
	}
	return c
}

func TestEveryFormAsks(t *testing.T) {
	allowed := &authzv1.AuthorizeResponse{Allowed: true, Revision: "1"}
	right, wrong := inProcess(t, allowed), inProcess(t, allowed, &authzv1.AuthorizeResponse{})
	wrong.empty = false // so that its answers are looked at
	q := newQuestions(newWorld(100, 0), 2000, false)
	for _, test := range []struct {
		form
		callers, size int
	}{{unary, 3, 1}, {streamed, 6, 1}, {pipelined, 2, 1}, {batched(8), 3, 8}, {batched(1000), 2, 1000}} {
		t.Run(test.name, func(t *testing.T) {
			var r result
			var err error
			for d := 30 * time.Millisecond; r.answers == 0 && err == nil && d < time.Minute; d *= 2 { // a busy machine may stop for longer
				r, err = test.run(t.Context(), right, q, test.callers, d)
			}
			switch {
			case err != nil:
				t.Error(err)
			case r.answers == 0 || r.decisions != r.answers*test.size || r.latency.count() != r.answers:
				t.Errorf("%d decisions in %d answers, %d durations", r.decisions, r.answers, r.latency.count())
			case p50(r) <= 0 || p99(r) < p50(r) || perSecond(r) <= 0:
				t.Errorf("p50 %v, p99 %v, %v/s", p50(r), p99(r), perSecond(r))
			}
			if _, err := test.run(t.Context(), wrong, q, test.callers, 10*time.Millisecond); !errors.Is(err, errWrong) {
				t.Errorf("wrong answers are taken: %v", err)
			}
		})
	}
}

func TestAServerThatIsAwayIsAnError(t *testing.T) {
	c := &contestant{name: "nobody"}
	c.gateway = []*grpc.ClientConn{dial(t, "127.0.0.1:1", gatewayToken)}
	q := newQuestions(newWorld(100, 0), 100, false)
	for _, form := range []form{unary, streamed, pipelined, batched(8)} {
		if r, err := form.run(t.Context(), c, q, 1, 10*time.Millisecond); err == nil || r.answers > 0 {
			t.Errorf("%s: %v", form.name, err)
		}
	}
}
