// SPDX-License-Identifier: Apache-2.0

package main

import (
	"regexp"
	"slices"
	"strings"
)

// aboutService is the text about a service without who may call it: the contract tells that of gRPC, and the document of each call.
func aboutService(name, description string) string {
	paragraphs := strings.Split(withoutName(name, description), "\n\n")
	paragraphs = slices.DeleteFunc(paragraphs, func(p string) bool { return strings.HasPrefix(p, "Callers need ") })
	return strings.Join(paragraphs, "\n\n")
}

// aboutCall returns the first sentence about a call, as far as its colon, and all that is said of it. The compiler takes the first paragraph
// for a summary.
func aboutCall(name, first, others string) (summary, description string) {
	description = withoutName(name, strings.TrimSpace(first+"\n\n"+others))
	summary = joinLines(strings.SplitN(description, "\n\n", 2)[0])
	summary, _, _ = strings.Cut(summary, ". ")
	summary, _, _ = strings.Cut(summary, ": ")
	return strings.TrimSuffix(summary, "."), description
}

// withoutName leaves out the name that a text begins with, as texts of the contract do: readers see it beside the text.
func withoutName(name, text string) string {
	if rest, ok := strings.CutPrefix(text, name+" "); ok && rest != "" {
		return strings.ToUpper(rest[:1]) + rest[1:]
	}
	return text
}

// fieldName is what looks like the name of a field of the contract.
var fieldName = regexp.MustCompile(`\b[a-z]+(_[a-z0-9]+)+\b`)

// inJSON makes all descriptions those of JSON: their fields are called as they are there, and their lines, which are broken for readers of
// the contract, are joined.
func inJSON(document object) {
	names := map[string]string{}
	each(document, func(o object) {
		if properties, ok := o["properties"].(object); ok {
			for name := range properties {
				names[inContract(name)] = name
			}
		}
		if o["in"] == "query" {
			names[inContract(text(o, "name"))] = text(o, "name")
		}
	})
	each(document, func(o object) {
		if description, ok := o["description"].(string); ok {
			o["description"] = renamed(joinLines(description), names)
		}
	})
}

// inContract is what a field is called in the contract which is called so in JSON.
func inContract(name string) string {
	var b strings.Builder
	for _, r := range name {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// renamed calls fields by other names. What stands in quotes is a value, and stays.
func renamed(text string, names map[string]string) string {
	parts := strings.Split(text, `"`)
	for i := 0; i < len(parts); i += 2 {
		parts[i] = fieldName.ReplaceAllStringFunc(parts[i], func(name string) string {
			if other, ok := names[name]; ok {
				return other
			}
			return name
		})
	}
	return strings.Join(parts, `"`)
}

// joinLines joins the lines of each paragraph.
func joinLines(text string) string {
	paragraphs := strings.Split(text, "\n\n")
	for i, p := range paragraphs {
		paragraphs[i] = strings.Join(strings.Fields(p), " ")
	}
	return strings.Join(paragraphs, "\n\n")
}
