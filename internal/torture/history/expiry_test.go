// SPDX-License-Identifier: Apache-2.0

package history

import (
	"slices"
	"testing"
	"time"
)

func TestJudgeExpiry(t *testing.T) {
	ahead := func(replica uint8) time.Duration { return 20 + time.Duration(replica) }
	ask := func(replica uint8, start, end time.Duration, answer Answer) Ask {
		return Ask{Subject: 1, Replica: replica, Start: start, End: end, Answer: answer, Expires: 100}
	}
	for name, test := range map[string]struct {
		asks   []Ask
		excuse Leniency
		rules  []Rule
		want   Expiry
	}{
		"allowed before, denied after": {asks: []Ask{ask(0, 1, 2, Allowed), ask(0, 101, 102, Denied)},
			want: Expiry{Allowed: 1, Denied: 1}},
		"a call that began before may be allowed later": {asks: []Ask{ask(0, 100, 200, Allowed)}, want: Expiry{Allowed: 1}},
		"one that began after may not":                  {asks: []Ask{ask(0, 101, 102, Allowed)}, rules: []Rule{Expired}},
		"whatever the database lost": {asks: []Ask{ask(0, 101, 102, Allowed)}, excuse: Leniency{Diverged: true},
			rules: []Rule{Expired}},
		"a little ahead of time": {asks: []Ask{ask(0, 1, 2, Allowed), ask(0, 79, 80, Denied)}, want: Expiry{Allowed: 1, Ahead: 20}},
		"far ahead of time": {asks: []Ask{ask(0, 1, 2, Allowed), ask(0, 78, 79, Denied)}, rules: []Rule{Lasting},
			want: Expiry{Allowed: 1, Ahead: 21}},
		"not too far for that replica": {asks: []Ask{ask(1, 1, 2, Allowed), ask(1, 78, 79, Denied)}, want: Expiry{Allowed: 1, Ahead: 21}},
		"far ahead, and lost": {asks: []Ask{ask(0, 1, 2, Allowed), ask(0, 78, 79, Denied)}, excuse: Leniency{Diverged: true},
			want: Expiry{Allowed: 1}},
		"who has not heard of it may deny":     {asks: []Ask{ask(0, 1, 2, Allowed), ask(1, 3, 4, Denied)}, want: Expiry{Allowed: 1}},
		"and so may who does not know it yet":  {asks: []Ask{ask(0, 1, 4, Denied), ask(0, 3, 5, Allowed)}, want: Expiry{Allowed: 1}},
		"denied after, by who never knew it":   {asks: []Ask{ask(0, 1, 2, Allowed), ask(1, 101, 102, Denied)}, want: Expiry{Allowed: 1}},
		"no decision is none":                  {asks: []Ask{ask(0, 101, 102, Undecided)}},
		"on the instant, nobody can tell them": {asks: []Ask{ask(0, 100, 101, Denied)}},
	} {
		violations, got := JudgeExpiry(test.asks, ahead, test.excuse)
		var rules []Rule
		for _, v := range violations {
			rules = append(rules, v.Rule)
		}
		if !slices.Equal(rules, test.rules) || got != test.want {
			t.Errorf("%s: %v, %+v; want %v, %+v", name, violations, got, test.rules, test.want)
		}
	}
}
