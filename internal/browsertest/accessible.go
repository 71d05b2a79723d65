// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// An Element is what assistive technology is told of an element. The zero Element is none.
type Element struct{ Role, Name, Description string }

// String returns an element as a screen reader would begin: button "Create key".
func (e Element) String() string {
	if e == (Element{}) {
		return "nothing"
	}
	return fmt.Sprintf("%s %q", e.Role, e.Name)
}

// Focused returns the element that has the focus, and none if the page as a whole has it.
func (p *Page) Focused(t testing.TB) Element {
	t.Helper()
	e, err := p.element(`(() => {
		let focused = document.activeElement;
		while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
		return focused === document.body ? null : focused;
	})()`)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Accessible returns the first element that the CSS selector matches, when it is to be seen.
func (p *Page) Accessible(t testing.TB, selector string) Element {
	t.Helper()
	p.Visible(t, selector)
	quoted, _ := json.Marshal(selector)
	e, err := p.element(fmt.Sprintf("document.querySelector(%s)", quoted))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// element returns the element that an expression of JavaScript comes to, as the accessibility tree has it.
func (p *Page) element(expression string) (Element, error) {
	return run(p, func(ctx context.Context, target *chromedp.Target) (Element, error) {
		object, err := chromedp.Evaluate[*runtime.RemoteObject](expression)(ctx, target)
		if err != nil || object.ObjectID == "" { // null
			return Element{}, err
		}
		alone := false
		tree, err := cdp.Call(ctx, target, accessibility.GetPartialAXTree,
			accessibility.GetPartialAXTreeParams{ObjectID: object.ObjectID, FetchRelatives: &alone})
		if err != nil {
			return Element{}, err
		}
		if len(tree.Nodes) == 0 {
			return Element{}, errors.New("the accessibility tree does not have " + object.Description)
		}
		node := tree.Nodes[0]
		return Element{Role: text(node.Role), Name: text(node.Name), Description: text(node.Description)}, nil
	})
}

// text returns a value that is one, and otherwise nothing. Until the browser has laid a page out it has not dropped the blanks at the ends of
// names, which nobody hears.
func text(v *accessibility.Value) string {
	var s string
	if v != nil {
		_ = json.Unmarshal(v.Value, &s)
	}
	return strings.TrimSpace(s)
}
