// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"strings"
	"testing"

	bt "aeroplane.run/authz/internal/browsertest"
)

// An administrator who has mistyped a user is told so before the key is there: it would reach nothing.
func TestUserWithoutProjects(t *testing.T) {
	s := newStage(t)
	page := bt.Open(t, s.link())
	s.press(page, "Create API key")
	const hint = "No project here is this user's: the key would reach none. Check the ID."
	s.enter(page, "User of Aeroplane", "adda")
	page.Press(t, bt.Tab)
	page.Text(t, `dialog [aria-live="polite"]`, hint)
	s.enter(page, "User of Aeroplane", "ada")
	page.Press(t, bt.Tab)
	page.Until(t, `!document.querySelector("dialog").textContent.includes("No project here")`)
	s.enter(page, "User of Aeroplane", "olga") // of whom it is true, and may be meant
	page.Press(t, bt.Tab)
	page.Text(t, "dialog", hint)
	s.enter(page, "Name", "for olga")
	page.Press(t, bt.Enter)
	page.Text(t, "dialog", "Copy your API key now")
	if n := len(s.keysOf("olga")); n != 1 {
		t.Errorf("there are %d keys", n)
	}
}

// A key that is shown stays when the session ends meanwhile, and who closes it is where the page says so.
func TestSessionEndsBesideAKey(t *testing.T) {
	s := newStage(t)
	page := s.as("ada")
	page.Expect(t, "401", "404")
	s.createOnPage(page, "shown")
	s.endSession("ada")
	page.Until(t, `document.querySelector("main").textContent.includes("You are not signed in")`)
	s.copyKey(page)
	s.press(page, "Close")
	page.Gone(t, "dialog")
	page.Until(t, `document.activeElement === document.querySelector("main") || document.querySelector("main").contains(document.activeElement)`)
}

// Long names take no more room than there is for them, and the tabs and the choices are all to be seen.
func TestRoom(t *testing.T) {
	s := newStage(t)
	long := strings.Repeat("Verylongprojectname", 6)
	s.putProject("ada", long)
	page := s.as("ada")
	s.press(page, "Create API key")
	s.enter(page, "Name", "CI deploys")
	page.Until(t, `new Set([...document.querySelectorAll(".choices:has(> :nth-child(4)) > *")].map((e) => e.getBoundingClientRect().top)).size === 1`)
	page.Until(t, `document.querySelector(".choices > :nth-child(4)").getBoundingClientRect().height < 45`)
	s.press(page, "Selected projects")
	page.Click(t, `.offers [data-id="p-`+slugOf(long)+`"]`)
	page.Until(t, `[...document.querySelectorAll("dialog, .offers, .chosen")].every((e) => e.scrollWidth <= e.clientWidth)`)
	page.Until(t, `[...document.querySelectorAll(".chosen li, .offers li")].every((e) => e.getBoundingClientRect().height < 70)`)
	s.press(page, "Create key")
	s.copyKey(page)
	s.press(page, "Close")
	page.Text(t, "tbody", long)
	page.Until(t, `document.querySelector("tbody tr").getBoundingClientRect().height < 90`)

	olga := s.as("olga")
	for _, width := range []int{1180, 801, 375, 360, 320} {
		olga.Resize(t, width, 740)
		olga.Until(t, `(() => { const r = document.querySelector("#views a:last-child").getBoundingClientRect(); return r.right <= innerWidth && r.left >= 0; })()`)
		olga.Until(t, `(() => { const bar = document.getElementById("views"); return bar.scrollWidth <= bar.clientWidth; })()`)
		olga.Until(t, `document.documentElement.scrollWidth <= document.documentElement.clientWidth`)
	}
}
