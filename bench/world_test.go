// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/apikey"
)

func TestKeysReachTheProjectsThatAreDrawnForThem(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	kinds := map[string]int{}
	for i := range 200 {
		k := newKey(i)
		p := k.project(r)
		switch {
		case k.selected != nil:
			kinds["selection"]++
			if next := (k.selected[0] + 1) % projects; !slices.Contains(k.selected, p) || slices.Contains(k.selected, next) {
				t.Errorf("key %d: %d or %d of %v", i, p, next, k.selected)
			}
		case k.user >= 0:
			kinds["user"]++
			if ownerOf(p) != userID(k.user) {
				t.Errorf("key %d: %d is not of user %d", i, p, k.user)
			}
		default:
			kinds["all"]++
		}
		if s := serviceOf(p, r); s%projects != p || s >= services {
			t.Errorf("service %d of project %d", s, p)
		}
		if d := deploymentOf(p, r); d%services%projects != p || d >= deployments {
			t.Errorf("deployment %d of project %d", d, p)
		}
		if want := map[bool]authz.Access{false: authz.Read, true: authz.Write}[k.write]; k.access() != want {
			t.Errorf("key %d: %v", i, k.access())
		}
	}
	if kinds["all"] != 120 || kinds["selection"] != 40 || kinds["user"] != 40 {
		t.Error(kinds)
	}
}

func TestWhatIsAskedIsAsAGatewayWouldAsk(t *testing.T) {
	sum := 0
	for _, m := range mix {
		sum += m.share
	}
	if sum != 1000 {
		t.Errorf("the shares add up to %d", sum)
	}
	w := newWorld(500, 0)
	for _, uniform := range []bool{false, true} {
		q := newQuestions(w, 10_000, uniform)
		bytes, denied, ofFirst := 0, 0, 0
		for _, question := range q.all {
			bytes += proto.Size(question.request)
			if !question.allowed {
				denied++
			}
			if h := question.request.GetHeaders().GetAuthorization(); len(h) > 0 && h[0] == "Bearer "+w.keys[0].Secret.Reveal() {
				ofFirst++
			}
		}
		if size := bytes / len(q.all); size < 110 || size > 140 {
			t.Errorf("%s: a request has %d bytes", q.name, size)
		}
		if denied < 50 || denied > 150 {
			t.Errorf("%s: %d of 10,000 are denied", q.name, denied)
		}
		if often := ofFirst > 500; often == uniform {
			t.Errorf("%s: the first key is asked for %d times", q.name, ofFirst)
		}
	}
	for _, text := range w.strangers {
		if apikey.FormOf(text) != apikey.Own {
			t.Errorf("%q is recognised by its form", text)
		}
	}
}

func TestCallersBeginApartAndGoRound(t *testing.T) {
	q := newQuestions(newWorld(100, 0), 10, true)
	c := q.from(1, 2)
	for i := range 12 {
		if got := c.next(); got != &q.all[(5+i)%10] {
			t.Fatalf("question %d is another one", i)
		}
	}
	batches := q.inBatches(4)
	if len(batches) != 2 || len(batches[1].Requests) != 4 || batches[1].Requests[3] != q.all[7].request {
		t.Error(batches)
	}
	if again := q.inBatches(4); len(again) != 2 || again[0] != batches[0] {
		t.Error("made anew")
	}
}
