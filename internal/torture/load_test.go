// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/internal/torture/history"
	"aeroplane.run/authz/server/servertest"
)

// Three replicas in this process keep the promise, and that was put to the test.
func TestTheServiceKeepsItsPromise(t *testing.T) {
	h, expiring := tell(t, services(t, 3), 26)
	violations, proof := history.Judge(h, history.Leniency{})
	late, expiry := history.JudgeExpiry(expiring, usuallyAhead, history.Leniency{})
	for _, v := range append(violations, late...) {
		t.Error(v)
	}
	o := &Outcome{Proof: proof, Expiry: expiry, InMemory: 1, // which processes count
		Opinion: history.SecondOpinion(h, false, 300, time.Minute), Strong: history.SecondOpinion(h, true, 300, time.Minute)}
	if illegal := len(o.Opinion.Illegal) + len(o.Strong.Illegal); illegal > 0 {
		t.Errorf("%+v, strong %+v", o.Opinion, o.Strong)
	}
	if missing := o.unproven() + o.Unasked(); missing != "" || proof.Early > 0 {
		t.Errorf("%s: %+v", missing, proof)
	}
	told := make(map[history.Kind]int)
	revisions, acked := 0, 0
	for _, c := range h.Changes {
		told[c.Kind]++
		if c.At.Seq > 0 {
			revisions++
		}
		if c.Barrier == history.Acked {
			acked++
		}
	}
	for _, k := range history.Kinds() {
		if told[k] == 0 {
			t.Errorf("no story was about: %v", k)
		}
	}
	if revisions != len(h.Changes) || acked == 0 {
		t.Errorf("%d changes, %d with a revision, %d acknowledged", len(h.Changes), revisions, acked)
	}
}

// A gateway that keeps answers for a moment is what the promise says nobody may be.
func TestAGatewayThatKeepsAnswersIsFoundOut(t *testing.T) {
	doors := services(t, 1)
	doors[0].authorization = &keeper{AuthorizationServiceClient: doors[0].authorization}
	h, expiring := tell(t, doors, 26)
	violations, _ := history.Judge(h, history.Leniency{})
	if late, _ := history.JudgeExpiry(expiring, usuallyAhead, history.Leniency{}); len(late) == 0 {
		t.Error("nothing was found about sessions that ended by themselves")
	}
	late := make(map[history.Kind]int)
	for _, v := range violations {
		if v.Rule == history.Revoked {
			late[v.Change.Kind]++
		}
	}
	for _, k := range history.Kinds() {
		if late[k] == 0 {
			t.Errorf("nothing was found in stories about: %v", k)
		}
	}
	if o := history.SecondOpinion(h, false, 300, time.Minute); len(o.Illegal) == 0 {
		t.Errorf("%+v", o)
	}
}

func usuallyAhead(uint8) time.Duration { return mostAhead(fence.DefaultLease) }

// services runs replicas on one database.
func services(t *testing.T, n int) (doors []door) {
	t.Helper()
	dsn := testservers.Postgres(t).NewDatabase(t)
	for i := range n {
		store, err := postgres.Open(t.Context(), postgres.Config{DSN: dsn, Migrate: true})
		if err != nil {
			t.Fatal(err)
		}
		s := servertest.Start(t, servertest.Options{Store: store})
		doors = append(doors, newDoor(i, s.Gateway, s.Admin))
	}
	return doors
}

// tell has so many stories told, at least, of each kind one.
func tell(t *testing.T, doors []door, stories int64) (history.History, []history.Ask) {
	t.Helper()
	l := newLoad(doors, time.Millisecond, time.Second)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	l.start(ctx, 2, 1)
	for l.ended.Load() < stories || l.Now() < 3*time.Second { // by then some session has ended
		pause(t.Context(), time.Millisecond)
		if t.Context().Err() != nil {
			t.Fatal("too few stories came to their end")
		}
	}
	stop()
	l.running.Wait()
	if l.failed.Load() > 0 {
		t.Errorf("%d stories could not begin: %v", l.failed.Load(), l.whyNot)
	}
	return l.Take()
}

// A keeper answers again what it was answered a moment ago.
type keeper struct {
	v1.AuthorizationServiceClient
	mu   sync.Mutex
	kept map[string]keptAnswer
}

type keptAnswer struct {
	*v1.AuthorizeResponse
	until time.Time
}

func (k *keeper) Authorize(ctx context.Context, r *v1.AuthorizeRequest, o ...grpc.CallOption) (*v1.AuthorizeResponse, error) {
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("a request that cannot be written: %w", err)
	}
	k.mu.Lock()
	kept, ok := k.kept[string(text)]
	k.mu.Unlock()
	if ok && time.Now().Before(kept.until) {
		return kept.AuthorizeResponse, nil
	}
	answer, err := k.AuthorizationServiceClient.Authorize(ctx, r, o...)
	if err == nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.kept == nil {
			k.kept = make(map[string]keptAnswer)
		}
		k.kept[string(text)] = keptAnswer{answer, time.Now().Add(500 * time.Millisecond)}
	}
	return answer, err
}
