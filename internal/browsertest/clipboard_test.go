// SPDX-License-Identifier: Apache-2.0

package browsertest

import "testing"

func TestWhatThePageCopiesIsOnTheClipboard(t *testing.T) {
	p := Open(t, serve(t, `<button>Copy</button><p></p>`, "",
		`document.querySelector("button").onclick = async () => {
			await navigator.clipboard.writeText("ae_" + Math.random());
			document.querySelector("p").append("Copied");
		}`))
	for range 2 {
		before := p.Clipboard(t)
		p.Press(t, Tab, Enter)
		p.Text(t, "p", "Copied")
		if got := p.Clipboard(t); len(got) < 5 || got[:3] != "ae_" || got == before {
			t.Errorf("%q, and before %q", got, before)
		}
		p.Load(t, Eval[string](t, p, "location.href"))
	}
}
