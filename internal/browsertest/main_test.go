// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"aeroplane.run/authz/internal/testservers"
)

func TestMain(m *testing.M) {
	if os.Getenv(helperVariable) != "" {
		os.Exit(testservers.Main(m)) // not counted: it is going to be killed
	}
	goleak.VerifyTestMain(testservers.Runner{M: m})
}

// strict is a policy as strict as that of the pages that this package is for.
const strict = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; " +
	"base-uri 'none'; frame-ancestors 'none'"

// files are what a server has, by their paths. One that ends in .js or .css is of that kind, and any other is a page; its policy is the
// strict one, unless its name begins with an underscore.
type files map[string]string

func (f files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	content, ok := f[r.URL.Path]
	if !ok {
		http.NotFound(w, r)
		return
	}
	kind := "text/html"
	for suffix, other := range map[string]string{".js": "text/javascript", ".css": "text/css"} {
		if strings.HasSuffix(r.URL.Path, suffix) {
			kind = other
		}
	}
	w.Header().Set("Content-Type", kind+"; charset=utf-8")
	if !strings.HasPrefix(r.URL.Path, "/_") {
		w.Header().Set("Content-Security-Policy", strict)
	}
	_, _ = io.WriteString(w, content)
}

// html is a page in good order with a body.
func html(body string) string {
	return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
		<title>A page</title><link rel="stylesheet" href="/style.css"><script src="/script.js" type="module"></script>
		<body><main><h1>A page</h1>` + body + `</main>`
}

// serve starts a server that has a page with a body, a style and a script of its own.
func serve(t testing.TB, body, style, script string) (url string) {
	t.Helper()
	return serveFiles(t, files{"/": html(body), "/style.css": style, "/script.js": script})
}

func serveFiles(t testing.TB, f http.Handler) (url string) {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

// failure runs what must fail, in place of a test, and returns how it does.
func failure(t *testing.T, do func(t testing.TB)) string {
	t.Helper()
	testservers.Chromium(t) // or there is nothing to test
	err := testservers.Run(t.Context(), t.Name(), do)
	if err == nil {
		t.Error("it passes")
		return ""
	}
	return err.Error()
}

// contains wants all of some words in a text.
func contains(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("no %q in:\n%s", word, text)
		}
	}
}
