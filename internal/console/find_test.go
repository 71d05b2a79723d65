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

// Of a key that is pasted where something else belongs nothing is sent that is not displayed, however much of it was cut off. A search is
// cut to what is displayed; what is meant as a name, or as a user's ID, is sent as it is entered, or not at all.
func TestPiecesOfKeys(t *testing.T) {
	s := newStage(t)
	made := s.create("ada", "CI deploys")
	page := bt.Open(t, s.link())
	page.Text(t, "tbody", "CI deploys")
	bt.Eval[bool](t, page, `(() => { window.asked = []; const fetches = window.fetch;
		window.fetch = (path, options) => { window.asked.push(String(path) + (options?.body ?? "")); return fetches(path, options); }; return true; })()`)
	prefix, secret := made.GetKey().GetPrefix(), made.GetSecret()
	pieces := map[string]string{
		secret:                            prefix,
		secret[:len(prefix)+3]:            prefix,
		secret[:len(prefix)+30]:           prefix,
		strings.Repeat("x ", 45) + secret: strings.Repeat("x ", 45) + prefix,
		"token%3D" + secret:               "token%3D" + prefix,
		"ap_Q-3_xyz0_bD0-" + secret[len(prefix)+1:][:12]: "ap_Q-3_xyz0",
	}
	value := func(label, want string) {
		t.Helper()
		page.Until(t, fmt.Sprintf(`[...document.querySelectorAll("label")].find((e) => e.textContent === %s).control.value === %s`, quote(label), quote(want)))
	}
	unsent := func(label string) {
		t.Helper()
		asked := bt.Eval[string](t, page, "[location.href, ...window.asked].map((e) => decodeURIComponent(e.replaceAll('+', ' '))).join()")
		for _, of := range pieces {
			if strings.Contains(asked, of+"_") {
				t.Errorf("%s: a piece of the secret was sent: %s", label, asked)
			}
		}
	}
	cut := func(label string) {
		t.Helper()
		for piece, want := range pieces {
			bt.Eval[bool](t, page, `(window.asked.length = 0, true)`)
			s.paste(page, label, piece)
			value(label, want)
			page.Until(t, fmt.Sprintf(`window.asked.some((e) => decodeURIComponent(e.replaceAll("+", " ")).includes(%s))`, quote(want)))
			unsent(label)
		}
	}
	fault := func(label, words, button string) {
		t.Helper()
		for piece := range pieces {
			s.paste(page, label, piece)
			page.Press(t, bt.Tab)
			if button != "" {
				s.press(page, button)
			}
			page.Text(t, ".field:has([aria-invalid]) .fault", words)
			s.enter(page, label, "ada")
			page.Gone(t, ".fault")
		}
		unsent(label)
	}
	cut("Search")
	s.paste(page, "Search", "")
	s.paste(page, "User", secret)
	s.enter(page, "Search", "nothing like it") // at which the user is not sent along
	page.Text(t, "main", "No key matches")
	s.press(page, "Show all keys")
	page.Gone(t, ".fault")
	fault("User", "That has a key in it.", "")
	s.press(page, "Create API key")
	fault("Name", "That has a key in it. Name what the key is for", "Create key")
	fault("User of Aeroplane", "That has a key in it. Enter the ID of a user.", "Create key")
	s.press(page, "Selected projects")
	cut("Search projects")
	s.paste(page, "User of Aeroplane", secret) // whose projects are not asked for
	s.paste(page, "Search projects", "shop")
	page.Text(t, ".offers", "Web shop")
	unsent("User of Aeroplane")
	s.press(page, "Cancel")

	s.press(page, "Why was this refused?")
	s.paste(page, "ID of the key", secret[:len(prefix)+20])
	s.enter(page, "Path", "/api/projects")
	page.Press(t, bt.Enter)
	page.Text(t, ".verdict", "Allowed")
	unsent("ID of the key")
	s.enter(page, "Path", "/api/services/s1/transfer")
	for label, good := range map[string]string{"Method": "POST", "Path": "/api/services/s1/transfer", "Project to transfer to": "p-web-shop"} {
		for piece, want := range pieces {
			if label == "Path" {
				piece, want = good+"?a="+piece, good+"?a="+want
			}
			s.paste(page, label, piece)
			page.Press(t, bt.Enter)
			page.Text(t, ".field:has([aria-invalid]) .fault", "That had a key in it, of which no more is left than may be shown.")
			value(label, want)
			unsent(label)
		}
		s.enter(page, label, good)
	}
	page.Press(t, bt.Enter)
	page.Visible(t, ".verdict")
}

// What is no key is left as it is, although it begins like one.
func TestWhatLooksLikeKeys(t *testing.T) {
	s := newStage(t)
	page := bt.Open(t, s.link())
	for _, user := range []string{"soap_customer_42", "ap_customer_42", "map_renderer_x", "ap_customer_0190a7c2-3f4e-7a11-8b1c-aabbccddeeff", "soap_Customer0Number42_Abc"} {
		s.press(page, "Create API key")
		s.enter(page, "Name", "ap_frontend_staging-environment-2")
		s.enter(page, "User of Aeroplane", user)
		s.press(page, "Create key")
		page.Text(t, "dialog", "Copy your API key now")
		s.copyKey(page)
		s.press(page, "Close")
		page.Visible(t, ".fresh") // where the focus is then
		if keys := s.keysOf(user); len(keys) != 1 {
			t.Errorf("%s has %d keys", user, len(keys))
		}
		for _, label := range []string{"Search", "User"} {
			s.enter(page, label, user)
			page.Until(t, fmt.Sprintf(`[...new URLSearchParams(location.hash.split("?")[1]).values()].join() === %s`, quote(user)))
			s.paste(page, label, " ")
			page.Until(t, `location.hash === "#keys"`)
		}
	}
}
