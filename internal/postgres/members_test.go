// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"context"
	"slices"
	"syscall"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/testservers"
)

func TestMembers(t *testing.T) {
	t.Parallel()
	s := open(t, postgres.Config{DSN: testservers.Postgres(t).NewDatabase(t)})
	defer s.Close()
	ctx, members := t.Context(), s.Members()
	a, b := fence.MemberID{1, 0xab}, fence.MemberID{2}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	list := func(ask ...authz.Revision) fence.Roll {
		t.Helper()
		roll := must(members.List(ctx, ask))
		slices.SortFunc(roll.Members, func(x, y fence.MemberState) int { return int(x.ID[0]) - int(y.ID[0]) })
		return roll
	}
	head := must(s.History().Head(ctx))
	check(members.Join(ctx, fence.Member{ID: a, Lease: 4 * time.Second, Name: "a"}))
	check(members.Join(ctx, fence.Member{ID: b, Lease: 500 * time.Millisecond}))
	if members.Join(ctx, fence.Member{ID: a, Lease: time.Second}) == nil {
		t.Error("a member joined twice")
	}
	if members.Join(ctx, fence.Member{ID: fence.MemberID{3}, Lease: fence.MaxLease + time.Millisecond}) == nil {
		t.Error("a lease that changes do not wait for")
	}
	roll := list(head, authz.Revision{Seq: head.Seq, Tag: head.Tag + 1}, authz.Revision{Seq: head.Seq + 1})
	if !slices.Equal(roll.Held, []bool{true, false, false}) {
		t.Errorf("held %v", roll.Held)
	}
	if want := []fence.MemberState{{ID: a, Lease: 4 * time.Second, Name: "a"}, {ID: b, Lease: 500 * time.Millisecond}}; !slices.Equal(roll.Members, want) {
		t.Errorf("%+v, want %+v", roll.Members, want)
	}

	create(t, s, "key")
	before := time.Now().Add(-time.Second)
	answer := must(members.Round(ctx, a, head, 100))
	if len(answer.Rows) < 2 || answer.Rows[0].Revision != head || answer.Clock.Before(before) || answer.Clock.After(time.Now().Add(time.Second)) {
		t.Errorf("%+v", answer)
	}
	newest := answer.Rows[len(answer.Rows)-1].Revision
	if first := must(members.Round(ctx, a, head, 1)); len(first.Rows) != 1 {
		t.Errorf("%+v", first)
	}
	if none := must(members.Round(ctx, fence.MemberID{9}, head, 100)); none.Rows != nil {
		t.Errorf("nobody's round: %+v", none)
	}
	check(members.Ack(ctx, a, newest))
	check(members.Ack(ctx, a, head))                                           // late
	check(members.Ack(ctx, b, authz.Revision{Seq: newest.Seq, Tag: head.Tag})) // of another history
	roll = list()
	beat := roll.Members[0].Beat
	if m := roll.Members[0]; m.Beat == 0 || m.Applied != newest {
		t.Errorf("a: %+v", m)
	}
	must(members.Round(ctx, a, newest, 1))
	switch list().Members[0].Beat {
	case beat:
		t.Error("a round left the beat as it was")
	case beat + 1:
		t.Error("beats are counted, and two servers may count to the same one")
	}
	if m := roll.Members[1]; m.Beat != 0 || !m.Applied.IsZero() {
		t.Errorf("b: %+v", m)
	}
	if members.Collect(ctx, a, beat) == nil {
		t.Error("a member that lives was removed, it is said")
	}
	for range 2 { // once it is gone, it is gone
		check(members.Collect(ctx, b, 0))
	}
	check(members.Leave(ctx, b))
	if roll = list(); len(roll.Members) != 1 || roll.Members[0].ID != a {
		t.Errorf("%+v", roll.Members)
	}
}

// Nothing that follows the history takes longer than it may, whatever becomes of the server; and afterwards it works.
func TestTheHistoryOfAServerThatStopsAnswering(t *testing.T) {
	t.Parallel()
	server := testservers.StartPostgres(t, testservers.Options{})
	s := open(t, postgres.Config{DSN: server.NewDatabase(t)})
	defer s.Close()
	id := fence.MemberID{7}
	calls := map[string]func(context.Context) error{
		"head":  func(ctx context.Context) error { _, err := s.History().Head(ctx); return err },
		"since": func(ctx context.Context) error { _, err := s.History().Since(ctx, 1, 10); return err },
		"round": func(ctx context.Context) error {
			_, err := s.Members().Round(ctx, id, authz.Revision{Seq: 1}, 10)
			return err
		},
		"ack":   func(ctx context.Context) error { return s.Members().Ack(ctx, id, authz.Revision{Seq: 1}) },
		"list":  func(ctx context.Context) error { _, err := s.Members().List(ctx, nil); return err },
		"leave": func(ctx context.Context) error { return s.Members().Leave(ctx, id) },
	}
	server.Signal(t, syscall.SIGSTOP)
	for name, call := range calls {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		err := within(t, func() error { return call(ctx) })
		cancel()
		if authz.KindOf(err) != authz.Unavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
	server.Signal(t, syscall.SIGCONT)
	for name, call := range calls {
		until(t, name, func() bool { return call(t.Context()) == nil })
	}
}
