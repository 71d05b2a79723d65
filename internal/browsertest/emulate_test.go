// SPDX-License-Identifier: Apache-2.0

package browsertest

import "testing"

func TestStylesLearnOfWishes(t *testing.T) {
	p := Open(t, serve(t, "<p>text</p>", `p { color: rgb(1, 1, 1); }
		@media (prefers-color-scheme: dark) { p { color: rgb(2, 2, 2); } }
		@media (prefers-reduced-motion: reduce) { p { font-size: 33px; } }
		@media (forced-colors: active) { p { width: 44px; } }`, ""))
	for _, test := range []struct {
		media Media
		want  string
	}{
		{Media{}, "rgb(1, 1, 1) false false"},
		{Media{Dark: true}, "rgb(2, 2, 2) false false"},
		{Media{ReducedMotion: true}, "rgb(1, 1, 1) true false"},
		{Media{ForcedColors: true}, "rgb(0, 0, 0) false true"}, // which is what they are forced to
		{Media{}, "rgb(1, 1, 1) false false"},
	} {
		p.Emulate(t, test.media)
		got := Eval[string](t, p, `(() => { const style = getComputedStyle(document.querySelector("p"));
			return [style.color, style.fontSize === "33px", style.width === "44px"].join(" "); })()`)
		if got != test.want {
			t.Errorf("%+v: %s, want %s", test.media, got, test.want)
		}
	}
}

func TestPagesHaveTheSizeThatTheyAreGiven(t *testing.T) {
	p := Open(t, serve(t, "", "", ""))
	const size = `innerWidth + " × " + innerHeight`
	if got := Eval[string](t, p, size); got != "1280 × 720" {
		t.Error(got)
	}
	p.Resize(t, 320, 256)
	if got := Eval[string](t, p, size); got != "320 × 256" {
		t.Error(got)
	}
}
