// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"aeroplane.run/authz/internal/openapi"
)

// A restPlace is where there are calls, and their methods.
type restPlace struct {
	template string // such as /v1/keys/{id}:revoke
	of       *regexp.Regexp
	verb     string // what is behind the colon of the template, and of no other place in the path; of is for what is before it
	methods  []string
}

// restPlaces are those of the document, in the order of their templates.
var restPlaces = sync.OnceValue(func() (places []restPlace) {
	var document struct {
		Paths map[string]map[string]struct{}
	}
	if err := json.Unmarshal(openapi.Document, &document); err != nil {
		panic("server: " + err.Error()) // it is the same at every start
	}
	for _, template := range slices.Sorted(maps.Keys(document.Paths)) {
		of, verb, _ := strings.Cut(template, ":")
		places = append(places, restPlace{template: template, verb: verb,
			of: regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(of), `\{id\}`, "[^/:]+") + "$")})
		for method := range document.Paths[template] {
			p := &places[len(places)-1]
			p.methods = append(p.methods, strings.ToUpper(method))
			slices.Sort(p.methods)
		}
	}
	return places
})

// methodsAt returns by which methods something can be called at a path, and all calls for what the path names before a colon, such as
// GET /v1/keys/{id} and POST /v1/keys/{id}:revoke.
func methodsAt(path string) (methods, calls []string) {
	of, verb, _ := strings.Cut(path, ":")
	for _, p := range restPlaces() {
		if !p.of.MatchString(of) {
			continue
		}
		if p.verb == verb {
			methods = p.methods
		}
		for _, method := range p.methods {
			calls = append(calls, method+" "+p.template)
		}
	}
	return methods, calls
}
