// SPDX-License-Identifier: Apache-2.0

// Command assemble makes one OpenAPI document of those which the compiler of the contract leaves, one for each of its files:
//
//	assemble FOLDER OUT
//
// It adds what the contract does not say (head.json) or says in texts alone (bounds.go), and makes names, texts and errors what readers of
// an API in JSON expect.
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
)

//go:embed head.json
var head []byte

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: assemble FOLDER OUT")
		os.Exit(2)
	}
	document, err := assemble(os.DirFS(os.Args[1]))
	if err == nil {
		err = os.WriteFile(os.Args[2], document, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "assemble:", err)
		os.Exit(1)
	}
}

// assemble returns the one document of those in a folder.
func assemble(from fs.FS) ([]byte, error) {
	whole, err := parse(head)
	if err != nil {
		return nil, fmt.Errorf("head.json: %w", err)
	}
	names, err := documents(from)
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := fs.ReadFile(from, name)
		if err != nil {
			return nil, err
		}
		part, err := parse(text)
		if err == nil {
			err = add(whole, part)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	inJSON(whole)
	if err := bound(whole); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(whole); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// documents returns the names of those in a folder and below, in their order.
func documents(from fs.FS) (names []string, err error) {
	err = fs.WalkDir(from, ".", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".openapi.json") {
			names = append(names, path)
		}
		return err
	})
	if err == nil && len(names) == 0 {
		err = errors.New("there is no document to begin with: run `make generate`")
	}
	slices.Sort(names)
	return names, err
}

// An object is one of JSON. Its members are written in the order of their names, so that the same contract makes the same document.
type object = map[string]any

// parse reads a document, and leaves the names of packages out of it, which readers can do without.
func parse(text []byte) (object, error) {
	for _, prefix := range []string{"aeroplane.authz.v1.", "google.rpc."} {
		text = bytes.ReplaceAll(text, []byte(`"#/components/schemas/`+prefix), []byte(`"#/components/schemas/`))
		text = bytes.ReplaceAll(text, []byte(`"`+prefix), []byte(`"`))
	}
	var o object
	err := json.Unmarshal(text, &o)
	return o, err
}

// at returns the object that is so deep in o, and makes it where there is none.
func at(o object, names ...string) object {
	for _, name := range names {
		inner, ok := o[name].(object)
		if !ok {
			inner = object{}
			o[name] = inner
		}
		o = inner
	}
	return o
}

// each calls f for every object in v, and v itself if it is one.
func each(v any, f func(object)) {
	switch v := v.(type) {
	case []any:
		for _, inner := range v {
			each(inner, f)
		}
	case object:
		f(v)
		for _, inner := range v {
			each(inner, f)
		}
	}
}

// text returns what a member of an object says, or nothing.
func text(o object, name string) string {
	s, _ := o[name].(string)
	return s
}

// list returns the objects in a member of an object.
func list(o object, name string) (objects []object) {
	values, _ := o[name].([]any)
	for _, v := range values {
		if inner, ok := v.(object); ok {
			objects = append(objects, inner)
		}
	}
	return objects
}
