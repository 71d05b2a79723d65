// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// Media are the wishes of who looks at the page, as its styles learn of them. The zero Media are a browser's that was never told any.
type Media struct{ Dark, ReducedMotion, ForcedColors bool }

// Emulate makes the wishes these, at once and until the next call.
func (p *Page) Emulate(t testing.TB, m Media) {
	t.Helper()
	feature := func(name string, on bool, yes, no string) *emulation.MediaFeature {
		if on {
			return &emulation.MediaFeature{Name: name, Value: yes}
		}
		return &emulation.MediaFeature{Name: name, Value: no}
	}
	features := []*emulation.MediaFeature{
		feature("prefers-color-scheme", m.Dark, "dark", "light"),
		feature("prefers-reduced-motion", m.ReducedMotion, "reduce", "no-preference"),
		feature("forced-colors", m.ForcedColors, "active", "none"),
	}
	if err := p.do(command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: features})); err != nil {
		t.Fatalf("emulate %+v: %v", m, err)
	}
}

// Resize makes the page as large as a window, or a telephone, in CSS pixels.
func (p *Page) Resize(t testing.TB, width, height int) {
	t.Helper()
	if err := p.do(chromedp.EmulateViewport(int64(width), int64(height))); err != nil {
		t.Fatalf("resize to %d × %d: %v", width, height, err)
	}
}
