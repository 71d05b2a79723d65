// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
)

// Clipboard returns the text that is on the clipboard. It is pasted in a tab beside the page's, so that the page need not be allowed to
// read it. The browser has but one clipboard: tests that use it do not run at once.
func (p *Page) Clipboard(t testing.TB) string {
	t.Helper()
	ctx, cancel := chromedp.NewContext(p.ctx)
	defer cancel()
	beside := &Page{ctx: ctx}
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("open a tab: %v", err)
	}
	paste := input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeRawKeyDown, Commands: []string{"paste"}}
	Eval[bool](t, beside, `document.body.append(document.createElement("textarea")), document.querySelector("textarea").focus(), true`)
	if err := beside.do(command(input.DispatchKeyEvent, paste)); err != nil {
		t.Fatalf("paste: %v", err)
	}
	return Eval[string](t, beside, `document.querySelector("textarea").value`)
}
