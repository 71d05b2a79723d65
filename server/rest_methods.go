// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"sync"

	"aeroplane.run/authz/internal/openapi"
)

// A restPlace is where there are calls, and their methods.
type restPlace struct {
	path    *regexp.Regexp
	methods []string
}

// restPlaces are those of the document.
var restPlaces = sync.OnceValue(func() (places []restPlace) {
	var document struct {
		Paths map[string]map[string]struct{}
	}
	if err := json.Unmarshal(openapi.Document, &document); err != nil {
		panic("server: " + err.Error()) // it is the same at every start
	}
	for path, item := range document.Paths {
		p := restPlace{path: regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(path), `\{id\}`, "[^/]+") + "$")}
		for method := range item {
			p.methods = append(p.methods, strings.ToUpper(method))
		}
		places = append(places, p)
	}
	return places
})

// methodsAt returns by which methods something can be called at a path.
func methodsAt(path string) (methods []string) {
	for _, p := range restPlaces() {
		if p.path.MatchString(path) {
			methods = append(methods, p.methods...)
		}
	}
	slices.Sort(methods)
	return methods
}
