// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestWhatMovesByItselfIsMeasured(t *testing.T) {
	const push = `const push = () => { const box = document.createElement("div"); box.className = "box"; document.querySelector("main").prepend(box); globalThis.pushed = true; };
		document.querySelector("button").onclick = push;`
	const style = ".box { height: 300px } p { height: 200px; background: #ccc }"
	for _, test := range []struct {
		name   string
		script string
		key    bool
		moves  bool
	}{
		{"late", push + `setTimeout(push, 100)`, false, true},
		{"upon a key", push, true, false},
		{"never", `globalThis.pushed = true`, false, false},
	} {
		p := Open(t, serve(t, "<p>text</p><button>Push</button>", style, test.script))
		if test.key {
			p.Press(t, Tab, Enter)
		}
		p.Until(t, "globalThis.pushed")
		if shift := p.LayoutShift(t); shift > 0.1 != test.moves || !test.moves && shift != 0 {
			t.Errorf("%s: %v", test.name, shift)
		}
		if again := p.LayoutShift(t); again > 0.1 != test.moves {
			t.Errorf("%s: %v when asked again", test.name, again)
		}
	}
}

func TestWhatComesOverTheNetworkIsCounted(t *testing.T) {
	const size = 50_000
	f := files{"/": html(""), "/style.css": strings.Repeat("p {}\n", size/5), "/script.js": strings.Repeat("1;  \n", size/5)}
	plain := Open(t, serveFiles(t, f))
	if got := plain.Transferred(t); got < 2*size || got > 2*size+3_000 {
		t.Errorf("%d bytes for twice %d and a page", got, size)
	}
	small := Open(t, serveFiles(t, compressed(f)))
	if got := small.Transferred(t); got < 500 || got > 5_000 {
		t.Errorf("%d bytes compressed", got)
	}
	small.Load(t, serve(t, "", "", ""))
	if got := small.Transferred(t); got < 200 || got > 2_000 {
		t.Errorf("%d bytes of another page", got)
	}
}

// compressed serves what another does, with gzip.
func compressed(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer z.Close()
		h.ServeHTTP(writer{w, z}, r)
	})
}

type writer struct {
	http.ResponseWriter
	io.Writer
}

func (w writer) Write(p []byte) (int, error) { return w.Writer.Write(p) }

func TestARequestThatDoesNotEndIsNamed(t *testing.T) {
	f := files{"/": html(""), "/style.css": "", "/script.js": `fetch("/slow"); new EventSource("/events")`}
	held := make(chan struct{})
	url := serveFiles(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/events":
			w.Header().Set("Content-Type", "text/event-stream")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		case "/slow":
			<-held
		default:
			f.ServeHTTP(w, r)
		}
	}))
	p := Open(t, url)
	p.patience = time.Millisecond
	got := failure(t, func(t testing.TB) { p.Transferred(t) })
	if want := "waited in vain for the end of GET " + url + "/slow"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	close(held)
	p.patience = patience
	p.Transferred(t)
}
