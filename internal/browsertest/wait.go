// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

//go:embed look.js
var look string

// Visible waits until an element that the CSS selector matches is to be seen.
func (p *Page) Visible(t testing.TB, selector string) {
	t.Helper()
	p.until(t, "to see "+selector, condition("visible", selector))
}

// Gone waits until no element that the CSS selector matches is to be seen.
func (p *Page) Gone(t testing.TB, selector string) {
	t.Helper()
	p.until(t, "for "+selector+" to go", condition("gone", selector))
}

// Text waits until an element that the CSS selector matches is to be seen with a text in it, where blanks of all kinds are alike.
func (p *Page) Text(t testing.TB, selector, text string) {
	t.Helper()
	p.until(t, fmt.Sprintf("to read %q in %s", text, selector), condition("text", selector, text))
}

// Until waits until an expression of JavaScript is true.
func (p *Page) Until(t testing.TB, expression string) {
	t.Helper()
	p.until(t, "until "+expression, fmt.Sprintf(`(%s) ? "" : "it is not so"`, expression))
}

// condition is an expression that calls a function of look.js.
func condition(name string, args ...string) string {
	var quoted []string
	for _, arg := range args {
		text, _ := json.Marshal(arg) // which always works
		quoted = append(quoted, string(text))
	}
	return fmt.Sprintf("(() => {%s\nreturn %s(%s)})()", look, name, strings.Join(quoted, ", "))
}

// until waits until an expression returns no text. While a page makes way for the next, none can be asked.
func (p *Page) until(t testing.TB, what, expression string) {
	t.Helper()
	var instead string
	for deadline := time.Now().Add(p.patience); time.Now().Before(deadline); time.Sleep(poll) {
		found, err := eval[string](p, expression)
		switch {
		case err != nil:
			instead = err.Error()
		case found == "":
			return
		default:
			instead = found
		}
	}
	t.Fatalf("waited in vain %s: %s", what, instead)
}

// ClickOn clicks into the middle of the element that an expression of JavaScript finds, when it is to be seen.
func (p *Page) ClickOn(t testing.TB, expression string) {
	t.Helper()
	p.Until(t, fmt.Sprintf(`(() => { const e = %s; if (!e?.checkVisibility()) return false; e.scrollIntoView({block: "center"}); return true; })()`, expression))
	at := Eval[[2]float64](t, p, fmt.Sprintf(`(() => { const r = (%s).getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()`, expression))
	if err := p.do(chromedp.MouseClickXY(at[0], at[1])); err != nil {
		t.Fatalf("click on %s: %v", expression, err)
	}
}

// Click clicks into the middle of the first element that the CSS selector matches, when it is to be seen.
func (p *Page) Click(t testing.TB, selector string) {
	t.Helper()
	p.Visible(t, selector)
	if err := p.do(chromedp.Click(chromedp.CSS(selector))); err != nil {
		t.Fatalf("click %s: %v", selector, err)
	}
}
