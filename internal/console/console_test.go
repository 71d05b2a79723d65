// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"aeroplane.run/authz/internal/console"
)

// serve asks a page for one of its files.
func serve(t *testing.T, page *console.Page, path string, header http.Header) *httptest.ResponseRecorder {
	t.Helper()
	if !page.Has(path) {
		t.Fatalf("there is no %s", path)
	}
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Header = header
	w := httptest.NewRecorder()
	page.Serve(w, r, path)
	return w
}

// Every file comes with what keeps the page to itself, as what it is, packed or not.
func TestFiles(t *testing.T) {
	t.Parallel()
	page := console.New()
	entries, err := os.ReadDir("page")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		path, want := "/"+e.Name(), must(os.ReadFile("page/"+e.Name()))
		if path == "/index.html" {
			path = "/"
		}
		plain := serve(t, page, path, http.Header{})
		packed := serve(t, page, path, http.Header{"Accept-Encoding": {"gzip, deflate, br"}})
		unpacked := string(must(io.ReadAll(must(gzip.NewReader(packed.Body)))))
		if plain.Body.String() != string(want) || unpacked != string(want) {
			t.Errorf("%s is not what it is", path)
		}
		for _, h := range []http.Header{plain.Header(), packed.Header()} {
			for name, value := range map[string]string{"Content-Security-Policy": "default-src 'none'; script-src 'self';", "X-Frame-Options": "DENY",
				"Referrer-Policy": "no-referrer", "Cache-Control": "no-cache", "Vary": "Accept-Encoding", "ETag": `W/"`} {
				if !strings.HasPrefix(h.Get(name), value) {
					t.Errorf("%s: %s is %q", path, name, h.Get(name))
				}
			}
			if policy := h.Get("Content-Security-Policy"); strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || !strings.Contains(policy, "frame-ancestors 'none'") {
				t.Errorf("%s: the policy is %q", path, policy)
			}
		}
		again := serve(t, page, path, http.Header{"If-None-Match": {plain.Header().Get("ETag")}})
		if again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("%s: asked whether it is still the same, it answers %d", path, again.Code)
		}
	}
	if page.Has("/index.html") || page.Has("/page/app.js") || page.Has("/../console.go") {
		t.Error("there are files that should not be there")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
