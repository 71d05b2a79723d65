// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"fmt"
	"strings"
	"testing"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	bt "aeroplane.run/authz/internal/browsertest"
)

// A key's whole life: created on the page, copied, used at the gateway, seen to be used, revoked, and refused.
func TestLifeOfAKey(t *testing.T) {
	s := newStage(t)
	page := s.as("ada")
	page.Text(t, "main", "No API keys yet")
	s.press(page, "Create API key")
	s.enter(page, "Name", "CI deploys")
	s.press(page, "Read and write")
	s.press(page, "Selected projects")
	page.Text(t, ".offers", "Web shop")
	page.Click(t, `.offers [data-id="p-web-shop"]`)
	s.press(page, "90 days")
	s.press(page, "Create key")

	page.Text(t, "dialog h2", "Copy your API key now")
	key := s.copyKey(page)
	if !strings.HasPrefix(key, "ap_") || s.authorize(key, "POST", "/api/projects/p-web-shop/services") != 0 {
		t.Fatal("what was copied is no key that may deploy to the project")
	}
	if got := s.authorize(key, "POST", "/api/projects/p-public-api/services"); got != 403 {
		t.Errorf("another project: %d, want 403", got)
	}
	for _, header := range []string{"Authorization: Bearer " + key, "X-API-Key: " + key} {
		page.Text(t, "dialog", fmt.Sprintf(`curl "http://%s/api/projects" -H "%s"`, s.HTTPAddr, header))
	}
	s.press(page, "Close")
	page.Until(t, `document.querySelector("dialog") === null`)
	if text := bt.Eval[string](t, page, "document.documentElement.outerHTML"); strings.Contains(text, key[20:]) {
		t.Error("the key is still on the page")
	}

	keys := s.keysOf("ada")
	if len(keys) != 1 || keys[0].GetName() != "CI deploys" || keys[0].GetProjects().GetProjectIds()[0] != "p-web-shop" {
		t.Fatalf("the keys are %v", keys)
	}
	at := row(keys[0].GetId())
	for _, text := range []string{"CI deploys", keys[0].GetPrefix(), "Read and write", "Web shop", "just now", "in 90 days", "Never", "Live"} {
		page.Text(t, at, text)
	}
	s.Uses.Flush(t.Context())
	lookAgain(t, page)
	page.Until(t, fmt.Sprintf(`document.querySelectorAll('%s td[data-of="Last used"] time').length === 1`, at))

	s.press(page, "Revoke CI deploys")
	page.Text(t, "dialog", "It was last used just now.")
	s.press(page, "Revoke key")
	page.Gone(t, "dialog")
	page.Text(t, at, "Revoked")
	if got := s.authorize(key, "GET", "/api/projects/p-web-shop"); got != 401 {
		t.Errorf("after the revocation: %d, want 401", got)
	}
}

// lookAgain is what a browser does when somebody comes back to the tab.
func lookAgain(t *testing.T, page *bt.Page) {
	t.Helper()
	bt.Eval[bool](t, page, `document.dispatchEvent(new Event("visibilitychange"))`)
}

// unwatched lets the page think that nobody looks at it: then it asks for nothing by itself, but when it is told of a change.
func unwatched(t *testing.T, page *bt.Page) {
	t.Helper()
	bt.Eval[bool](t, page, `(() => { Object.defineProperty(document, "visibilityState", {value: "hidden"}); return true; })()`)
}

// While a revocation waits for the replicas, the page says so, and cannot be made to forget it.
func TestRevoking(t *testing.T) {
	s := newStage(t)
	made := s.create("ada", "slow")
	page := s.as("ada")
	hold(t, page, ":revoke")
	s.press(page, "Revoke slow")
	if got := page.Focused(t); got.Name != "Cancel" {
		t.Errorf("the focus is on %v: a key that is pressed by mistake must not revoke", got)
	}
	s.press(page, "Revoke key")
	page.Text(t, "dialog", "Revoking…")
	page.Press(t, bt.Escape, bt.Escape, bt.Escape)
	page.Text(t, "dialog", "Revoking…")
	page.Text(t, row(made.GetKey().GetId()), "Live") // which it is, until the answer
	letGo(t, page)
	page.Gone(t, "dialog")
	page.Text(t, row(made.GetKey().GetId()), "Revoked")
	if n := len(s.keysOf("ada")); n != 1 {
		t.Errorf("there are %d keys", n)
	}
}

// hold keeps the page's requests whose address holds a text waiting.
func hold(t *testing.T, page *bt.Page, text string) {
	t.Helper()
	bt.Eval[bool](t, page, fmt.Sprintf(`(() => { const fetches = window.fetch; const held = new Promise((go) => { window.letGo = go; });
		window.fetch = async (path, ...rest) => { if (String(path).includes(%s)) await held; return fetches(path, ...rest); }; return true; })()`, quote(text)))
}

func letGo(t *testing.T, page *bt.Page) {
	t.Helper()
	bt.Eval[bool](t, page, "(() => { window.letGo(); return true; })()")
}

// Two pages show the same, without being asked to, also of what happens elsewhere.
func TestTwoPages(t *testing.T) {
	s := newStage(t)
	one, other := s.as("ada"), s.as("ada")
	unwatched(t, one)
	unwatched(t, other)
	made := s.create("ada", "shared")
	at := row(made.GetKey().GetId())
	one.Text(t, at, "Live")
	other.Text(t, at, "Live")
	s.press(one, "Revoke shared")
	s.press(one, "Revoke key")
	one.Text(t, at, "Revoked")
	other.Text(t, at, "Revoked")
	other.Gone(t, at+" button")

	second := s.create("ada", "second")
	other.Text(t, row(second.GetKey().GetId()), "Live")
	one.Text(t, row(second.GetKey().GetId()), "Live")
	s.press(other, "Revoke second") // and while that is being thought over
	s.revoke(second.GetKey().GetId())
	one.Text(t, row(second.GetKey().GetId()), "Revoked")
	s.press(other, "Revoke key") // which does no harm
	other.Text(t, "#toasts", "“second” was revoked already, just now: every request with it is refused")
	other.Text(t, row(second.GetKey().GetId()), "Revoked")
}

// A list that changes under somebody's hands keeps the focus where it was.
func TestFocusStays(t *testing.T) {
	s := newStage(t)
	s.create("ada", "middle")
	page := s.as("ada")
	for range 20 {
		if page.Press(t, bt.Tab); page.Focused(t).Name == "Revoke middle" {
			break
		}
	}
	s.create("ada", "above")
	made := s.create("ada", "zz below")
	page.Text(t, row(made.GetKey().GetId()), "Live")
	if got := page.Focused(t); got.Name != "Revoke middle" {
		t.Errorf("the focus has moved to %v", got)
	}
}

// Each sees their own keys. An owner sees all, and whose they are, and may revoke them.
func TestWhoseKeys(t *testing.T) {
	s := newStage(t)
	adas, bobs := s.create("ada", "of ada").GetKey().GetId(), s.create("bob", "of bob").GetKey().GetId()
	ada := s.as("ada")
	ada.Text(t, row(adas), "of ada")
	if n := bt.Eval[int](t, ada, `document.querySelectorAll("tbody tr").length`); n != 1 {
		t.Errorf("ada sees %d keys", n)
	}
	ada.Gone(t, `#views a[href="#audit"]`)
	for _, path := range []string{"v1/keys/" + bobs, "v1/keys/unknown"} {
		ada.Expect(t, "404")
		if got := bt.Eval[string](t, ada, fmt.Sprintf(`fetch("%s").then((r) => r.text())`, path)); !strings.Contains(got, "there is no key of this id") {
			t.Errorf("%s: %s", path, got)
		}
	}

	olga := s.as("olga")
	olga.Text(t, row(adas), "User ada")
	olga.Text(t, row(bobs), "User bob")
	s.press(olga, "Revoke of ada")
	s.press(olga, "Revoke key")
	ada.Text(t, row(adas), "Revoked")
	s.press(olga, "Audit")
	olga.Text(t, "tbody", "olga, by console")
	olga.Text(t, "tbody", "revoked the key of ada")
	s.press(ada, "Keys")
	bt.Eval[bool](t, ada, `(() => { location.hash = "#audit"; return true; })()`) // which is not for her
	ada.Text(t, "h1", "API Access")
}

// What is looked for stays in the address: who goes elsewhere and comes back, or loads the page again, finds it as it was.
func TestWhatIsLookedForStays(t *testing.T) {
	s := newStage(t)
	for _, name := range []string{"old deploys", "old tests", "new deploys"} {
		if made := s.create("ada", name); name != "new deploys" {
			s.revoke(made.GetKey().GetId())
		}
	}
	page := s.as("ada")
	names(t, page, "new deploys")
	s.choose(page, "State", "Revoked")
	s.choose(page, "Order", "Newest first")
	names(t, page, "old tests,old deploys")
	s.enter(page, "Search", "deploys")
	names(t, page, "old deploys")
	s.press(page, "Explain old deploys")
	page.Text(t, "h1", "Why was this refused?")
	for _, move := range []string{"history.back()", "location.reload()"} {
		bt.Eval[bool](t, page, "("+move+", true)")
		page.Text(t, "h1", "API Access")
		names(t, page, "old deploys")
		for label, want := range map[string]string{"Search": "deploys", "State": "revoked", "Order": "create_time desc"} {
			page.Until(t, fmt.Sprintf(`[...document.querySelectorAll("label")].find((e) => e.textContent === %s).control.value === %s`, quote(label), quote(want)))
		}
	}
	s.press(page, "Keys") // anew
	names(t, page, "new deploys")
	page.Load(t, s.url+"?again#keys?state=nonsense&order=id&query=%3Cb%3E")
	page.Text(t, "main", "No key matches")
	s.press(page, "Show all keys")
	names(t, page, "new deploys")
	page.Until(t, `location.hash === "#keys"`)
}

// When a key was made and ends is told by the day, where the reader is, besides how far off that is.
func TestDays(t *testing.T) {
	s := newStage(t)
	page := s.as("ada")
	end := func(of string) string {
		t.Helper()
		return bt.Eval[string](t, page, fmt.Sprintf(`new Intl.DateTimeFormat(undefined, {dateStyle: "medium"}).format(new Date(%s))`, of))
	}
	s.press(page, "Create API key")
	page.Text(t, "dialog", "The key works until "+end("Date.now() + 30 * 86400e3"))
	s.press(page, "No expiration")
	page.Text(t, "dialog", "until somebody revokes it")
	s.press(page, "7 days")
	page.Text(t, "dialog", "The key works until "+end("Date.now() + 7 * 86400e3"))
	s.press(page, "Cancel")
	made := s.create("ada", "CI deploys").GetKey()
	page.Text(t, row(made.GetId())+` [data-of="Created"]`, end("Date.now()"))
	page.Text(t, row(made.GetId())+` [data-of="Expires"]`, end(quote(made.GetExpireTime().AsTime().Format("2006-01-02T15:04:05Z")))+" in 90 days")
}

// Thousands of keys are found by a search, and shown some at a time.
func TestThousandsOfKeys(t *testing.T) {
	s := newStage(t)
	n := 3000
	if testing.Short() {
		n = 300
	}
	keys := v1.NewKeyServiceClient(s.Admin)
	for i := range n {
		_, err := keys.CreateKey(t.Context(), &v1.CreateKeyRequest{Name: fmt.Sprintf("Job %04d", i), UserId: "ada",
			AccessLevel: v1.AccessLevel_ACCESS_LEVEL_READ, Projects: &v1.ProjectScope{All: true},
			Expiry: &v1.CreateKeyRequest_NeverExpires{NeverExpires: true}})
		s.must(err)
	}
	page := s.as("ada")
	names := func() string {
		return bt.Eval[string](t, page, `[...document.querySelectorAll("tbody .name")].map((e) => e.textContent).join()`)
	}
	page.Text(t, ".more", "50 keys are shown")
	if got := names(); !strings.HasPrefix(got, "Job 0000,Job 0001,") {
		t.Errorf("by name: %.60s", got)
	}
	s.press(page, "Show 50 more")
	page.Text(t, ".more", "100 keys are shown")
	s.choose(page, "Order", "Newest first")
	page.Text(t, "tbody tr:first-child", fmt.Sprintf("Job %04d", n-1))
	s.enter(page, "Search", "job 0042")
	page.Text(t, ".more", "1 key")
	if got := names(); got != "Job 0042" {
		t.Errorf("the search has found %.60s", got)
	}
	s.choose(page, "Access", "Read and write")
	page.Text(t, "main", "No key matches")
	s.press(page, "Show all keys")
	page.Text(t, ".more", "50 keys are shown")
	if got := page.LayoutShift(t); got > 0.1 {
		t.Errorf("the page has jumped by %.3f", got)
	}
}
