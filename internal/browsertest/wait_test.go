// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"testing"
	"time"
)

func TestConditionsAreWaitedFor(t *testing.T) {
	p := Open(t, serve(t, `<button>Begin</button><p id="first">before</p><p id="second" hidden>all&nbsp;is
		<b>well</b></p>`, "", `document.querySelector("button").onclick = () => setTimeout(() => {
			document.querySelector("#first").remove();
			document.querySelector("#second").hidden = false;
			globalThis.done = true;
		}, 200)`))
	p.Visible(t, "#first")
	p.Gone(t, "#second")
	p.Click(t, "button")
	p.Gone(t, "#first")
	p.Visible(t, "#second")
	p.Text(t, "p", "all is well")
	p.Until(t, "globalThis.done")
}

func TestAConditionMayHoldOnTheNextPage(t *testing.T) {
	url := serveFiles(t, files{"/": html(`<a href="/next">Next</a>`), "/next": html(`<p>There</p>`), "/style.css": "", "/script.js": ""})
	p := Open(t, url)
	p.Click(t, "a")
	p.Text(t, "p", "There")
}

func TestWhatIsWaitedForInVainIsNamed(t *testing.T) {
	p := Open(t, serve(t, `<p id="there">one
		two</p><p id="hidden" hidden>three</p><p id="clear">four</p>`, "#clear { opacity: 0 }", ""))
	p.patience = time.Millisecond
	for _, test := range []struct {
		wait func(t testing.TB)
		want string
	}{
		{func(t testing.TB) { p.Visible(t, "#none") }, "waited in vain to see #none: there is none"},
		{func(t testing.TB) { p.Visible(t, "#hidden") }, "waited in vain to see #hidden: it is hidden"},
		{func(t testing.TB) { p.Visible(t, "#clear") }, "waited in vain to see #clear: it is hidden"},
		{func(t testing.TB) { p.Gone(t, "#there") }, "waited in vain for #there to go: it is there"},
		{func(t testing.TB) { p.Text(t, "p", "three") }, `waited in vain to read "three" in p: there is "one two"`},
		{func(t testing.TB) { p.Text(t, "#hidden", "three") }, `waited in vain to read "three" in #hidden: it is hidden`},
		{func(t testing.TB) { p.Until(t, "1 > 2") }, "waited in vain until 1 > 2: it is not so"},
		{func(t testing.TB) { p.Click(t, "#none") }, "waited in vain to see #none: there is none"},
	} {
		if got := failure(t, test.wait); got != test.want {
			t.Errorf("%s, want %s", got, test.want)
		}
	}
	contains(t, failure(t, func(t testing.TB) { p.Until(t, "lost.words") }), "waited in vain until lost.words", "lost is not defined")
}

// A click lands on what an expression finds, when that is to be seen, wherever it is on the page.
func TestClickOn(t *testing.T) {
	p := Open(t, serve(t, `<p class=tall>far</p><button id=b hidden>Press</button><p id=n>0</p>`, ".tall { height: 3000px }", `
		b.onclick = () => { n.textContent = "pressed" }; setTimeout(() => { b.hidden = false }, 200);`))
	p.ClickOn(t, `document.querySelector("button")`)
	p.Text(t, "#n", "pressed")
	p.patience = time.Millisecond
	contains(t, failure(t, func(t testing.TB) { p.ClickOn(t, `document.querySelector("input")`) }), "waited in vain")
	p.patience = patience
}
