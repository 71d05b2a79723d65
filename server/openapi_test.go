// SPDX-License-Identifier: Apache-2.0

package server

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"aeroplane.run/authz/internal/openapi"
)

// The document says of each call that is a change, and of no other, that it can be made for a user.
func TestDocumentSaysWhichCallsAreChanges(t *testing.T) {
	var document struct {
		Paths map[string]map[string]struct {
			OperationID string
			Parameters  []struct {
				Ref string `json:"$ref"`
			}
		}
		Components struct {
			Parameters map[string]struct{ In, Name string }
		}
	}
	if err := json.Unmarshal(openapi.Document, &document); err != nil {
		t.Fatal(err)
	}
	const ref = "ActingUser"
	if p := document.Components.Parameters[ref]; p.In != "header" || !strings.EqualFold(p.Name, actingUser) {
		t.Errorf("the parameter is %+v, and the header is %s", p, actingUser)
	}
	count := 0
	for path, item := range document.Paths {
		for method, operation := range item {
			count++
			service, name, _ := strings.Cut(operation.OperationID, "_")
			says := slices.ContainsFunc(operation.Parameters, func(p struct {
				Ref string `json:"$ref"`
			}) bool {
				return p.Ref == "#/components/parameters/"+ref
			})
			if is := methods["/aeroplane.authz.v1."+service+"/"+name] == changes; says != is {
				t.Errorf("%s %s can be made for a user: %t, and is a change: %t", method, path, says, is)
			}
		}
	}
	if count == 0 {
		t.Error("the document has no calls")
	}
}
