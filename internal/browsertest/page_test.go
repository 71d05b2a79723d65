// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"bytes"
	"image"
	_ "image/png"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPagesAreApart(t *testing.T) {
	url := serve(t, "", "", "")
	first, second := Open(t, url), New(t)
	first.SetCookie(t, url, &http.Cookie{Name: "who", Value: "first"})
	second.SetCookie(t, url, &http.Cookie{Name: "who", Value: "second", Path: "/"})
	second.Load(t, url)
	for page, want := range map[*Page]string{first: "who=first", second: "who=second"} {
		if got := Eval[string](t, page, "document.cookie"); got != want {
			t.Errorf("cookies %q, want %q", got, want)
		}
	}
	Eval[bool](t, first, `localStorage.setItem("kept", "yes"), true`)
	if Eval[bool](t, second, `localStorage.getItem("kept") !== null`) {
		t.Error("one page has what another keeps")
	}
}

func TestACookieMayBeHiddenFromScripts(t *testing.T) {
	sent := make(chan string, 10)
	url := serveFiles(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { sent <- r.Header.Get("Cookie") }))
	p := New(t)
	p.SetCookie(t, url, &http.Cookie{Name: "session", Value: "secret", HttpOnly: true})
	p.Load(t, url)
	if script, got := Eval[string](t, p, "document.cookie"), <-sent; got != "session=secret" || script != "" {
		t.Errorf("the server has %q, the script %q", got, script)
	}
}

func TestEveryPageHasTheFocus(t *testing.T) {
	url := serve(t, "", "", "")
	for _, page := range []*Page{Open(t, url), Open(t, url)} {
		if !Eval[bool](t, page, `document.hasFocus() && document.visibilityState === "visible"`) {
			t.Error("it is in the background")
		}
	}
}

func TestWhatDoesNotLoadFails(t *testing.T) {
	contains(t, failure(t, func(t testing.TB) { Open(t, "http://127.0.0.1:1/") }), "load http://127.0.0.1:1/", "ERR_")
	// This is the browser's own name for this machine, so that it is not for want of a network that others are not found.
	elsewhere := strings.Replace(serve(t, "", "", ""), "127.0.0.1", "other.localhost", 1)
	contains(t, failure(t, func(t testing.TB) { Open(t, elsewhere) }), "ERR_NAME_NOT_RESOLVED")
}

func TestScreenshots(t *testing.T) {
	p := Open(t, serve(t, "<p>long</p>", "p { height: 2000px; background: #123456 }", ""))
	p.Resize(t, 600, 400)
	path := filepath.Join(t.TempDir(), "view.png")
	p.Screenshot(t, path)
	png, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	size, kind, err := image.DecodeConfig(bytes.NewReader(png))
	if err != nil || kind != "png" || size.Width != 600 || size.Height != 400 {
		t.Errorf("%s of %d × %d, %v", kind, size.Width, size.Height, err)
	}
	contains(t, failure(t, func(t testing.TB) { p.Screenshot(t, "/nowhere/at/all/x.png") }), "screenshot")
}
