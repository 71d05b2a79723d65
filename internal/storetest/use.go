// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"fmt"
	"testing"
	"time"

	"aeroplane.run/authz"
)

func useForward(t *testing.T, f *fixture) {
	f.create(t, newKey("k", ""), newKey("K", ""), newKey("over", ""))
	if _, err := f.RevokeKey(t.Context(), at(0), "over"); err != nil {
		t.Fatal(err)
	}
	minute := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Minute) }
	events := f.recorded(t, func() {
		for i, step := range []struct {
			uses []authz.KeyUse
			want map[string]time.Time
		}{
			{nil, map[string]time.Time{"k": {}, "K": {}, "over": {}}},
			{[]authz.KeyUse{{KeyID: "k", At: minute(2)}}, map[string]time.Time{"k": minute(2), "K": {}}},
			{[]authz.KeyUse{{KeyID: "k", At: minute(1)}, {KeyID: "over", At: minute(1)}, {KeyID: "unknown", At: minute(9)}},
				map[string]time.Time{"k": minute(2), "K": {}, "over": minute(1)}},
			{[]authz.KeyUse{{KeyID: "K", At: minute(3)}, {KeyID: "k", At: minute(2)}, {KeyID: "K", At: minute(5)},
				{KeyID: "K", At: minute(4)}}, map[string]time.Time{"k": minute(2), "K": minute(5)}},
			{[]authz.KeyUse{{KeyID: "k", At: minute(2).Add(time.Microsecond)}},
				map[string]time.Time{"k": minute(2).Add(time.Microsecond)}},
		} {
			if err := f.RecordUse(t.Context(), step.uses); err != nil {
				t.Fatal(err)
			}
			for id, want := range step.want {
				same(t, fmt.Sprintf("step %d: %s", i, id), f.key(t, id).LastUsedAt, want)
			}
		}
	})
	same(t, "events", events, []authz.Event{})
	f.create(t, newKey("unknown", ""))
	same(t, "a key used before it was known", f.key(t, "unknown").LastUsedAt, time.Time{})
	listed, err := f.Keys(t.Context(), authz.KeyFilter{States: allStates[2:], Now: noon}, everything)
	same(t, "in a list", must(t, listed, err)[0].LastUsedAt, minute(1))
}

// useConcurrent notes uses of the same keys from many callers in any order, as replicas do.
func useConcurrent(t *testing.T, f *fixture) {
	const callers, keys, rounds = 8, 5, 10
	for i := range keys {
		f.create(t, newKey(fmt.Sprint("k", i), ""))
	}
	together(callers, func(caller int) {
		for round := range rounds {
			var uses []authz.KeyUse
			for i := range keys {
				if caller%2 == 1 {
					i = keys - 1 - i
				}
				uses = append(uses, authz.KeyUse{KeyID: fmt.Sprint("k", i),
					At: noon.Add(time.Duration((caller*7+round*3)%(callers*rounds)) * time.Second)})
			}
			if err := f.RecordUse(t.Context(), uses); err != nil {
				t.Errorf("RecordUse: %v", err)
			}
		}
	})
	latest := 0
	for caller := range callers {
		for round := range rounds {
			latest = max(latest, (caller*7+round*3)%(callers*rounds))
		}
	}
	for i := range keys {
		same(t, "last use", f.key(t, fmt.Sprint("k", i)).LastUsedAt, noon.Add(time.Duration(latest)*time.Second))
	}
}
