// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"fmt"
	"testing"

	bt "aeroplane.run/authz/internal/browsertest"
)

// Who goes elsewhere from a long list and comes back finds as much of it, and is where they were; what has changed meanwhile is told.
func TestBackInALongList(t *testing.T) {
	s := newStage(t)
	for i := range 120 {
		s.create("ada", fmt.Sprintf("key %03d", i))
	}
	page := s.as("ada")
	s.press(page, "Show 50 more")
	page.Text(t, ".more", "100 keys are shown")
	bt.Eval[bool](t, page, `(window.EventSource = class { addEventListener() {} close() {} }, true)`)
	lookAgain(t, page) // and it is told of no change any more
	quiet(t, page)
	s.press(page, "Explain key 080")
	page.Text(t, "h1", "Why was this refused?")
	for _, key := range s.keysOf("ada") {
		if key.GetName() == "key 081" {
			s.revoke(key.GetId())
		}
	}
	bt.Eval[bool](t, page, "(history.back(), true)")
	page.Text(t, "h1", "API Access")
	page.Until(t, `document.querySelectorAll("tbody tr").length === 101 && document.querySelector("tr.gone .name").textContent === "key 081"`)
	if got := page.Focused(t); got.Name != "Explain key 080" {
		t.Errorf("the focus is on %v", got)
	}
	page.Until(t, `(() => { const r = document.activeElement.getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight; })()`)
}

// A list that was left asks for nothing any more, also where it had heard of a change while it was on its way.
func TestLeftWhileOnItsWay(t *testing.T) {
	s := newStage(t)
	s.create("ada", "CI deploys")
	page := s.as("ada")
	names(t, page, "CI deploys")
	quiet(t, page)
	bt.Eval[bool](t, page, `(() => { window.asked = 0; const fetches = window.fetch;
		window.fetch = (path, ...rest) => { if (String(path).startsWith("v1/keys")) window.asked++; return fetches(path, ...rest); }; return true; })()`)
	hold(t, page, "v1/keys")
	lookAgain(t, page)
	page.Visible(t, `.sheet[aria-busy="true"]`)
	lookAgain(t, page) // and the same is to be asked for once more
	s.press(page, "Why was this refused?")
	page.Text(t, "h1", "Why was this refused?")
	letGo(t, page)
	if n := bt.Eval[int](t, page, `new Promise((done) => setTimeout(() => done(window.asked), 300))`); n != 1 {
		t.Errorf("the keys were asked for %d times, want once", n)
	}
	s.press(page, "Keys")
	names(t, page, "CI deploys")
	quiet(t, page)
}

// The tabs lead to where somebody was, and the tab of what is shown to the beginning.
func TestTabsKeepWhatIsLookedFor(t *testing.T) {
	s := newStage(t)
	s.create("ada", "CI deploys")
	s.create("ada", "backup")
	page := s.as("olga")
	s.enter(page, "Search", "deploys")
	names(t, page, "CI deploys")
	s.press(page, "Audit")
	s.choose(page, "Show", "Keys created")
	page.Until(t, `location.hash === "#audit?action=key.create"`)
	page.Text(t, "tbody", "created the key backup")
	s.press(page, "Why was this refused?")
	s.enter(page, "Path", "/api/projects")
	page.Press(t, bt.Enter)
	page.Visible(t, ".verdict")

	s.press(page, "Keys")
	names(t, page, "CI deploys")
	page.Until(t, `location.hash === "#keys?query=deploys"`)
	s.press(page, "Why was this refused?")
	page.Text(t, ".verdict", "401 Authentication required")
	s.press(page, "Audit")
	for range 2 {
		page.Text(t, "tbody", "created the key backup")
		page.Until(t, `location.hash === "#audit?action=key.create" && document.querySelector("select").value === "key.create"`)
		page.Load(t, s.url+"?again#audit?action=key.create")
	}
	s.choose(page, "Show", "Everything")
	page.Until(t, `location.hash === "#audit?action=all"`)
	page.Text(t, "tbody", "added or changed the session")
	s.press(page, "Keys") // which knows of nothing any more
	names(t, page, "backup,CI deploys")
	page.Load(t, s.url+"?more#audit?action=nonsense")
	page.Until(t, `document.querySelector("select").value === "key.*"`)
}
