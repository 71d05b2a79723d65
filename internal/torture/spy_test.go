// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestQuoted(t *testing.T) {
	for line, want := range map[string][]string{
		"+OK": nil,
		`+1339518083.107412 [0 127.0.0.1:60866] "set" "a b" "\"\\\x00\xff\n\a" "px"`: {"set", "a b", "\"\\\x00\xff\n\a", "px"},
		`1339518083.107412 [0 lua] "get" "cut`:                                       {"get"},
	} {
		if diff := cmp.Diff(want, quoted(line)); diff != "" {
			t.Errorf("%s: -want +got\n%s", line, diff)
		}
	}
}

func TestASpyKeepsEveryValue(t *testing.T) {
	l := &spy{former: make(map[string][]string)}
	if _, _, _, ok := l.any(func(int) int { return 0 }); ok {
		t.Error("something was learnt of nothing")
	}
	for _, v := range []string{"1", "2", "1", "3"} {
		l.learn("a", v)
	}
	if got := l.former["a"]; !slices.Equal(got, []string{"1", "2", "3"}) {
		t.Error(got)
	}
	l.learn("b", "4")
	if key, own, other, ok := l.any(func(n int) int { return n - 1 }); !ok || key != "b" || own != "4" || other != "4" {
		t.Error(key, own, other, ok)
	}
}
