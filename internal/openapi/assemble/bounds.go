// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A choice is fields in the body of a call of which one may be set. The compiler says so of messages that have a name in the document, and
// not of bodies, which have none.
type choice struct {
	fields []string
	needed bool // one has to be set
}

// choices are those of calls. A test of the whole service holds them against the contract.
var choices = map[string]choice{
	"AuthorizationService_Authorize":      {fields: []string{"apiKey", "sessionToken", "headers"}},
	"ExplanationService_ExplainAuthorize": {fields: []string{"keyId", "sessionSha256"}},
	"KeyService_CreateKey":                {fields: []string{"expiresIn", "neverExpires"}, needed: true},
}

// bound adds the bounds which the contract's types cannot say, and its texts do: what is required, how much is too much, and which words
// there are.
func bound(document object) error {
	var wrong error
	each(document, func(o object) {
		if o["in"] == "query" {
			if err := boundParameter(o); err != nil {
				wrong = err
			}
		}
		if properties, ok := o["properties"].(object); ok && o["type"] == "object" {
			boundFields(o, properties)
		}
	})
	if wrong != nil {
		return wrong
	}
	for _, item := range at(document, "paths") {
		each(item, func(o object) {
			if c, ok := choices[text(o, "operationId")]; ok {
				schema := at(o, "requestBody", "content", "application/json", "schema")
				schema["oneOf"] = c.schemas(at(schema, "properties"))
			}
		})
	}
	return nil
}

var quoted = regexp.MustCompile(`"([^"]*)"`)

func boundParameter(parameter object) error {
	schema, about := at(parameter, "schema"), text(parameter, "description")
	boundItems(schema, about)
	if parameter["name"] != "orderBy" {
		return nil
	}
	var words []any
	for _, word := range quoted.FindAllStringSubmatch(about, -1) {
		words = append(words, word[1])
	}
	if words == nil {
		return fmt.Errorf("the text about orderBy says no order in quotes: %s", about)
	}
	schema["enum"] = words
	return nil
}

// needed is how a text says that there must be something.
var needed = regexp.MustCompile(`\bRequired\.`)

// boundFields says which fields an object must have. A list that is too short when it is empty is one of them.
func boundFields(schema, properties object) {
	var required []any
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		field, about := at(properties, name), text(at(properties, name), "description")
		boundItems(field, about)
		if field["minItems"] != nil || needed.MatchString(about) {
			required = append(required, name)
		}
	}
	if required != nil {
		schema["required"] = required
	}
}

// amount is how a text says how much there may be, as in "1 to 1,000" and "at most 1000".
var amount = regexp.MustCompile(`\b(?:(\d+) to|[Aa]t most) (\d[\d,]*)\b`)

func boundItems(schema object, about string) {
	found := amount.FindStringSubmatch(about)
	if schema["type"] != "array" || found == nil {
		return
	}
	for name, digits := range map[string]string{"minItems": found[1], "maxItems": found[2]} {
		if n, err := strconv.Atoi(strings.ReplaceAll(digits, ",", "")); err == nil {
			schema[name] = n
		}
	}
}

// schemas are what a body is one of, as the compiler writes them of messages that have a name.
func (c choice) schemas(properties object) (one []any) {
	var several []any
	for _, field := range c.fields {
		plain := maps.Clone(at(properties, field))
		delete(plain, "description")
		one = append(one, object{"type": "object", "properties": object{field: plain}, "required": []string{field}})
		several = append(several, object{"required": []string{field}})
	}
	if !c.needed {
		one = append(one, object{"type": "object", "not": object{"anyOf": several}})
	}
	return one
}
