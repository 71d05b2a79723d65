// SPDX-License-Identifier: Apache-2.0

// Package console is the API Access page: its files, as they are sent to browsers. They are plain HTML, CSS and JavaScript, without a step
// that builds them; begin with page/app.js. All that they show they ask the service for, as the browser's user.
package console

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

//go:embed page
var files embed.FS

// A file is one of the page.
type file struct {
	content []byte
	packed  []byte // by gzip
	kind    string
	tag     string // changes when the content does; weak, since it is the same for what is packed
}

// policy lets the page load what comes with it, and nothing else: no script but its own files, no address but ours, and no markup that is
// made from text, which not even its own scripts can do.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; " +
	"form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// headers are those of every file.
var headers = map[string]string{
	"Content-Security-Policy":    policy,
	"Referrer-Policy":            "no-referrer",
	"X-Frame-Options":            "DENY",
	"Cross-Origin-Opener-Policy": "same-origin",
	"Permissions-Policy":         "camera=(), geolocation=(), microphone=()",
	"Cache-Control":              "no-cache", // a browser asks each time whether it has what there is
	"Vary":                       "Accept-Encoding",
}

// A Page serves the files. It is made once, and not changed.
type Page struct{ files map[string]file }

// New returns the page.
func New() *Page {
	p := &Page{files: make(map[string]file)}
	within, err := fs.Sub(files, "page")
	if err != nil {
		panic(err) // what is embedded is there
	}
	entries, err := fs.ReadDir(within, ".")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		content, err := fs.ReadFile(within, e.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(content)
		p.files["/"+e.Name()] = file{content, pack(content), kindOf(e.Name()), `W/"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
	}
	p.files["/"] = p.files["/index.html"]
	delete(p.files, "/index.html") // which would be the same page with another address for what it asks for
	return p
}

func pack(content []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(content)
	if err := errors.Join(err, w.Close()); err != nil {
		panic(err) // memory takes everything
	}
	return b.Bytes()
}

// kindOf says what is in a file. What the machine's own tables say may be anything.
func kindOf(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	}
	panic("console: what is in " + name + "?")
}

// Has reports whether there is a file for a path, which begins with a slash.
func (p *Page) Has(path string) bool {
	_, ok := p.files[path]
	return ok
}

// Serve answers a GET or a HEAD for a file that there is.
func (p *Page) Serve(w http.ResponseWriter, r *http.Request, path string) {
	f := p.files[path]
	h := w.Header()
	for name, value := range headers {
		h.Set(name, value)
	}
	h.Set("ETag", f.tag)
	if r.Header.Get("If-None-Match") == f.tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	content := f.content
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") { // as every browser says; none says that it will not have it
		content = f.packed
		h.Set("Content-Encoding", "gzip")
	}
	h.Set("Content-Type", f.kind)
	h.Set("Content-Length", strconv.Itoa(len(content)))
	_, _ = w.Write(content) // of a HEAD nothing is sent
}
