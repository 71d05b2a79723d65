// SPDX-License-Identifier: Apache-2.0

// Command assemble makes one OpenAPI document of those which the compiler of the contract leaves, one for each of its files:
//
//	assemble FOLDER OUT
//
// It adds what the contract does not say (head.json), and makes names, texts and errors what readers of an API expect.
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
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
	if err := assemble(os.DirFS(os.Args[1]), os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "assemble:", err)
		os.Exit(1)
	}
}

func assemble(from fs.FS, out string) error {
	whole, err := parse(head)
	if err != nil {
		return err
	}
	var names []string
	if err := fs.WalkDir(from, ".", func(path string, d fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".openapi.json") {
			names = append(names, path)
		}
		return err
	}); err != nil {
		return err
	}
	if len(names) == 0 {
		return fmt.Errorf("there is no document to begin with: run `make generate`")
	}
	slices.Sort(names)
	for _, name := range names {
		text, err := fs.ReadFile(from, name)
		if err != nil {
			return err
		}
		part, err := parse(text)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := add(whole, part); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(whole); err != nil {
		return err
	}
	return os.WriteFile(out, b.Bytes(), 0o644)
}

// An object is one of JSON. Its members are written in the order of their names, so that the same contract makes the same document.
type object = map[string]any

func parse(text []byte) (object, error) {
	for _, package_ := range []string{"aeroplane.authz.v1.", "google.rpc."} { // what readers can do without
		text = bytes.ReplaceAll(text, []byte(`"#/components/schemas/`+package_), []byte(`"#/components/schemas/`))
		text = bytes.ReplaceAll(text, []byte(`"`+package_), []byte(`"`))
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

// add adds what a part has to the whole.
func add(whole, part object) error {
	for path, item := range at(part, "paths") {
		for method, operation := range item.(object) {
			path, operation := oneName(path, operation.(object))
			to := at(whole, "paths", path)
			if to[method] != nil {
				return fmt.Errorf("%s %s is there twice", method, path)
			}
			to[method] = finished(operation)
		}
	}
	for name, schema := range at(part, "components", "schemas") {
		at(whole, "components", "schemas")[name] = joined(schema)
	}
	if tags, ok := part["tags"].([]any); ok {
		whole["tags"] = append(whole["tags"].([]any), joined(tags).([]any)...)
	}
	return nil
}

// oneName calls the id in a path by the same name in all calls: a path with another name in it would be the same path.
func oneName(path string, operation object) (string, object) {
	parameters, _ := operation["parameters"].([]any)
	for _, p := range parameters {
		if p := p.(object); p["in"] == "path" {
			name := p["name"].(string)
			path = strings.Replace(path, "{"+name+"}", "{id}", 1)
			p["name"] = "id"
		}
	}
	return path, operation
}

// byCookie are the calls that the page makes, whose visitors are known by a cookie.
var byCookie = []string{"KeyService_ListKeys", "KeyService_GetKey", "KeyService_CreateKey", "KeyService_RevokeKey",
	"CatalogService_ListProjects", "AuditService_ListEvents", "ExplanationService_ExplainAuthorize"}

// finished is an operation with a summary of one sentence, with what errors are answered by, and with who may call.
func finished(operation object) object {
	text := strings.TrimSpace(fmt.Sprint(operation["summary"], "\n\n", joined(operation["description"])))
	text = strings.TrimSuffix(joinLines(text), "\n\n<nil>")
	operation["summary"], _, _ = strings.Cut(text, ". ")
	operation["summary"] = strings.TrimSuffix(strings.SplitN(operation["summary"].(string), "\n", 2)[0], ".")
	operation["description"] = text
	operation["parameters"] = joined(operation["parameters"])
	if operation["parameters"] == nil {
		delete(operation, "parameters")
	}
	if body, ok := operation["requestBody"]; ok {
		operation["requestBody"] = joined(body)
	}
	responses := at(operation, "responses")
	delete(responses, "default")
	responses["4XX"] = object{"$ref": "#/components/responses/Refused"}
	responses["5XX"] = object{"$ref": "#/components/responses/Failed"}
	if slices.Contains(byCookie, fmt.Sprint(operation["operationId"])) {
		operation["security"] = []any{object{"token": []any{}}, object{"session": []any{}}, object{"console": []any{}}}
	}
	return operation
}

// joined joins the lines of every description in v, which are broken for readers of the contract.
func joined(v any) any {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		for i := range v {
			v[i] = joined(v[i])
		}
	case object:
		for name, inner := range v {
			if text, ok := inner.(string); ok && name == "description" {
				v[name] = joinLines(text)
				continue
			}
			v[name] = joined(inner)
		}
	}
	return v
}

// joinLines joins the lines of each paragraph.
func joinLines(text string) string {
	paragraphs := strings.Split(text, "\n\n")
	for i, p := range paragraphs {
		paragraphs[i] = strings.Join(strings.Fields(p), " ")
	}
	return strings.Join(paragraphs, "\n\n")
}
