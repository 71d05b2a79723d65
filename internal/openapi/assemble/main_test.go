// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// keys is what a compiler might leave of a small contract.
const keys = `{
 "paths": {
  "/v1/keys": {
   "get": {"operationId": "KeyService_ListKeys", "summary": "ListKeys returns keys: those that match.", "parameters": [
     {"in": "query", "name": "pageToken", "description": "The next_page_token of\nthe page before.", "schema": {"type": "string"}},
     {"in": "query", "name": "orderBy", "description": "\"create_time desc\", or \"name\".", "schema": {"type": "string"}},
     {"in": "query", "name": "ids", "description": "At most 1,000, as far as they are known.", "schema": {"type": "array"}}],
    "responses": {"200": {"description": "The keys."}, "default": {"description": "An error."}}},
   "post": {"operationId": "KeyService_CreateKey", "summary": "CreateKey mints a key. Once,\nsay.", "description": "With a create_time.",
    "requestBody": {"content": {"application/json": {"schema": {"type": "object", "properties": {
     "name": {"type": "string", "description": "The name. Required. Any."}, "expiresIn": {"type": "string", "description": "How long."}, "neverExpires": {"type": "boolean"}}}}}},
    "responses": {}}},
  "/v1/keys/{key.id}": {
   "delete": {"operationId": "KeyService_DeleteKey", "summary": "DeleteKey ends one", "responses": {},
    "parameters": [{"in": "path", "name": "key.id", "description": "The id of the key.", "required": true}]}}},
 "components": {"schemas": {
  "aeroplane.authz.v1.Key": {"type": "object", "properties": {"createTime": {"type": "string", "description": "Not FIELD_NAMES, nor any_other."},
   "ids": {"type": "array", "description": "1 to 500 ids."}, "of": {"$ref": "#/components/schemas/aeroplane.authz.v1.Key"}}},
  "aeroplane.authz.v1.List": {"type": "object", "properties": {"nextPageToken": {"type": "string"}}}}},
 "tags": [{"name": "KeyService", "description": "KeyService has keys.\n\nCallers need a token of\nsome role.\n\nMore."}]}`

// keysInJSON is what becomes of it, beside what head.json has.
const keysInJSON = `{
 "paths": {
  "/v1/keys": {
   "get": {"operationId": "KeyService_ListKeys", "summary": "Returns keys", "description": "Returns keys: those that match.", "parameters": [
     {"in": "query", "name": "pageToken", "description": "The nextPageToken of the page before.", "schema": {"type": "string"}},
     {"in": "query", "name": "orderBy", "description": "\"create_time desc\", or \"name\".", "schema": {"type": "string", "enum": ["create_time desc", "name"]}},
     {"in": "query", "name": "ids", "description": "At most 1,000, as far as they are known.", "schema": {"type": "array", "maxItems": 1000}}],
    "security": [{"token": []}, {"session": []}, {"console": []}],
    "responses": {"200": {"description": "The keys."}, "4XX": {"$ref": "#/components/responses/Refused"}, "5XX": {"$ref": "#/components/responses/Failed"}}},
   "post": {"operationId": "KeyService_CreateKey", "summary": "Mints a key", "description": "Mints a key. Once, say.\n\nWith a createTime.",
    "parameters": [{"$ref": "#/components/parameters/ActingUser"}],
    "requestBody": {"content": {"application/json": {"schema": {"type": "object", "required": ["name"], "properties": {
     "name": {"type": "string", "description": "The name. Required. Any."}, "expiresIn": {"type": "string", "description": "How long."}, "neverExpires": {"type": "boolean"}},
     "oneOf": [{"type": "object", "properties": {"expiresIn": {"type": "string"}}, "required": ["expiresIn"]},
      {"type": "object", "properties": {"neverExpires": {"type": "boolean"}}, "required": ["neverExpires"]}]}}}},
    "security": [{"token": []}, {"session": []}, {"console": []}],
    "responses": {"4XX": {"$ref": "#/components/responses/Refused"}, "5XX": {"$ref": "#/components/responses/Failed"}}}},
  "/v1/keys/{id}": {
   "delete": {"operationId": "KeyService_DeleteKey", "summary": "Ends one", "description": "Ends one",
    "parameters": [{"in": "path", "name": "id", "description": "The id of the key.", "required": true}, {"$ref": "#/components/parameters/ActingUser"}],
    "responses": {"4XX": {"$ref": "#/components/responses/Refused"}, "5XX": {"$ref": "#/components/responses/Failed"}}}}},
 "schemas": {
  "Key": {"type": "object", "required": ["ids"], "properties": {"createTime": {"type": "string", "description": "Not FIELD_NAMES, nor any_other."},
   "ids": {"type": "array", "description": "1 to 500 ids.", "minItems": 1, "maxItems": 500}, "of": {"$ref": "#/components/schemas/Key"}}},
  "List": {"type": "object", "properties": {"nextPageToken": {"type": "string"}}}},
 "tags": [{"name": "AuditService", "description": "Has events."}, {"name": "KeyService", "description": "Has keys.\n\nMore."}]}`

func TestAssemble(t *testing.T) {
	made, err := assemble(fstest.MapFS{
		"v1/keys.openapi.json":  {Data: []byte(keys)},
		"v1/audit.openapi.json": {Data: []byte(`{"tags": [{"name": "AuditService", "description": "AuditService has events."}]}`)},
		"v1/else.json":          {Data: []byte("no document")},
	})
	if err != nil {
		t.Fatal(err)
	}
	whole, err := parse(made)
	if err != nil {
		t.Fatal(err)
	}
	var want object
	if err := json.Unmarshal([]byte(keysInJSON), &want); err != nil {
		t.Fatal(err)
	}
	got := object{"paths": whole["paths"], "schemas": at(whole, "components", "schemas"), "tags": whole["tags"]}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if at(whole, "components", "parameters", "ActingUser")["in"] != "header" || whole["openapi"] != "3.1.0" {
		t.Error("what head.json has is lost")
	}
}

// A choice of which none is needed may be left out, and no two of its fields are there.
func TestChoiceOfNone(t *testing.T) {
	of := func(field string) object {
		return object{"type": "object", "properties": object{field: object{"type": "string"}}, "required": []string{field}}
	}
	want := []any{of("a"), of("b"), object{"type": "object", "not": object{"anyOf": []any{
		object{"required": []string{"a"}}, object{"required": []string{"b"}}}}}}
	properties := object{"a": object{"type": "string", "description": "One."}, "b": object{"type": "string"}}
	if diff := cmp.Diff(want, choice{fields: []string{"a", "b"}}.schemas(properties)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestNotAssembled(t *testing.T) {
	const one = `{"paths": {"/a/{x}": {"get": {"parameters": [{"in": "path", "name": "x"}]}}}}`
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"nothing": {map[string]string{"a.json": "{}"}, "run `make generate`"},
		"no JSON": {map[string]string{"a.openapi.json": "{"}, "a.openapi.json: unexpected end"},
		"one call twice": {map[string]string{"a.openapi.json": one, "b.openapi.json": strings.ReplaceAll(one, "x", "y")},
			"b.openapi.json: get /a/{id} is there twice"},
		"two variables": {map[string]string{"a.openapi.json": `{"paths": {"/a/{x}/b/{y}": {"get": {}}}}`},
			"/a/{x}/b/{y} has two variables, and both would be called id"},
		"an order of no words": {map[string]string{"a.openapi.json": `{"paths": {"/a": {"get": {"parameters": [
			{"in": "query", "name": "orderBy", "description": "Any."}]}}}}`}, "says no order in quotes: Any."},
	} {
		t.Run(name, func(t *testing.T) {
			from := fstest.MapFS{}
			for name, text := range c.files {
				from[name] = &fstest.MapFile{Data: []byte(text)}
			}
			if _, err := assemble(from); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
		})
	}
}
