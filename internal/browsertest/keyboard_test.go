// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestAKeyboardAloneWillDo(t *testing.T) {
	p := Open(t, serve(t, `<form><label>Name <input name="name" aria-describedby="hint"></label><p id="hint">Up to ten letters</p>
		<select aria-label="Access"><option>Read<option>Write</select><button>Create</button></form>
		<dialog aria-labelledby="title"><h2 id="title">Created</h2><button autofocus>Close</button></dialog>`, "",
		`const dialog = document.querySelector("dialog");
		document.querySelector("form").onsubmit = (event) => { event.preventDefault(); dialog.showModal(); };
		dialog.querySelector("button").onclick = () => dialog.close();`))
	want := func(want Element) {
		t.Helper()
		if diff := cmp.Diff(want, p.Focused(t)); diff != "" {
			t.Errorf("not what has the focus: %s", diff)
		}
	}
	name := Element{Role: "textbox", Name: "Name", Description: "Up to ten letters"}
	access := Element{Role: "combobox", Name: "Access"}

	want(Element{})
	p.Press(t, Tab)
	want(name)
	p.Type(t, "Zoë")
	p.Press(t, Home)
	p.Type(t, "1 ")
	p.Press(t, ArrowRight, End)
	p.Type(t, "!")
	p.Press(t, Tab)
	want(access)
	p.Press(t, ArrowDown)
	p.Press(t, ShiftTab)
	want(name)
	p.Press(t, Tab, Tab)
	want(Element{Role: "button", Name: "Create"})
	if got := Eval[[]string](t, p, `[...document.querySelectorAll("input, select")].map((e) => e.value)`); !cmp.Equal(got, []string{"1 Zoë!", "Write"}) {
		t.Errorf("%q", got)
	}

	for _, way := range []struct{ open, close Key }{{Enter, Escape}, {Space, Enter}} {
		p.Press(t, way.open)
		p.Visible(t, "dialog")
		want(Element{Role: "button", Name: "Close"})
		if got := p.Accessible(t, "dialog").String(); got != `dialog "Created"` {
			t.Error(got)
		}
		p.Press(t, way.close)
		p.Gone(t, "dialog")
		want(Element{Role: "button", Name: "Create"})
	}
}

func TestTheFocusIsFoundInAShadow(t *testing.T) {
	p := Open(t, serve(t, `<div></div>`, "", `document.querySelector("div").attachShadow({ mode: "open" }).innerHTML = "<button>Inside</button>"`))
	p.Press(t, Tab)
	if got := p.Focused(t).String(); got != `button "Inside"` {
		t.Error(got)
	}
}

func TestAnElementWithoutANameHasNone(t *testing.T) {
	p := Open(t, serve(t, `<button><svg width="9" height="9"></svg></button>`, "", ""))
	if got := p.Accessible(t, "button"); got != (Element{Role: "button"}) {
		t.Error(got)
	}
	if got := p.Focused(t).String(); got != "nothing" {
		t.Error(got)
	}
}
