// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"fmt"
	"testing"
	"time"

	bt "aeroplane.run/authz/internal/browsertest"
)

// fail lets the page's next request whose address holds a text come to nothing.
func fail(t *testing.T, page *bt.Page, text string) {
	t.Helper()
	bt.Eval[bool](t, page, fmt.Sprintf(`(() => { const fetches = window.fetch; let failed = false;
		window.fetch = (path, ...rest) => { if (failed || !String(path).includes(%s)) return fetches(path, ...rest);
			failed = true; return Promise.reject(new TypeError("failed")); }; return true; })()`, quote(text)))
}

// names waits until the keys that are shown are those of some names, joined by commas.
func names(t *testing.T, page *bt.Page, want string) {
	t.Helper()
	page.Until(t, fmt.Sprintf(`[...document.querySelectorAll("tbody .name")].map((e) => e.textContent).join() === %s`, quote(want)))
}

// quiet waits until nothing is on its way to the page.
func quiet(t *testing.T, page *bt.Page) {
	t.Helper()
	page.Gone(t, `[aria-busy="true"]`)
}

// What is shown is what was asked for last, also where the answer to that was late, or none.
func TestTheListIsOfWhatIsAskedFor(t *testing.T) {
	s := newStage(t)
	for i := range 60 {
		s.create("ada", fmt.Sprintf("alpha %02d", i))
	}
	s.create("ada", "beta")
	s.create("ada", "zeta")
	page := s.as("ada")
	page.Text(t, ".more", "50 keys are shown")
	fail(t, page, "query=beta")
	s.enter(page, "Search", "beta")
	page.Text(t, "main", "This cannot be shown now")
	s.create("ada", "gamma") // elsewhere, at which the page asks again
	names(t, page, "beta")

	s.press(page, "Keys")
	page.Text(t, ".more", "50 keys are shown")
	hold(t, page, "query=zeta")
	s.enter(page, "Search", "zeta")
	page.Visible(t, `.sheet[aria-busy="true"]`)
	s.press(page, "Show 50 more")
	letGo(t, page)
	names(t, page, "zeta")
}

// The same of the audit record, of which the first of one kind may be the first of another as well.
func TestTheRecordIsOfWhatIsAskedFor(t *testing.T) {
	s := newStage(t)
	page := s.as("olga")
	s.press(page, "Audit")
	s.choose(page, "Show", "Keys revoked")
	page.Text(t, "main", "Nothing on record")
	lookAgain(t, page)
	quiet(t, page)
	page.Text(t, "main", "Nothing on record") // still

	s.revoke(s.create("ada", "revoked").GetKey().GetId())
	for i := range 54 {
		s.create("ada", fmt.Sprintf("key %02d", i))
	}
	s.choose(page, "Show", "Keys")
	page.Text(t, ".more", "50 records are shown")
	hold(t, page, "pageToken=")
	s.press(page, "Show 50 more")
	lookAgain(t, page)
	letGo(t, page)
	page.Text(t, ".more", "56 records")
	quiet(t, page)
	page.Text(t, ".more", "56 records") // what somebody reads in does not go
	page.Text(t, "tbody", "revoked the key revoked")

	s.choose(page, "Show", "Keys created")
	page.Text(t, ".more", "50 records are shown")
	s.press(page, "Show 50 more")
	page.Text(t, ".more", "55 records")
	if bt.Eval[bool](t, page, `document.querySelector("tbody").textContent.includes("revoked the key")`) {
		t.Error("there is a record of another kind")
	}
	hold(t, page, "action=session.")
	s.choose(page, "Show", "Keys")
	page.Text(t, ".more", "50 records are shown")
	s.choose(page, "Show", "Sessions")
	s.press(page, "Show 50 more") // of keys, while sessions are on their way
	letGo(t, page)
	page.Text(t, "tbody", "added or changed the session")
}

// A list that could not be brought up to date can be asked for again.
func TestTheListIsTriedAgain(t *testing.T) {
	s := newStage(t)
	s.create("ada", "CI deploys")
	page := s.as("ada")
	unwatched(t, page)
	fail(t, page, "v1/keys")
	s.create("ada", "another")
	page.Text(t, ".old", "The list could not be brought up to date, and is shown as it was.")
	names(t, page, "CI deploys")
	s.press(page, "Try again")
	names(t, page, "another,CI deploys")
	page.Gone(t, ".old")
}

// Where a great deal changes the page asks for what it shows now and then, and not at each change.
func TestManyChanges(t *testing.T) {
	s := newStage(t)
	page := s.as("ada")
	bt.Eval[bool](t, page, `(() => { window.asked = 0; const fetches = window.fetch;
		window.fetch = (path, ...rest) => { if (String(path).startsWith("v1/keys")) window.asked++; return fetches(path, ...rest); }; return true; })()`)
	began := time.Now()
	for range 300 {
		s.putSession("bob")
	}
	made := s.create("ada", "at last")
	page.Text(t, row(made.GetKey().GetId()), "Live")
	most := 2 + int(time.Since(began)/time.Second)
	if n := bt.Eval[int](t, page, "window.asked"); n > most {
		t.Errorf("the page has asked %d times in %v", n, time.Since(began))
	}
}
