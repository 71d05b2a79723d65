// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"math"
	"testing"
)

func TestRevisionsBothWays(t *testing.T) {
	t.Parallel()
	for text, r := range map[string]Revision{
		"1042.1f86d081884c7d65":                {Seq: 1042, Tag: 0x1f86d081884c7d65},
		"1.0000000000000000":                   {Seq: 1},
		"7.00000000000000ff":                   {Seq: 7, Tag: 0xff},
		"9223372036854775807.ffffffffffffffff": {Seq: math.MaxInt64, Tag: -1},
		"20.8000000000000000":                  {Seq: 20, Tag: math.MinInt64},
	} {
		if got := r.String(); got != text {
			t.Errorf("%+v is %q, want %q", r, got, text)
		}
		if back, err := ParseRevision("f", text); err != nil || back != r {
			t.Errorf("%q becomes %+v, %v", text, back, err)
		}
	}
	if text := (Revision{}).String(); text != "" {
		t.Errorf("none is %q", text)
	}
	for _, text := range []string{
		"", "1", "1.", ".0", "1.ff", "0.0000000000000000", "-1.0000000000000000", "01.0000000000000000", "+1.0000000000000000",
		"1.00000000000000FF", "1.00000000000000000", "1.0000000000000000.", " 1.0000000000000000", "9223372036854775808.0000000000000000",
	} {
		if r, err := ParseRevision("f", text); KindOf(err) != Invalid {
			t.Errorf("%q becomes %+v, %v", text, r, err)
		}
	}
}
