// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"testing"

	bt "aeroplane.run/authz/internal/browsertest"
)

// The keyboard alone does all that there is to do, and the focus is always somewhere that makes sense.
func TestKeyboardAlone(t *testing.T) {
	s := newStage(t)
	page := s.as("ada")
	goTo := func(name string) {
		t.Helper()
		for range 40 {
			if page.Press(t, bt.Tab); page.Focused(t).Name == name {
				return
			}
		}
		t.Fatalf("Tab never comes to %q", name)
	}
	at := func(name string) {
		t.Helper()
		if got := page.Focused(t); got.Name != name {
			t.Errorf("the focus is on %v, and should be on %q", got, name)
		}
	}

	page.Press(t, bt.Tab)
	at("Skip to the content")
	page.Press(t, bt.Enter)
	goTo("Create API key")
	page.Press(t, bt.Enter)
	at("Name")
	page.Type(t, "by keyboard")
	goTo("Read GET, HEAD and OPTIONS")
	page.Press(t, bt.ArrowRight)
	at("Read and write POST, PUT, PATCH and DELETE as well")
	goTo("All projects Also those that are created later")
	page.Press(t, bt.ArrowDown)
	goTo("Search projects")
	page.Type(t, "ware")
	page.Text(t, ".offers li:first-child", "Data warehouse")
	page.Press(t, bt.ArrowDown, bt.Enter)
	page.Text(t, ".chosen", "Data warehouse")
	goTo("Remove Data warehouse")
	page.Press(t, bt.Enter)
	at("Search projects")
	page.Press(t, bt.ArrowDown, bt.Enter)
	goTo("30 days")
	page.Press(t, bt.ArrowLeft)
	at("7 days")
	page.Press(t, bt.Enter) // which sends the form, as everywhere
	page.Text(t, "dialog", "Copy your API key now")
	at("Copy API key")
	clipboard.Lock()
	page.Press(t, bt.Enter)
	page.Text(t, "dialog", "Copied")
	clipboard.Unlock()
	page.Press(t, bt.Escape)
	page.Gone(t, "dialog")
	keys := s.keysOf("ada")
	if len(keys) != 1 || len(keys[0].GetProjects().GetProjectIds()) != 1 || keys[0].GetAccessLevel().String() != "ACCESS_LEVEL_WRITE" {
		t.Fatalf("the keys are %v", keys)
	}

	page.Text(t, row(keys[0].GetId()), "Expires soon")
	page.Until(t, `document.activeElement.textContent.startsWith("Revoke")`)
	at("Revoke by keyboard")
	page.Press(t, bt.Space)
	at("Cancel")
	page.Press(t, bt.Escape)
	page.Gone(t, "dialog")
	at("Revoke by keyboard")
	page.Press(t, bt.Enter)
	goTo("Revoke key")
	page.Press(t, bt.Enter)
	page.Text(t, row(keys[0].GetId()), "Revoked")
	page.Gone(t, "dialog")
	at("Explain by keyboard")
	page.Press(t, bt.Enter)
	page.Text(t, "h1", "Why was this refused?")
	at("Path")
	page.Type(t, "/api/projects")
	page.Press(t, bt.Enter)
	page.Text(t, ".verdict", "401 Invalid or expired API key")
}

// The link that skips to the content leaves the view as it is.
func TestSkipLink(t *testing.T) {
	s := newStage(t)
	page := s.as("ada")
	s.press(page, "Why was this refused?")
	s.enter(page, "Path", "/api/kept")
	bt.Eval[bool](t, page, `(() => { document.querySelector(".skip").focus(); return true; })()`)
	page.Press(t, bt.Enter)
	page.Until(t, `[...document.querySelectorAll("input")].some((e) => e.value === "/api/kept")`)
	page.Press(t, bt.Tab)
	if got := page.Focused(t); got.Name != "Method" {
		t.Errorf("behind the link comes %v", got)
	}
}

// Who goes back leaves a dialog, but not while something is under way that has to be seen to its end.
func TestBack(t *testing.T) {
	s := newStage(t)
	page := s.as("ada")
	s.press(page, "Why was this refused?")
	page.Text(t, "h1", "Why was this refused?") // the tabs are written anew until then, and one that is gone hears no click
	s.press(page, "Keys")
	page.Text(t, "h1", "API Access")
	s.press(page, "Create API key")
	back := func() { bt.Eval[bool](t, page, "(() => { history.back(); return true; })()") }
	back()
	page.Text(t, "h1", "Why was this refused?")
	page.Gone(t, "dialog")

	s.press(page, "Keys")
	s.press(page, "Create API key")
	s.enter(page, "Name", "under way")
	hold(t, page, "v1/keys")
	page.Press(t, bt.Enter)
	page.Text(t, "dialog", "Creating…")
	back()
	s.press(page, "Cancel")
	page.Press(t, bt.Escape)
	page.Text(t, "dialog", "Creating…")
	letGo(t, page)
	page.Text(t, "dialog", "Copy your API key now")
	if got := bt.Eval[string](t, page, "location.hash"); got != "#keys" {
		t.Errorf("the address is %s", got)
	}
}

// A dialog keeps the focus, and gives it back to what opened it.
func TestDialogsKeepTheFocus(t *testing.T) {
	s := newStage(t)
	s.create("ada", "CI deploys")
	page := s.as("ada")
	page.Click(t, ".head button")
	within := func() bool {
		return bt.Eval[bool](t, page, `document.querySelector("dialog").contains(document.activeElement)`)
	}
	for range 30 {
		page.Press(t, bt.Tab)
		if !within() && !bt.Eval[bool](t, page, `document.activeElement === document.body`) {
			t.Fatalf("the focus has left the dialog for %v", page.Focused(t))
		}
	}
	for !within() { // and not at the browser's own controls
		page.Press(t, bt.Tab)
	}
	page.Press(t, bt.Escape)
	page.Gone(t, "dialog")
	if got := page.Focused(t); got.Name != "Create API key" {
		t.Errorf("the focus went to %v", got)
	}
}
