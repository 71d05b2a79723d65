// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"fmt"
	"strings"
	"testing"
)

func TestWhatGoesWrongInAPageFailsTheTest(t *testing.T) {
	other := serve(t, "", "", "")
	for _, test := range []struct {
		name         string
		body, script string
		want         []string
	}{
		{"an error on the console", "", `console.error("lost", 3, new Error("cause"))`, []string{"console error: lost 3 Error: cause"}},
		{"an assertion", "", `console.assert(1 > 2, "not so")`, []string{"console error: not so"}},
		{"an exception", "", `throw new Error("boom")`, []string{"uncaught exception", "Error: boom", "/script.js:1"}},
		{"a promise that nobody looks at", "", `Promise.reject(new Error("dropped"))`, []string{"(in promise)", "Error: dropped"}},
		{"a script in the page", `<script>document.title = "changed"</script>`, "", []string{"security error", "script-src 'self'"}},
		{"a style in the page", `<p style="color: red">red</p>`, "", []string{"security error", "style-src 'self'"}},
		{"an image that is not there", `<img src="/gone.png" alt="">`, "", []string{"failed request: 404 Not Found: GET", "/gone.png"}},
		{"a server that is not there", `<img src="http://127.0.0.1:1/x.png" alt="">`, "",
			[]string{"security error", "request to another host: GET http://127.0.0.1:1/x.png"}},
		{"a fetch that the policy forbids", "", `fetch("` + other + `").catch(() => {})`, []string{"security error", "connect-src 'self'"}},
		{"an image of another host", `<img src="` + other + `/x.png" alt="">`, "", []string{"request to another host: GET " + other + "/x.png"}},
		{"a dialog", "", `document.title = confirm("Sure?")`, []string{`a dialog of the browser's own: confirm "Sure?"`}},
		{"a link elsewhere", `<a href="` + other + `/">away</a>`, `document.querySelector("a").click()`, []string{"request to another host: GET " + other}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			url := serve(t, test.body, "", test.script)
			got := failure(t, func(t testing.TB) { Open(t, url).Until(t, `document.readyState === "complete"`) })
			contains(t, got, test.want...)
		})
	}
}

func TestWithoutAPolicyTheSameIsSeen(t *testing.T) {
	other := serve(t, "", "", "")
	url := serveFiles(t, files{"/_": `<!doctype html><title>Open</title><img src="` + other + `/style.css"><img src="http://127.0.0.1:1/x.png">
		<script>console.error("lost"); new WebSocket("ws` + strings.TrimPrefix(other, "http") + `/");
		new EventSource("/gone").onerror = () => { document.title = "Gone" }</script>`})
	got := failure(t, func(t testing.TB) {
		Open(t, url+"/_").Until(t, `document.title === "Gone"`) // which the page's load does not wait for
	})
	contains(t, got, "request to another host: GET "+other, "failed request: net::ERR_", "GET http://127.0.0.1:1/x.png", "console error: lost", "request to another host: WebSocket ws:", "404 Not Found: GET "+url+"/gone")
}

func TestWhatThePolicyForbidsIsSaidOnce(t *testing.T) {
	url := serve(t, `<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" alt="">`, "", "")
	got := failure(t, func(t testing.TB) { Open(t, url) })
	if !strings.HasPrefix(got, "security error: ") || strings.Contains(got, "\n") {
		t.Error(got)
	}
}

func TestWhatGoesWrongAtLastIsSeen(t *testing.T) {
	url := serve(t, "", "", "")
	got := failure(t, func(t testing.TB) { Eval[bool](t, Open(t, url), `setTimeout(() => console.error("late")), true`) })
	contains(t, got, "console error: late")
}

func TestWhatIsExpectedFailsNoTest(t *testing.T) {
	p := New(t)
	p.Expect(t, "boom", "404 Not Found")
	p.Load(t, serve(t, `<img src="/gone.png" alt="">`, "", `throw new Error("boom")`))
}

func TestWhatIsExpectedHasToCome(t *testing.T) {
	url := serve(t, "", "", `throw new Error("boom")`)
	got := failure(t, func(t testing.TB) {
		p := New(t)
		p.Expect(t, "boom", "bang")
		p.Load(t, url)
	})
	if want := `expected, and it did not come: "bang"`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestNothingIsWrongWithAPageThatIsWell(t *testing.T) {
	first := serve(t, `<p>well</p>`, "p { color: #000 }",
		`console.log("well"); console.warn("hm"); const stop = new AbortController();
		fetch("/", { signal: stop.signal }).catch(() => {}); stop.abort(); await fetch("/style.css"); document.querySelector("p").append("!")`)
	p := Open(t, first)
	p.Text(t, "p", "well!")
	p.Load(t, serve(t, "", "", "")) // which is on another host than the last
	Eval[bool](t, p, fmt.Sprintf("location.href = %q, true", first))
	p.Text(t, "p", "well!")
}
