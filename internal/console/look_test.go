// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"fmt"
	"strings"
	"testing"

	bt "aeroplane.run/authz/internal/browsertest"
)

// states are what the page can show, each reached from its first view, with a key "CI deploys" of ada's, who looks at it.
var states = []struct {
	name string
	come func(s *stage, page *bt.Page)
}{
	{"the list", func(*stage, *bt.Page) {}},
	{"a list of keys as they are", func(s *stage, page *bt.Page) {
		s.createShown()
		page.Load(s, s.url+"?again")
		page.Text(s, "tbody", "Grafana dashboard")
	}},
	{"long names", func(s *stage, page *bt.Page) {
		s.putProject("ada", strings.Repeat("Verylongprojectname", 6))
		s.create("ada", strings.Repeat("W", 80))
		made := s.create("ada", strings.Repeat("long name ", 8))
		page.Text(s, row(made.GetKey().GetId()), "long name")
		s.press(page, "Revoke WWW")
		page.Text(s, "dialog", "This cannot be undone.")
	}},
	{"no match", func(s *stage, page *bt.Page) {
		s.enter(page, "Search", "nothing like it")
		page.Text(s, "main", "No key matches")
	}},
	{"create", func(s *stage, page *bt.Page) {
		s.press(page, "Create API key")
		s.press(page, "Selected projects")
		page.Click(s, `.offers [data-id="p-web-shop"]`)
		page.Press(s, bt.ArrowDown)
		s.press(page, "No expiration")
	}},
	{"the keys of a user", func(s *stage, page *bt.Page) {
		page.SetCookie(s, s.url, sessionCookie("olga"))
		page.Load(s, s.url+"?again#keys?user=ada")
		page.Text(s, "tbody", "User ada")
	}},
	{"a key where a user belongs", func(s *stage, page *bt.Page) {
		page.SetCookie(s, s.url, sessionCookie("olga"))
		page.Load(s, s.url+"?again#keys")
		s.paste(page, "User", s.create("ada", "another").GetSecret())
		page.Text(s, ".fault", "That has a key in it.")
	}},
	{"create, for a user without projects", func(s *stage, page *bt.Page) {
		page.Load(s, s.link())
		page.Text(s, ".who", "Administrator")
		s.press(page, "Create API key")
		s.enter(page, "User of Aeroplane", "nobody")
		page.Press(s, bt.Tab)
		page.Text(s, "dialog", "No project here is this user's")
	}},
	{"create, with mistakes", func(s *stage, page *bt.Page) {
		s.press(page, "Create API key")
		s.press(page, "Selected projects")
		page.Text(s, ".offers", "Web shop")
		s.press(page, "Create key")
		page.Text(s, "dialog", "Choose at least one project.")
	}},
	{"the key", func(s *stage, page *bt.Page) { s.createOnPage(page, "shown once") }},
	{"the key, not copied", func(s *stage, page *bt.Page) {
		s.createOnPage(page, "not copied")
		page.Press(s, bt.Escape)
		page.Text(s, "dialog", "You have not copied the key.")
	}},
	{"revoke", func(s *stage, page *bt.Page) {
		s.press(page, "Revoke CI deploys")
		page.Text(s, "dialog", "This cannot be undone.")
	}},
	{"revoked", func(s *stage, page *bt.Page) {
		s.press(page, "Revoke CI deploys")
		s.press(page, "Revoke key")
		page.Text(s, "tbody", "Revoked")
		page.Gone(s, "dialog")
	}},
	{"refused", func(s *stage, page *bt.Page) {
		s.press(page, "Explain CI deploys")
		s.enter(page, "Path", "/api/projects/p-of-somebody")
		page.Press(s, bt.Enter)
		page.Text(s, ".verdict", "403 This API key cannot access that project")
	}},
	{"not signed in", func(s *stage, page *bt.Page) {
		page.Expect(s, "401", "404")
		s.endSession("ada")
		page.Text(s, "main", "You are not signed in")
	}},
	{"audit", func(s *stage, page *bt.Page) {
		page.SetCookie(s, s.url, sessionCookie("olga"))
		page.Load(s, s.url+"?again#audit")
		page.Text(s, "tbody", "created the key CI deploys")
	}},
}

// createOnPage creates a key for all projects, and leaves the dialog that shows it.
func (s *stage) createOnPage(page *bt.Page, name string) {
	s.Helper()
	s.press(page, "Create API key")
	s.enter(page, "Name", name)
	page.Press(s, bt.Enter)
	page.Text(s, "dialog", "Copy your API key now")
}

// What can be checked by a program of WCAG 2.2 AA holds in every state of the page, light and dark, wide and narrow; nothing sticks out
// of a narrow screen, and nothing jumps.
func TestEveryStateIsAccessible(t *testing.T) {
	for _, state := range states {
		t.Run(state.name, func(t *testing.T) {
			s := newStage(t)
			s.create("ada", "CI deploys")
			page := s.as("ada")
			state.come(s, page)
			if got := page.LayoutShift(t); got > 0.1 {
				t.Errorf("the page has jumped by %.3f", got)
			}
			for _, media := range []bt.Media{{}, {Dark: true}} {
				page.Emulate(t, media)
				page.Axe(t)
			}
			for _, width := range []int{1200, 1180, 1179, 801, 700, 360, 320} {
				page.Resize(t, width, 740)
				if width < 800 {
					page.Axe(t)
				}
				if wide := bt.Eval[int](t, page, `Math.max(...[document.documentElement, ...document.querySelectorAll("dialog, .scroll")].map((e) => e.scrollWidth - e.clientWidth))`); wide > 0 {
					t.Errorf("at a width of %d pixels %d stick out", width, wide)
				}
			}
		})
	}
}

// The colours of a system that chooses them itself, and rest for who asked for it.
func TestOtherMedia(t *testing.T) {
	s := newStage(t)
	s.create("ada", "CI deploys")
	page := s.as("ada")
	page.Emulate(t, bt.Media{ForcedColors: true, ReducedMotion: true})
	s.createOnPage(page, "moves")
	page.Axe(t)
	s.copyKey(page)
	s.press(page, "Close")
	page.Gone(t, "dialog")
	page.Until(t, `document.getAnimations().every((a) => a.playState !== "running" || a.effect.getComputedTiming().activeDuration < 1)`)
}

// All that the page loads is less than 100 kB, and comes from us.
func TestWhatIsLoaded(t *testing.T) {
	s := newStage(t)
	page := s.as("ada")
	got := page.Transferred(t)
	if got > 100_000 {
		t.Errorf("%d bytes were loaded", got)
	}
	t.Logf("%d bytes were loaded", got)
	for _, inline := range []string{
		`document.body.append(Object.assign(document.createElement("script"), {textContent: "window.ran = true"}))`,
		`document.body.insertAdjacentHTML("beforeend", "<img src=x onerror='window.ran = true'>")`,
		`setTimeout("window.ran = true", 0)`,
		`document.body.append(Object.assign(document.createElement("img"), {src: "https://elsewhere.test/x.png"}))`,
	} {
		page.Expect(t, "") // whatever the browser says of what it does not do
		bt.Eval[bool](t, page, fmt.Sprintf("(() => { try { %s } catch {} return true; })()", inline))
	}
	if bt.Eval[bool](t, page, `new Promise((done) => setTimeout(() => done(window.ran === true), 100))`) {
		t.Error("a script ran that is none of the page's files")
	}
}
