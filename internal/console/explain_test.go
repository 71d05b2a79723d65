// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"strings"
	"testing"

	bt "aeroplane.run/authz/internal/browsertest"
)

// Why a request was refused: what the gateway would answer, check by check, the row of the table, and what would change it.
func TestWhyWasThisRefused(t *testing.T) {
	s := newStage(t)
	made := s.create("ada", "CI deploys")
	page := s.as("ada")
	ask := func(method, path, id string) string {
		t.Helper()
		s.enter(page, "Method", method)
		s.enter(page, "Path", path)
		s.enter(page, "ID of the key", id)
		bt.Eval[bool](t, page, `(() => { document.querySelector(".verdict")?.remove(); return true; })()`)
		page.Press(t, bt.Enter)
		page.Visible(t, ".verdict")
		return bt.Eval[string](t, page, `document.querySelector(".told").innerText`)
	}
	s.press(page, "Explain CI deploys")
	id := made.GetKey().GetId()
	ask("GET", "/api/projects/web-shop", id)
	page.Text(t, ".verdict", "Allowed")
	told := ask("GET", "/api/system/settings", id)
	page.Text(t, ".verdict", "403 This endpoint requires a browser session")
	for _, text := range []string{"Checks, in their order", "What would change it", "The row that made it", "/api/system/settings"} {
		if !strings.Contains(told, text) {
			t.Errorf("there is no %q in\n%s", text, told)
		}
	}
	if n := bt.Eval[int](t, page, `document.querySelectorAll(".checks .refused").length`); n != 1 {
		t.Errorf("%d checks have refused", n)
	}
	ask("GET", "/api/projects/web-shop", made.GetKey().GetPrefix()) // which people take for the id
	page.Text(t, ".verdict", "Allowed")

	// To somebody else's project the answer is the one for none.
	somebodys := ask("POST", "/api/projects/p-bob-s-own/services", id)
	nobodys := ask("POST", "/api/projects/p-not-there/services", id)
	if strings.ReplaceAll(somebodys, "p-bob-s-own", "p-not-there") != nobodys || strings.Contains(somebodys, "bob ") {
		t.Errorf("somebody's:\n%s\nnobody's:\n%s", somebodys, nobodys)
	}
	if last := s.keysOf("ada")[0].GetLastUseTime(); last != nil {
		t.Error("to ask about a key counts as a use of it")
	}

	bobs := s.create("bob", "of bob")
	page.Expect(t, "404")
	s.enter(page, "ID of the key", bobs.GetKey().GetId())
	page.Press(t, bt.Enter)
	page.Text(t, ".fault", "There is no key of this ID.")
}

// What is pasted as the path may have blanks around it, or be a whole URL: of that is asked about what a client sends, as it is spelled.
func TestPastedPaths(t *testing.T) {
	s := newStage(t)
	page := s.as("ada")
	s.press(page, "Why was this refused?")
	for pasted, want := range map[string]string{
		" /api/projects \t": "/api/projects",
		"https://aeroplane.example:8443/api//projects?a=b%2Fc#top": "/api//projects?a=b%2Fc",
		"HTTP://aeroplane.example?a=/b":                            "/?a=/b",
		"https://aeroplane.example":                                "/",
		"/api/projects#top":                                        "/api/projects#top", // which no client sends, and is refused
	} {
		s.paste(page, "Path", pasted)
		bt.Eval[bool](t, page, `(() => { document.querySelector(".verdict")?.remove(); return true; })()`)
		page.Press(t, bt.Enter)
		page.Visible(t, ".verdict")
		if got := bt.Eval[string](t, page, `new URLSearchParams(location.hash.split("?")[1]).get("path")`); got != want {
			t.Errorf("%q is taken for %q, want %q", pasted, got, want)
		}
	}
	page.Until(t, `location.hash.startsWith("#refused?")`)
	s.enter(page, "Path", "https://aeroplane.example/api/services/s1/transfer")
	page.Press(t, bt.Enter)
	s.enter(page, "Project to transfer to", "p-web-shop")
	page.Press(t, bt.Enter)
	page.Text(t, ".told", "Project to transfer to")
}
