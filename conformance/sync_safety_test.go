// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/resolver"
)

// A syncAsk is a request, and in words.
type syncAsk struct {
	authz.Request
	name, text string
}

// syncAsks returns one request of each kind for everybody.
func (w *world) asks() (all []syncAsk) {
	credentials := map[string]authz.Credential{}
	for _, token := range append(w.tokens(), w.ownToken()) {
		credentials[token] = authz.SessionToken(token)
	}
	for _, id := range append(w.foreignIDs(), w.ownIDs()...) {
		credentials[id] = authz.KeyText(keyTextOf(id, 0))
	}
	for name, c := range credentials {
		add := func(method, target string, to *string) {
			text := name + " " + method + " " + target
			if to != nil {
				text += " to " + *to
			}
			all = append(all, syncAsk{authz.Request{Method: method, Target: target, Credential: c, TransferTo: to}, name, text})
		}
		add("GET", "/api/projects", nil)
		add("POST", "/api/projects", nil)
		for _, slug := range syncSlugs {
			add("GET", "/api/projects/"+slug, nil)
		}
		for _, id := range syncProjects {
			add("PATCH", "/api/projects/"+id, nil)
			add("GET", "/api/projects/"+id+"/database-variable-suggestions", nil)
		}
		for _, id := range syncServices {
			add("PATCH", "/api/services/"+id, nil)
			add("GET", "/api/services/"+id, nil)
			for _, to := range syncProjects {
				add("POST", "/api/services/"+id+"/transfer", &to)
			}
		}
		for _, id := range syncDeployments {
			add("GET", "/api/deployments/"+id+"/logs", nil)
		}
	}
	return all
}

// mayDo returns what of it may be done, and of lists what they show.
func mayDo(t *testing.T, a *authz.Authorizer, asks []syncAsk) map[string]bool {
	t.Helper()
	may := map[string]bool{}
	for _, ask := range asks {
		d, err := a.Authorize(t.Context(), ask.Request)
		mustDo(t, ask.text, err)
		who := d.Grant.Principal
		switch {
		case !d.Allowed:
		case d.Grant.Visible != nil && !d.Grant.Visible.All:
			for _, id := range d.Grant.Visible.IDs {
				may[ask.text+" showing "+id] = true
			}
		case who.UserID() == "" && d.Grant.ProjectID != "" && ask.Method == "GET" && strings.HasPrefix(ask.Target, "/api/projects/"):
			// A slug that several bear is nobody's to a caller without a user. Whose it is meanwhile may be neither old nor new; but it is
			// one that the caller reaches.
			may[ask.name+" GET /api/projects/"+d.Grant.ProjectID+"/database-variable-suggestions"] = true
		default:
			may[ask.text] = true
		}
	}
	return may
}

// TestSyncGivesNothingOnItsWay takes over inventories by many transactions. After none of them may anybody do what they could do neither before
// the first nor after the last.
func TestSyncGivesNothingOnItsWay(t *testing.T) {
	onSyncedStores(t, func(t *testing.T, store *syncStore) {
		w := &world{Rand: rand.New(rand.NewPCG(3, 4)), crowd: 1100}
		m := newSyncModel()
		syncer := &authz.Syncer{Store: store, Now: time.Now}
		authorizer := &authz.Authorizer{Routes: resolver.Default(), Facts: store, Used: func(*authz.KeyRecord, time.Time) {}}
		looks, given, taken := 0, 0, 0
		rounds := int64(40)
		if testing.Short() {
			rounds = 10
		}
		for round := range rounds {
			for range 3 {
				localChange(t, w, store, m)
			}
			asks := w.asks()
			before := mayDo(t, authorizer, asks)
			var meanwhile []map[string]bool
			store.synced = func() { meanwhile = append(meanwhile, mayDo(t, authorizer, asks)) }
			to := w.next()
			_, err := syncer.Whole(t.Context(), syncActor, authz.SyncRequest{Revision: round + 1}, to)
			mustDo(t, fmt.Sprint("round ", round), err)
			store.synced = nil
			m.takes(to, round+1, false)
			after := mayDo(t, authorizer, asks)
			for n, may := range meanwhile {
				looks++
				for what := range may {
					if !before[what] && !after[what] {
						t.Errorf("round %d: after %d of %d transactions, and neither before nor after: %s", round, n+1, len(meanwhile), what)
					}
				}
			}
			given, taken = given+len(minus(after, before)), taken+len(minus(before, after))
		}
		m.compare(t, "at last", store)
		if looks < 5*int(rounds) || given < 5*int(rounds) || taken < 5*int(rounds) {
			t.Errorf("looked %d times while %d were given and %d taken: that proves little", looks, given, taken)
		}
	})
}

func minus(a, b map[string]bool) (left []string) {
	for what := range a {
		if !b[what] {
			left = append(left, what)
		}
	}
	return left
}
