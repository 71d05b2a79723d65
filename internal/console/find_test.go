// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"fmt"
	"strings"
	"testing"

	bt "aeroplane.run/authz/internal/browsertest"
)

// A key that is created while others are looked for is there, until something else is asked for.
func TestCreatedBesideWhatIsLookedFor(t *testing.T) {
	s := newStage(t)
	s.create("ada", "CI deploys")
	page := s.as("ada")
	for search, others := range map[string]string{"deploys": ",CI deploys", "nothing like it": ""} {
		s.enter(page, "Search", search)
		page.Until(t, `location.hash.includes("query")`)
		quiet(t, page)
		name := fmt.Sprintf("another %d", len(others))
		s.createOnPage(page, name)
		s.copyKey(page)
		s.press(page, "Close")
		page.Visible(t, ".fresh")
		names(t, page, name+others)
		if got := page.Focused(t); got.Name != "Revoke "+name {
			t.Errorf("the focus is on %v", got)
		}
		s.choose(page, "Order", "Newest first")
		page.Gone(t, ".fresh")
		page.Load(t, s.url+"?again="+slugOf(search))
		quiet(t, page)
	}
}

// Who sees everybody's keys looks for those of a user; nobody else is offered that, whatever stands in the address.
func TestKeysOfAUser(t *testing.T) {
	s := newStage(t)
	s.create("ada", "of ada")
	s.create("bob", "of bob")
	olga, admin := s.as("olga"), bt.Open(t, s.link())
	for i, page := range []*bt.Page{olga, admin} {
		names(t, page, "of ada,of bob")
		s.enter(page, "User", " bob ")
		names(t, page, "of bob")
		page.Until(t, `location.hash === "#keys?user=bob"`)
		page.Load(t, fmt.Sprintf("%s?again=%d#keys?user=bob", s.url, i))
		names(t, page, "of bob")
		page.Until(t, `[...document.querySelectorAll("label")].find((e) => e.textContent === "User").control.value === "bob"`)
		s.enter(page, "User", "nobody")
		page.Text(t, "main", "No key matches")
		s.press(page, "Show all keys")
		names(t, page, "of ada,of bob")
	}
	ada := bt.New(t)
	ada.SetCookie(t, s.url, sessionCookie("ada"))
	ada.Load(t, s.url+"#keys?user=bob")
	names(t, ada, "of ada")
	if bt.Eval[bool](t, ada, `[...document.querySelectorAll("label")].some((e) => e.textContent === "User")`) {
		t.Error("ada is offered others' keys")
	}
}

// Of a key that is pasted where something else belongs nothing is sent that is not displayed, however much of it was cut off.
func TestPiecesOfKeys(t *testing.T) {
	s := newStage(t)
	made := s.create("ada", "CI deploys")
	page := bt.Open(t, s.link())
	page.Text(t, "tbody", "CI deploys")
	bt.Eval[bool](t, page, `(() => { window.asked = []; const fetches = window.fetch;
		window.fetch = (path, options) => { window.asked.push(String(path) + (options?.body ?? "")); return fetches(path, options); }; return true; })()`)
	prefix, secret := made.GetKey().GetPrefix(), made.GetSecret()
	pieces := map[string]string{
		secret[:len(prefix)+3]:                      prefix,
		secret[:len(prefix)+30]:                     prefix,
		strings.Repeat("x", 90) + secret:            strings.Repeat("x", 90) + prefix,
		"ap_Q-3_xyz0_" + secret[len(prefix)+1:][:9]: "ap_Q-3_xyz0",
	}
	paste := func(label string) {
		t.Helper()
		for piece, want := range pieces {
			bt.Eval[bool](t, page, `(window.asked.length = 0, true)`)
			s.paste(page, label, piece)
			page.Until(t, fmt.Sprintf(`[...document.querySelectorAll("label")].find((e) => e.textContent === %s).control.value === %s`, quote(label), quote(want)))
			bt.Eval[bool](t, page, `document.activeElement.dispatchEvent(new Event("change"))`)
			page.Until(t, fmt.Sprintf(`window.asked.some((e) => e.includes(%s))`, quote(want)))
			if asked := bt.Eval[string](t, page, "window.asked.join()"); strings.Contains(asked, want+"_") {
				t.Errorf("%s: a piece of the secret was sent: %s", label, asked)
			}
		}
	}
	paste("Search")
	paste("User")
	s.press(page, "Create API key")
	paste("User of Aeroplane")
	s.enter(page, "User of Aeroplane", "ada")
	s.press(page, "Selected projects")
	paste("Search projects")
	s.press(page, "Cancel")

	s.press(page, "Why was this refused?")
	s.paste(page, "ID of the key", secret[:len(prefix)+20])
	s.enter(page, "Path", "/api/projects")
	page.Press(t, bt.Enter)
	page.Text(t, ".verdict", "Allowed")
	if asked := bt.Eval[string](t, page, "window.asked.join() + location.href"); strings.Contains(asked, prefix+"_") {
		t.Errorf("a piece of the secret was sent: %s", asked)
	}
}
