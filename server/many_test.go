// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/testing/protocmp"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server/servertest"
)

// Batches and streams: many requests in one call, each with an answer of its own.

// fragile is a store that fails for some services.
func fragile(t *testing.T) *faulty {
	store := &faulty{Store: openStore(t)}
	store.lookup = func(ctx context.Context, q authz.Query) (authz.Facts, error) {
		switch q.ID {
		case "breaks":
			panic("as it does")
		case "away":
			return authz.Facts{}, &authz.Error{Kind: authz.Unavailable, Code: authz.CodeStoreUnavailable, Message: "the database is away"}
		case "waits":
			if q.AtOnce {
				return authz.Facts{}, authz.ErrNotAtOnce
			}
		}
		return authz.FactsFrom(ctx, store.Store, q)
	}
	return store
}

// mishaps are requests of every fate.
func mishaps(key string) []*authzv1.AuthorizeRequest {
	unknown := withKey(key)
	unknown.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1))
	large := withKey(key)
	large.Path = "/" + strings.Repeat("x", 64<<10)
	requests := []*authzv1.AuthorizeRequest{withKey(key), withKey("ap_unknown"), unknown, large, {Method: "get", Path: "/"}}
	for _, service := range []string{"breaks", "away", "waits"} {
		r := withKey(key)
		r.Path = "/api/services/" + service + "/overview"
		requests = append(requests, r)
	}
	return requests
}

// asCalls returns what becomes of each request as a call by itself.
func (s *service) asCalls(t *testing.T, requests []*authzv1.AuthorizeRequest) (want []*authzv1.AuthorizeResult) {
	t.Helper()
	for _, r := range requests {
		answer, err := s.authorize.Authorize(t.Context(), r)
		if err == nil {
			want = append(want, &authzv1.AuthorizeResult{Result: &authzv1.AuthorizeResult_Response{Response: answer}})
			continue
		}
		st := status.Convert(err)
		want = append(want, &authzv1.AuthorizeResult{Result: &authzv1.AuthorizeResult_Error{Error: &authzv1.AuthorizeError{
			Code: int32(st.Code()), Reason: reasonsOf(err)[0], Message: st.Message(),
		}}})
	}
	return want
}

// TestManyAnswersAreThoseOfCalls sends requests of every fate together, and each by itself.
func TestManyAnswersAreThoseOfCalls(t *testing.T) {
	t.Parallel()
	var told tally
	s := start(t, servertest.Options{Store: fragile(t), Observer: &told})
	requests := mishaps(s.createKey(t).GetSecret())
	told.take()
	want := s.asCalls(t, requests)
	lines := told.take()

	batch, err := s.authorize.BatchAuthorize(t.Context(), &authzv1.BatchAuthorizeRequest{Requests: requests})
	wantCode(t, err, codes.OK)
	if diff := cmp.Diff(want, batch.GetResults(), protocmp.Transform()); diff != "" {
		t.Errorf("a batch (-calls +batch):\n%s", diff)
	}
	sameLines(t, "a batch", lines, told.take())

	stream, err := s.authorize.AuthorizeStream(t.Context())
	wantCode(t, err, codes.OK)
	for i, r := range requests {
		if err := stream.Send(&authzv1.AuthorizeStreamRequest{Id: uint64(i), Request: r}); err != nil {
			t.Fatal(err)
		}
	}
	if err := stream.CloseSend(); err != nil {
		t.Fatal(err)
	}
	got := make([]*authzv1.AuthorizeResult, len(requests))
	for range requests {
		answer, err := stream.Recv()
		wantCode(t, err, codes.OK)
		got[answer.GetId()] = answer.GetResult()
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" {
		t.Errorf("a stream (-calls +stream):\n%s", diff)
	}
	if _, err := stream.Recv(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	sameLines(t, "a stream", lines, told.take())
}

// TestBatchesAreBounded sends none, and too many.
func TestBatchesAreBounded(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	for n, want := range map[int]codes.Code{0: codes.InvalidArgument, 1: codes.OK, 1000: codes.OK, 1001: codes.InvalidArgument} {
		batch := &authzv1.BatchAuthorizeRequest{}
		for range n {
			batch.Requests = append(batch.Requests, &authzv1.AuthorizeRequest{Method: "GET", Path: "/"})
		}
		got, err := s.authorize.BatchAuthorize(t.Context(), batch)
		if status.Code(err) != want || want == codes.OK && len(got.GetResults()) != n {
			t.Errorf("%d: %d, %v", n, len(got.GetResults()), err)
		}
	}
	batch := &authzv1.BatchAuthorizeRequest{Requests: []*authzv1.AuthorizeRequest{{Method: "GET", Path: "/"}}}
	batch.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1))
	_, err := s.authorize.BatchAuthorize(t.Context(), batch)
	wantCode(t, err, codes.InvalidArgument)
}

// TestABatchDoesNotWaitForEver asks a store that does not answer for more than may wait at a time.
func TestABatchDoesNotWaitForEver(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{Store: stuck(t)})
	key := s.createKey(t).GetSecret()
	batch := &authzv1.BatchAuthorizeRequest{}
	for range 200 {
		batch.Requests = append(batch.Requests, withKey(key))
	}
	batch.Requests[7] = &authzv1.AuthorizeRequest{Method: "GET", Path: "/"}
	got, err := s.authorize.BatchAuthorize(t.Context(), batch)
	wantCode(t, err, codes.OK)
	for i, r := range got.GetResults() {
		if want := i != 7; (codes.Code(r.GetError().GetCode()) == codes.Unavailable) != want {
			t.Errorf("%d: %v", i, r)
		}
	}
}

// TestWhoWaitsHoldsUpNobody lets a request of a stream wait: those after it are answered first.
func TestWhoWaitsHoldsUpNobody(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	store := &faulty{Store: openStore(t)}
	store.lookup = func(ctx context.Context, q authz.Query) (authz.Facts, error) {
		if q.ID != "waits" {
			return authz.FactsFrom(ctx, store.Store, q)
		}
		if q.AtOnce {
			return authz.Facts{}, authz.ErrNotAtOnce
		}
		<-release
		return authz.FactsFrom(ctx, store.Store, q)
	}
	s := start(t, servertest.Options{Store: store})
	key := s.createKey(t).GetSecret()
	stream, err := s.authorize.AuthorizeStream(t.Context())
	wantCode(t, err, codes.OK)
	waits := withKey(key)
	waits.Path = "/api/services/waits/overview"
	for i, r := range []*authzv1.AuthorizeRequest{waits, withKey(key), withKey("ap_unknown"), nil} {
		if err := stream.Send(&authzv1.AuthorizeStreamRequest{Id: uint64(i), Request: r}); err != nil {
			t.Fatal(err)
		}
	}
	for range 3 {
		answer, err := stream.Recv()
		wantCode(t, err, codes.OK)
		if answer.GetId() == 0 {
			t.Fatal("the one that waits is answered first")
		}
		if e := answer.GetResult().GetError(); (answer.GetId() == 3) != (codes.Code(e.GetCode()) == codes.InvalidArgument) {
			t.Errorf("%v", answer)
		}
	}
	close(release)
	answer, err := stream.Recv()
	if err != nil || !answer.GetResult().GetResponse().GetAllowed() {
		t.Errorf("%v, %v", answer, err)
	}
}

// TestStreamsEndWithTheServer drains a server: those that wait are answered, and then the stream ends.
func TestStreamsEndWithTheServer(t *testing.T) {
	t.Parallel()
	store, arrived, release := waiting(t)
	s := start(t, servertest.Options{Store: store})
	stream, err := s.authorize.AuthorizeStream(t.Context())
	wantCode(t, err, codes.OK)
	if err := stream.Send(&authzv1.AuthorizeStreamRequest{Id: 7, Request: withKey(s.createKey(t).GetSecret())}); err != nil {
		t.Fatal(err)
	}
	<-arrived
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		s.Server.Drain(t.Context())
	}()
	time.AfterFunc(50*time.Millisecond, func() { close(release) })
	if answer, err := stream.Recv(); err != nil || answer.GetId() != 7 || !answer.GetResult().GetResponse().GetAllowed() {
		t.Errorf("%v, %v", answer, err)
	}
	_, err = stream.Recv()
	wantCode(t, err, codes.Unavailable)
	<-drained
}

// TestWhoTakesNoAnswersIsHungUpOn asks and asks, and reads nothing.
func TestWhoTakesNoAnswersIsHungUpOn(t *testing.T) {
	t.Parallel()
	var looked atomic.Int64
	store := &faulty{Store: openStore(t)}
	store.lookup = func(ctx context.Context, q authz.Query) (authz.Facts, error) {
		looked.Add(1)
		return authz.FactsFrom(ctx, store.Store, q)
	}
	var logged servertest.Logbook
	s := start(t, servertest.Options{Store: store, Log: logged.Logger()})
	key := s.createKey(t).GetSecret()
	stream, err := s.authorize.AuthorizeStream(t.Context())
	wantCode(t, err, codes.OK)
	var asking sync.WaitGroup
	defer asking.Wait()
	asking.Go(func() {
		for stream.Send(&authzv1.AuthorizeStreamRequest{Request: withKey(key)}) == nil {
		}
	})
	for limit := time.Now().Add(20 * time.Second); !strings.Contains(logged.String(), "not taken"); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("nobody hangs up")
		}
	}
	for err == nil {
		_, err = stream.Recv() // what was sent before it hung up, and then why
	}
	wantCode(t, err, codes.Unavailable)
	if reasons := reasonsOf(err); len(reasons) != 1 || reasons[0] != authz.CodeOverloaded {
		t.Errorf("%v: %v", err, reasons)
	}
	if n := looked.Load(); n > 5000 {
		t.Errorf("%d requests were answered into the void", n)
	}
}

// TestAStreamThatIsCancelledIsNoFault looks in the log for what is none.
func TestAStreamThatIsCancelledIsNoFault(t *testing.T) {
	t.Parallel()
	var logged servertest.Logbook
	var told tally
	s := start(t, servertest.Options{Log: logged.Logger(), Observer: &told})
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := s.authorize.AuthorizeStream(ctx)
	wantCode(t, err, codes.OK)
	if err := stream.Send(&authzv1.AuthorizeStreamRequest{Request: &authzv1.AuthorizeRequest{Method: "GET", Path: "/"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	told.take()
	cancel()
	s.Server.Drain(t.Context())
	if text := logged.String(); strings.Contains(text, "level=ERROR") || strings.Contains(text, "level=WARN") {
		t.Error(text)
	}
	if lines := told.take(); len(lines) > 0 {
		t.Errorf("the observer was told %v", lines)
	}
}

// sameLines compares what an observer was told, in any order.
func sameLines(t *testing.T, what string, want, got []string) {
	t.Helper()
	count := func(lines []string) map[string]int {
		n := map[string]int{}
		for _, l := range lines {
			n[l]++
		}
		return n
	}
	if diff := cmp.Diff(count(want), count(got)); diff != "" {
		t.Errorf("%s: the observer was told (-calls +together):\n%s", what, diff)
	}
}
