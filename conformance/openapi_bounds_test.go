// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

// What the document says that there must be, or may be at most, is what the service refuses a call for.
func TestOpenAPIBounds(t *testing.T) { onEveryStore(t, testOpenAPIBounds) }

func testOpenAPIBounds(t *testing.T, f *fixture) {
	var whole map[string]any
	text := f.document(t)
	if err := json.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	session := sha256.Sum256([]byte("the-token"))
	fill := strings.NewReplacer("{session}", base64.StdEncoding.EncodeToString(session[:]), "{key}", "none")
	refused := func(what string, c documentedCall, method string, body any) {
		t.Helper()
		sent := string(must[[]byte](t)(json.Marshal(body)))
		answer, said := f.doREST(t, f.restRequest(t, method, doc.Servers[0].URL+fill.Replace(c.target), sent))
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("%s %s: %d %.200s", c.operation, what, answer.StatusCode, said)
		}
	}
	tried := map[string]bool{}
	for _, c := range documented {
		method, path := doc.at(t, c.operation)
		if c.status != http.StatusOK || c.body == "" || c.body == "{}" {
			continue
		}
		schema := dig(whole, "paths", path, strings.ToLower(method), "requestBody", "content", "application/json", "schema")
		var body map[string]any
		if err := json.Unmarshal([]byte(fill.Replace(c.body)), &body); err != nil {
			t.Fatal(err)
		}
		eachBounded(whole, schema, body, func(schema, in map[string]any) {
			for _, name := range list(schema["required"]) {
				value := in[name]
				delete(in, name)
				refused("without "+name, c, method, body)
				in[name] = value
				tried["required "+name] = true
			}
			for name, field := range dig(schema, "properties") {
				most, bounded := field.(map[string]any)["maxItems"].(float64)
				items, ok := in[name].([]any)
				if !bounded || !ok {
					continue
				}
				for i := range int(most) {
					items = append(items, differing(items[0], i))
				}
				kept := in[name]
				in[name] = items
				refused(fmt.Sprintf("with %d of %s", len(items), name), c, method, body)
				in[name] = kept
				tried["most "+name] = true
			}
		})
	}
	for _, what := range []string{"required accessLevel", "required expireTime", "required name", "required projectId", "required projects", "required requests",
		"required role", "required serviceId", "required session", "required slug", "required tokenSha256", "required userId", "required ids",
		"required services", "required deployments", "most ids", "most projects", "most services", "most deployments", "most requests"} {
		if !tried[what] {
			t.Errorf("%s: the document does not say so, or no call was tried", what)
		}
	}
	// Where the contract lets one of several be set, two are refused, and none where it needs one.
	for body, status := range map[string]int{
		`{"name":"n","accessLevel":"ACCESS_LEVEL_READ","projects":{"all":true}}`:                                         400,
		`{"name":"n","accessLevel":"ACCESS_LEVEL_READ","projects":{"all":true},"neverExpires":true,"expiresIn":"3600s"}`: 400,
		`{"name":"n","accessLevel":"ACCESS_LEVEL_READ","projects":{"all":true},"expiresIn":"3600s"}`:                     200,
	} {
		if answer, said := f.doREST(t, f.restRequest(t, http.MethodPost, doc.Servers[0].URL+"/v1/keys", body)); answer.StatusCode != status {
			t.Errorf("%s: %d %.200s", body, answer.StatusCode, said)
		}
	}
	testListBounds(t, f, whole, doc)
}

// testListBounds asks for lists in each order that the document has, in another, and for too many ids.
func testListBounds(t *testing.T, f *fixture, whole map[string]any, doc document) {
	orders, idLists := 0, 0
	for operation, place := range doc.operations() {
		method, path, _ := strings.Cut(place, " ")
		if method != http.MethodGet {
			continue
		}
		ask := func(name string, values ...string) int {
			target := doc.Servers[0].URL + path + "?" + url.Values{name: values}.Encode()
			answer, _ := f.doREST(t, f.restRequest(t, method, target, ""))
			return answer.StatusCode
		}
		parameters, _ := dig(whole, "paths", path, "get")["parameters"].([]any)
		for _, p := range parameters {
			parameter := p.(map[string]any)
			name, _ := parameter["name"].(string)
			schema := dig(parameter, "schema")
			for _, word := range list(schema["enum"]) {
				orders++
				if status := ask(name, word); status != http.StatusOK {
					t.Errorf("%s in the order %q: %d", operation, word, status)
				}
				if status := ask(name, word+"s"); status != http.StatusBadRequest {
					t.Errorf("%s in an order that the document does not have: %d", operation, status)
				}
			}
			if most, ok := schema["maxItems"].(float64); ok {
				idLists++
				ids := strings.Split(strings.Repeat("x,", int(most)-1)+"x", ",")
				if status := ask(name, ids...); status != http.StatusOK {
					t.Errorf("%s with %d of %s: %d", operation, len(ids), name, status)
				}
				if status := ask(name, append(ids, "x")...); status != http.StatusBadRequest {
					t.Errorf("%s with one more of %s: %d", operation, name, status)
				}
			}
		}
	}
	if orders != 4 || idLists != 2 {
		t.Errorf("the document has %d orders and %d lists of ids, want two of each for keys, and for projects, and one list for each", orders, idLists)
	}
}

// Of what the contract lets one of several fields be set, the document says so of the bodies of calls.
func TestOpenAPIChoices(t *testing.T) { onEveryStore(t, testOpenAPIChoices) }

func testOpenAPIChoices(t *testing.T, f *fixture) {
	var whole map[string]any
	text := f.document(t)
	if err := json.Unmarshal(text, &whole); err != nil {
		t.Fatal(err)
	}
	var doc document
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	want, got := map[string][]string{}, map[string][]string{}
	for operation, place := range doc.operations() {
		method, path, _ := strings.Cut(place, " ")
		schema := dig(whole, "paths", path, strings.ToLower(method), "requestBody", "content", "application/json", "schema")
		alternatives, _ := schema["oneOf"].([]any)
		for _, one := range alternatives {
			got[operation] = append(got[operation], list(one.(map[string]any)["required"])...)
		}
		name := protoreflect.FullName("aeroplane.authz.v1." + strings.Replace(operation, "_", ".", 1))
		m, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
		if err != nil {
			t.Fatal(err)
		}
		choices := m.(protoreflect.MethodDescriptor).Input().Oneofs()
		for i := range choices.Len() {
			for j := 0; !choices.Get(i).IsSynthetic() && j < choices.Get(i).Fields().Len(); j++ {
				want[operation] = append(want[operation], choices.Get(i).Fields().Get(j).JSONName())
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-contract +document):\n%s", diff)
	}
}

// dig returns the object that is so deep in o; an empty one where there is none.
func dig(o map[string]any, names ...string) map[string]any {
	for _, name := range names {
		o, _ = o[name].(map[string]any)
	}
	return o
}

// list returns the words in a list.
func list(v any) (words []string) {
	values, _ := v.([]any)
	for _, value := range values {
		if word, ok := value.(string); ok {
			words = append(words, word)
		}
	}
	return words
}

// eachBounded calls f for the schema of a value, and for those of the objects in it.
func eachBounded(whole, schema, value map[string]any, f func(schema, value map[string]any)) {
	if ref, ok := schema["$ref"].(string); ok {
		schema = dig(whole, "components", "schemas", ref[strings.LastIndex(ref, "/")+1:])
	}
	f(schema, value)
	for _, name := range slices.Sorted(maps.Keys(value)) {
		field := dig(schema, "properties", name)
		if items, ok := value[name].([]any); ok && len(items) > 0 {
			if inner, ok := items[0].(map[string]any); ok {
				eachBounded(whole, dig(field, "items"), inner, f)
			}
		}
		if inner, ok := value[name].(map[string]any); ok {
			eachBounded(whole, field, inner, f)
		}
	}
}

// differing is another item like one, of a list in which none may be there twice.
func differing(one any, i int) any {
	switch one := one.(type) {
	case map[string]any:
		other := maps.Clone(one)
		for _, name := range []string{"id", "slug"} {
			if other[name] != nil {
				other[name] = fmt.Sprint(other[name], i)
			}
		}
		return other
	case string:
		return fmt.Sprint(one, i)
	}
	return one
}
