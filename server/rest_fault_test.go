// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server"
)

// Of a body that is refused some field is at fault, and of one that can be read none.
func FuzzFaultsInBodies(f *testing.F) {
	for _, body := range []string{
		`{"name":"k","accessLevel":"ACCESS_LEVEL_READ","expiresIn":"90s","projects":{"projectIds":["p"]}}`, `{"accessLevel":"write"}`, `{"accessLevel":1}`,
		`{"expiresIn":3600}`, `{"expiresIn":"30d"}`, `{"expiresIn":"1s","neverExpires":true}`, `{"projects":["p"]}`, `{"projects":{"all":true,"projectIds":[1]}}`,
		`{"name":"a","name":"b"}`, `{"user_id":"a","userId":"b"}`, `{"name":null}`, `{"projects":null,"projects":{}}`, `{"x":{}}`, `{"name":"\ud800"}`, "{\"name\":\"\xff\"}", `{}`, ` { }`,
		`{"expiresIn":null,"neverExpires":true}`, `{"[x]":1}`, `{"":1}`, `{"projects":{"projectIds":null}}`, `{"projects":{"projectIds":[null]}}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if !json.Valid(body) || !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")) {
			return
		}
		err := protojson.Unmarshal(body, new(authzv1.CreateKeyRequest))
		if found := server.FaultsInBody(authzv1.KeyService_CreateKey_FullMethodName, body); (err != nil) != (len(found) > 0) {
			t.Errorf("%q: %v, and at fault are %v", body, err, found)
		}
	})
}
