// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server"
	"aeroplane.run/authz/server/servertest"
)

// Where the body is one field of the request, the fields at fault are called as they are in the body, by whatever rule they break.
func TestRESTFaultsInBodiesOfOneField(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	for _, c := range []struct{ target, body, field string }{
		{"/authz/v1/projects/p", `{"slug":"a b"}`, "slug"}, {"/authz/v1/projects/p", `{"slug":1}`, "slug"}, {"/authz/v1/projects/a%20b", `{"slug":"s"}`, "id"},
		{"/authz/v1/services/s", `{"projectId":"a b"}`, "projectId"}, {"/authz/v1/services/s", `{"project_id":1}`, "projectId"},
		{"/authz/v1/deployments/d", `{"serviceId":"a b"}`, "serviceId"}, {"/authz/v1/deployments/d", `{}`, "serviceId"},
	} {
		status, answer := s.byAdmin(t, "PUT", c.target, c.body)
		if r := refused(t, answer); status != 400 || !slices.Equal(r.fields(), []string{c.field}) || !strings.HasPrefix(r.Message, c.field+": ") {
			t.Errorf("%s %s: %d %s", c.target, c.body, status, answer)
		}
	}
}

// Of a body that is refused some field is at fault, and of one that can be read none.
func FuzzFaultsInBodies(f *testing.F) {
	for _, body := range []string{
		`{"name":"k","accessLevel":"ACCESS_LEVEL_READ","expiresIn":"90s","projects":{"projectIds":["p"]}}`, `{"accessLevel":"write"}`, `{"accessLevel":1}`,
		`{"expiresIn":3600}`, `{"expiresIn":"30d"}`, `{"expiresIn":"1s","neverExpires":true}`, `{"projects":["p"]}`, `{"projects":{"all":true,"projectIds":[1]}}`,
		`{"name":"a","name":"b"}`, `{"user_id":"a","userId":"b"}`, `{"name":null}`, `{"projects":null,"projects":{}}`, `{"x":{}}`, `{"name":"\ud800"}`, "{\"name\":\"\xff\"}", `{}`, ` { }`,
		`{"projects":[{"slug":"a"},{"slug":1},{"ownerId":null,"ownerId":""},null,{"x":1}]}`, `{"projects":[{}],"projects":[]}`, `{"expiresIn":null,"neverExpires":true}`, `{"expiresIn":null,"expiresIn":"1s"}`, `{"expiresIn":"1s","expiresIn":null}`, `{"[x]":1}`, `{"":1}`, `{"projects":{"projectIds":null}}`, `{"projects":{"projectIds":[null]}}`, `{"projects":{"projectIds":["a","b",1,"<\u2028>",[]]}}`, "{\"projects\":{\"projectIds\":[\"a\",\"\xff\"]}}",
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if !json.Valid(body) || !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
			return
		}
		for call, request := range map[string]proto.Message{
			authzv1.KeyService_CreateKey_FullMethodName: new(authzv1.CreateKeyRequest), authzv1.CatalogService_BatchPutProjects_FullMethodName: new(authzv1.BatchPutProjectsRequest),
		} {
			err := protojson.Unmarshal(body, request)
			if found := server.FaultsInBody(call, body); (err != nil) != (len(found) > 0) {
				t.Errorf("%s %q: %v, and at fault are %v", call, body, err, found)
			}
		}
	})
}
