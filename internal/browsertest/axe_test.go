// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"testing"

	"aeroplane.run/authz/internal/testservers"
)

func TestAxeComplains(t *testing.T) {
	testservers.Tool(t, "axe.min.js") // or there is nothing to test
	url := serve(t, `<img id="logo" src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" width="9" height="9"><p class="pale">pale</p>
		<h3>Too low</h3><button></button>`, ".pale { color: #ccc; background: #fff }", "")
	got := failure(t, func(t testing.TB) {
		p := New(t)
		p.Expect(t, "data:") // which the policy forbids
		p.Load(t, url)
		p.Axe(t)
	})
	contains(t, got, "axe: 4 rules are broken:\n",
		"image-alt (critical): Images must have alternative text\n    #logo: <img",
		"color-contrast (serious): ", "\n    p: <p class=\"pale\">pale</p>\n",
		"heading-order (moderate): ", "\n    h3: ", "button-name (critical): ", "\n    button: ")
}

func TestAxeSeesThePageAsItStands(t *testing.T) {
	url := serve(t, "<p>text</p>", "p { color: #222 } @media (prefers-color-scheme: dark) { html { background: #000 } h1 { color: #fff } }", "")
	p := Open(t, url)
	p.Axe(t)
	got := failure(t, func(t testing.TB) {
		p.Emulate(t, Media{Dark: true})
		p.Axe(t)
	})
	contains(t, got, "color-contrast")
	if Eval[bool](t, p, `"axe" in globalThis`) {
		t.Error("the page has a variable that is not its own")
	}
}
