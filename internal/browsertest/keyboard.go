// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A Key is a key to press, with others held or without.
type Key struct {
	key  string
	held []chromedp.Modifier
}

// What a keyboard alone has to do with.
var (
	Tab        = Key{key: kb.Tab}
	ShiftTab   = Key{kb.Tab, []chromedp.Modifier{chromedp.ModifierShift}}
	Enter      = Key{key: kb.Enter}
	Space      = Key{key: " "}
	Escape     = Key{key: kb.Escape}
	ArrowUp    = Key{key: kb.ArrowUp}
	ArrowDown  = Key{key: kb.ArrowDown}
	ArrowLeft  = Key{key: kb.ArrowLeft}
	ArrowRight = Key{key: kb.ArrowRight}
	Home       = Key{key: kb.Home}
	End        = Key{key: kb.End}
)

// Press presses keys, one after the other, each when the page has seen the last.
func (p *Page) Press(t testing.TB, keys ...Key) {
	t.Helper()
	for _, key := range keys {
		if err := p.do(key.actions()...); err != nil {
			t.Fatalf("press %q: %v", key.key, err)
		}
	}
}

// actions are those of one key. What it writes comes with its going down, and not as an event of its own: a page that prevents the one has
// then prevented the other, as with a real key.
func (k Key) actions() (actions []chromedp.Action[chromedp.Void]) {
	var held int64
	for _, m := range k.held {
		held |= int64(m)
	}
	for _, r := range k.key {
		events := kb.Encode(r)
		if len(events) == 3 && held == 0 { // down, what it writes, and up
			events[0].Text, events[0].UnmodifiedText = events[1].Text, events[1].UnmodifiedText
		}
		for _, event := range events {
			if event.Modifiers |= held; event.Type != kb.KeyChar {
				actions = append(actions, command(input.DispatchKeyEvent, *event))
			}
		}
	}
	return actions
}

// Type types text, to whatever has the focus.
func (p *Page) Type(t testing.TB, text string) {
	t.Helper()
	if err := p.do(chromedp.KeyEvent(text)); err != nil {
		t.Fatalf("type %q: %v", text, err)
	}
}
