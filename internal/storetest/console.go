// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aeroplane.run/authz"
)

// opened is what a store is given to open a session with: whose it is the code says.
func opened(token string, after time.Duration) authz.ConsoleSession {
	return authz.ConsoleSession{Digest: digest(token), ExpiresAt: noon.Add(after)}
}

func code(text, tokenName string, after time.Duration) authz.ConsoleSession {
	return authz.ConsoleSession{Digest: digest(text), TokenName: tokenName, TokenDigest: digest("token of " + tokenName), ExpiresAt: noon.Add(after)}
}

func (f *fixture) putCode(t *testing.T, c authz.ConsoleSession) {
	t.Helper()
	events := f.recorded(t, func() {
		if err := f.PutConsoleCode(t.Context(), at(0), c); err != nil {
			t.Fatal(err)
		}
	})
	if len(events) != 1 || events[0].Action != authz.ConsoleLink || events[0].Actor != at(0).Actor {
		t.Errorf("to put a code left the records %+v", events)
	}
}

func consoleSessions(t *testing.T, f *fixture) {
	f.putCode(t, code("code", "ops", time.Minute))
	if _, err := f.ConsoleSession(t.Context(), digest("code")); authz.KindOf(err) != authz.Unauthenticated {
		t.Errorf("a code is taken for a session: %v", err)
	}
	change := at(time.Minute - time.Microsecond)
	events := f.recorded(t, func() {
		got, err := f.OpenConsole(t.Context(), change, digest("code"), opened("token", time.Hour))
		if diff := cmp.Diff(code("token", "ops", time.Hour), got); diff != "" || err != nil {
			t.Errorf("OpenConsole: %v (-want +got)\n%s", err, diff)
		}
	})
	if len(events) != 1 || events[0].Action != authz.ConsoleOpen || events[0].Actor.TokenName != "ops" || !events[0].At.Equal(change.At) {
		t.Errorf("to open a session left the records %+v", events)
	}
	got, err := f.ConsoleSession(t.Context(), digest("token"))
	if diff := cmp.Diff(code("token", "ops", time.Hour), got); diff != "" || err != nil {
		t.Errorf("the session: %v (-want +got)\n%s", err, diff)
	}
	for _, want := range []int{1, 0} {
		events := f.recorded(t, func() {
			if err := f.EndConsole(t.Context(), at(0), digest("token")); err != nil {
				t.Fatal(err)
			}
		})
		if len(events) != want || want > 0 && (events[0].Action != authz.ConsoleClose || events[0].Actor.TokenName != "ops") {
			t.Errorf("to end a session left the records %+v", events)
		}
	}
	if _, err := f.ConsoleSession(t.Context(), digest("token")); authz.KindOf(err) != authz.Unauthenticated {
		t.Errorf("a session that was ended: %v", err)
	}
}

func consoleCodes(t *testing.T, f *fixture) {
	f.putCode(t, code("used", "ops", time.Minute))
	f.putCode(t, code("late", "ops", time.Minute))
	if _, err := f.OpenConsole(t.Context(), at(0), digest("used"), opened("token", time.Hour)); err != nil {
		t.Fatal(err)
	}
	for text, change := range map[string]authz.Change{
		"used": at(0), "late": at(time.Minute), "unknown": at(0), "token": at(0), // which is a session's
	} {
		events := f.recorded(t, func() {
			if _, err := f.OpenConsole(t.Context(), change, digest(text), opened("of "+text, time.Hour)); authz.KindOf(err) != authz.Unauthenticated {
				t.Errorf("the code %q: %v; want Unauthenticated", text, err)
			}
		})
		if len(events) > 0 {
			t.Errorf("the code %q: %d audit records", text, len(events))
		}
		if _, err := f.ConsoleSession(t.Context(), digest("of "+text)); authz.KindOf(err) != authz.Unauthenticated {
			t.Errorf("the code %q has opened a session: %v", text, err)
		}
	}
}

func consoleCodeOnce(t *testing.T, f *fixture) {
	f.putCode(t, code("code", "ops", time.Minute))
	var opens atomic.Int32
	var running sync.WaitGroup
	for i := range 8 {
		running.Go(func() {
			_, err := f.OpenConsole(t.Context(), at(0), digest("code"), opened(fmt.Sprint("token", i), time.Hour))
			if err == nil {
				opens.Add(1)
			} else if authz.KindOf(err) != authz.Unauthenticated {
				t.Error(err)
			}
		})
	}
	running.Wait()
	if n := opens.Load(); n != 1 {
		t.Errorf("a code has opened %d sessions", n)
	}
}

func consoleSweep(t *testing.T, f *fixture) {
	f.putCode(t, code("old", "ops", sweepAfter-time.Microsecond))
	f.putCode(t, code("good", "ops", sweepAfter))
	f.sweep(t, authz.Cutoffs{})
	if _, err := f.OpenConsole(t.Context(), at(0), digest("old"), opened("of old", 0)); authz.KindOf(err) != authz.Unauthenticated {
		t.Errorf("a code that has expired was not swept: %v", err)
	}
	if _, err := f.OpenConsole(t.Context(), at(0), digest("good"), opened("of good", 0)); err != nil {
		t.Errorf("a code that is good was swept: %v", err)
	}
}
