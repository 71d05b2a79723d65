// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"strings"
	"testing"

	bt "aeroplane.run/authz/internal/browsertest"
)

// Each mistake is shown at its field, which says so to who cannot see it, and has the focus; and nothing that was entered is lost.
func TestMistakes(t *testing.T) {
	s := newStage(t)
	page := s.as("ada")
	s.press(page, "Create API key")
	s.press(page, "Selected projects")
	page.Text(t, ".offers", "Web shop")
	s.press(page, "Create key")
	if got := page.Focused(t); got.Name != "Name" || !strings.Contains(got.Description, "Give the key a name.") {
		t.Errorf("the focus is on %+v", got)
	}
	page.Text(t, "dialog", "Choose at least one project.")

	page.Type(t, strings.Repeat("x", 81))
	page.Click(t, `.offers [data-id="p-web-shop"]`)
	page.Click(t, `.offers [data-id="p-documentation"]`)
	page.Gone(t, "fieldset .fault")
	s.press(page, "Create key")
	page.Text(t, "dialog", "The name has 81 characters, and may have 80.")

	s.paste(page, "Name", "left \u200e to right")
	page.Expect(t, "400")
	s.press(page, "Create key") // which only the service refuses
	page.Text(t, ".field:has([aria-invalid]) .fault", "none that cannot be seen")
	s.enter(page, "Name", "good")
	page.Gone(t, "dialog .fault")

	s.deleteProject("Documentation") // meanwhile
	s.press(page, "Create key")
	page.Text(t, "dialog fieldset .fault", "One of the chosen projects is not there any more")
	s.press(page, "Remove Documentation")
	page.Gone(t, "dialog .fault")
	s.press(page, "Create key")
	page.Text(t, "dialog", "Copy your API key now")
	if keys := s.keysOf("ada"); len(keys) != 1 || strings.Join(keys[0].GetProjects().GetProjectIds(), ",") != "p-web-shop" {
		t.Errorf("the keys are %v", keys)
	}
}

// What is said to who cannot see the page is heard also while a dialog is open, which keeps all else from being heard.
func TestSaidInDialogs(t *testing.T) {
	s := newStage(t)
	page := s.as("ada")
	s.press(page, "Create API key")
	s.press(page, "Create key")
	page.Until(t, `document.querySelector("dialog .said").textContent === "There is a mistake"`)
	if got := page.Accessible(t, "dialog .said"); got.Role != "status" {
		t.Errorf("it is said by a %q", got.Role)
	}
}

// What somebody has opened in a row stays open while time goes on and other things change.
func TestRowsStay(t *testing.T) {
	s := newStage(t)
	ids := s.createShown()
	page := s.as("ada")
	s.press(page, "and 1 more")
	page.Text(t, row(ids["Release bot"])+" details", "Web shop")
	s.putProject("ada", "Web shop") // which changes nothing
	made := s.create("ada", "another")
	page.Text(t, row(made.GetKey().GetId()), "Live")
	page.Text(t, row(ids["Release bot"])+" details", "Web shop")
	s.renameProject("Documentation", "Handbook")
	page.Text(t, row(ids["Release bot"]), "Handbook Public API")
	page.Text(t, row(ids["Release bot"])+" details", "Web shop")
}

// An administrator says for whom a key is. Projects that were chosen before are not that user's, and are chosen again.
func TestForAnotherUser(t *testing.T) {
	s := newStage(t)
	page := bt.Open(t, s.link())
	s.press(page, "Create API key")
	s.enter(page, "Name", "for bob")
	s.press(page, "Selected projects")
	page.Click(t, `.offers [data-id="p-web-shop"]`)
	s.enter(page, "User of Aeroplane", "bob")
	page.Press(t, bt.Tab)
	page.Text(t, "dialog .fault", "Choose again: 1 project of another user was chosen.")
	page.Gone(t, `.offers [data-id="p-web-shop"]`)
	page.Click(t, `.offers [data-id="p-bob-s-own"]`)
	s.press(page, "Create key")
	page.Text(t, "dialog", "Copy your API key now")
	if keys := s.keysOf("bob"); len(keys) != 1 || keys[0].GetProjects().GetProjectIds()[0] != "p-bob-s-own" {
		t.Errorf("the keys are %v", keys)
	}
}

// A key that nobody has copied does not go by mistake.
func TestNotCopied(t *testing.T) {
	s := newStage(t)
	page := s.as("ada")
	s.createOnPage(page, "kept")
	page.Press(t, bt.Escape, bt.Escape, bt.Escape) // at the third of which some browsers close whatever they were told
	page.Text(t, "dialog", "You have not copied the key.")
	s.press(page, "Back to the key")
	s.press(page, "Close")
	page.Text(t, "dialog", "You have not copied the key.")
	s.press(page, "Close without copying")
	page.Gone(t, "dialog")

	s.createOnPage(page, "by hand")
	clipboard.Lock()
	defer clipboard.Unlock()
	bt.Eval[bool](t, page, `(() => { document.getSelection().selectAllChildren(document.querySelector("dialog code")); document.execCommand("copy"); return true; })()`)
	page.Press(t, bt.Escape)
	page.Gone(t, "dialog")
}

// An answer that is lost leaves no doubt about what to do, and to try again makes no second key.
func TestLostAnswers(t *testing.T) {
	s := newStage(t)
	made := s.create("ada", "CI deploys")
	page := s.as("ada")
	lose(t, page, "v1/keys")
	s.press(page, "Create API key")
	s.enter(page, "Name", "lost")
	s.press(page, "Create key")
	page.Text(t, "dialog", "It is not known whether the key was created. Try again: it will not be created twice.")
	s.press(page, "Create key")
	page.Text(t, "dialog", "The key was created, but it is lost")
	s.press(page, "Close")
	if n := len(s.keysOf("ada")); n != 2 {
		t.Errorf("there are %d keys, want 2", n)
	}

	lose(t, page, "v1/keys")
	s.press(page, "Create API key")
	s.enter(page, "Name", "lost as well")
	s.press(page, "Create key")
	page.Text(t, "dialog", "It is not known whether the key was created.")
	s.enter(page, "Name", "another")
	page.Expect(t, "400")
	s.press(page, "Create key") // which is another request
	page.Text(t, "dialog", "A key with what you had entered before was created when you tried first")
	s.press(page, "Close")
	names(t, page, "CI deploys,lost,lost as well")

	lose(t, page, ":revoke")
	s.press(page, "Revoke CI deploys")
	s.press(page, "Revoke key")
	page.Text(t, "dialog", "It is not known whether the key is revoked. Revoke it again: that does no harm.")
	s.press(page, "Revoke key")
	page.Text(t, row(made.GetKey().GetId()), "Revoked")
}

// lose loses the answer to the next POST whose address ends with a text, after it has done its work.
func lose(t *testing.T, page *bt.Page, end string) {
	t.Helper()
	bt.Eval[bool](t, page, `(() => { const fetches = window.fetch; let lost = false;
		window.fetch = async (path, options) => { const answer = await fetches(path, options);
			if (!lost && options?.method === "POST" && String(path).endsWith(`+quote(end)+`)) { lost = true; throw new TypeError("lost"); }
			return answer; }; return true; })()`)
}

// Where the service says that it changed nothing, the page does not say that nobody knows. What the service says is a sentence.
func TestNothingWasChanged(t *testing.T) {
	s := newStage(t)
	s.create("ada", "CI deploys")
	page := s.as("ada")
	s.press(page, "Create API key")
	s.enter(page, "Name", "another")
	check := func(button, doubt string) {
		t.Helper()
		for _, reason := range []string{"DISK_FULL", "OVERLOADED", "STORE_UNAVAILABLE", "OUTCOME_UNKNOWN", "LEASE"} {
			message := "the reason is " + reason
			refuse(t, page, reason, message)
			s.press(page, button)
			want := "The reason is " + reason + "."
			if reason == "OUTCOME_UNKNOWN" || reason == "LEASE" {
				want += " " + doubt
			}
			page.Until(t, `document.querySelector("dialog .notice.bad")?.textContent === `+quote(want))
		}
	}
	check("Create key", "It is not known whether the key was created. Try again: it will not be created twice.")
	s.press(page, "Cancel")
	s.press(page, "Revoke CI deploys")
	check("Revoke key", "It is not known whether the key is revoked. Revoke it again: that does no harm.")
}

// refuse answers the page's next POST as the service does where it cannot do what it is asked.
func refuse(t *testing.T, page *bt.Page, reason, message string) {
	t.Helper()
	answer := quote(`{"message": ` + quote(message) + `, "details": [{"reason": ` + quote(reason) + `}]}`)
	bt.Eval[bool](t, page, `(() => { const fetches = window.fetch;
		window.fetch = async (path, options) => { if (options?.method !== "POST") return fetches(path, options);
			window.fetch = fetches; return new Response(`+answer+`, { status: 503 }); }; return true; })()`)
}

// What somebody calls a key is text, whatever it looks like, wherever it is shown.
func TestNamesAreText(t *testing.T) {
	s := newStage(t)
	const name = `<img src=x onerror="window.ran=1"><script>window.ran=1</script>${7*7}`
	s.putProject("ada", `<b onclick="window.ran=1">bold</b>`)
	made := s.create("ada", name)
	page := s.as("ada")
	at := row(made.GetKey().GetId())
	page.Text(t, at+" .name", name)
	s.press(page, "Create API key")
	s.press(page, "Selected projects")
	page.Text(t, ".offers", `<b onclick="window.ran=1">bold</b>`)
	s.press(page, "Cancel")
	page.Click(t, at+` [data-does="revoke"]`)
	page.Text(t, "dialog h2", "Revoke “"+name+"”?")
	s.press(page, "Revoke key")
	page.Text(t, "#toasts", name)
	page.SetCookie(t, s.url, sessionCookie("olga"))
	page.Load(t, s.url+"?again#audit")
	page.Text(t, "tbody", name)
	if bt.Eval[bool](t, page, `window.ran !== undefined || document.querySelector("main img, main script, main b[onclick]") !== null`) {
		t.Error("what was text became markup")
	}
}

// A key that somebody pastes where its id or a search belongs goes nowhere.
func TestKeysInTheWrongPlace(t *testing.T) {
	s := newStage(t)
	made := s.create("ada", "CI deploys")
	page := s.as("ada")
	bt.Eval[bool](t, page, `(() => { window.asked = []; const fetches = window.fetch;
		window.fetch = (path, options) => { window.asked.push(String(path) + (options?.body ?? "")); return fetches(path, options); }; return true; })()`)
	s.paste(page, "Search", made.GetSecret())
	page.Until(t, `document.querySelector("input[type=search]").value === `+quote(made.GetKey().GetPrefix()))
	page.Text(t, ".more", "1 key")
	s.press(page, "Why was this refused?")
	s.paste(page, "ID of the key", made.GetSecret())
	s.enter(page, "Path", "/api/projects")
	page.Press(t, bt.Enter)
	page.Text(t, ".fault", "That was a whole key. Paste its ID, never the key.")
	if text := bt.Eval[string](t, page, "window.asked.join() + document.body.innerHTML + [...document.querySelectorAll('input')].map((e) => e.value).join()"); strings.Contains(text, made.GetSecret()) {
		t.Error("the key was sent, or is still there")
	}
}
