// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"strings"
	"testing"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server/servertest"
)

const keyOfAll = `{"name":"x","accessLevel":"ACCESS_LEVEL_READ","projects":{"all":true},"neverExpires":true`

// What a user calls a request is the user's own: it tells nothing of others' requests, and is in nobody's way.
func TestRequestIDsOfSessions(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	ada, bob := s.browseAsUser(t, "ada"), s.browseAsUser(t, "bob")
	if _, err := s.keys.CreateKey(t.Context(), &authzv1.CreateKeyRequest{Name: "x", AccessLevel: authzv1.AccessLevel_ACCESS_LEVEL_READ,
		Projects: &authzv1.ProjectScope{All: true}, Expiry: &authzv1.CreateKeyRequest_NeverExpires{NeverExpires: true}, RequestId: "r"}); err != nil {
		t.Fatal(err)
	}
	for _, by := range []browser{ada, bob} {
		for _, want := range []string{`"replayed":false`, `"replayed":true`} {
			status, answer := s.bySession(t, by, "POST", "/authz/v1/keys", keyOfAll+`,"requestId":"r"}`)
			if status != 200 || !strings.Contains(answer, want) {
				t.Errorf("%d %s, want %s", status, answer, want)
			}
		}
	}
	if status, answer := s.bySession(t, ada, "POST", "/authz/v1/keys", strings.Replace(keyOfAll, "x", "y", 1)+`,"requestId":"r"}`); status != 400 || !strings.Contains(answer, "REQUEST_ID_REUSED") {
		t.Errorf("another request of the same name: %d %s", status, answer)
	}
}

// Headers that the gateway would heed, or pass over, and that no call in JSON has.
func TestHeadersOfCallsInJSON(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	for header, want := range map[string]int{"Aeroplane-Acting-User: \xc3\xbcser\r\n": 400, "Aeroplane-Acting-User: a b\r\n": 400, "Aeroplane-Acting-User: ada\r\n": 200,
		"Aeroplane-Acting-User: ada\r\nAeroplane-Acting-User: bob\r\n": 400, "Grpc-Timeout: 1n\r\n": 200, "Grpc-Timeout: x\r\n": 200, "Grpc-Metadata-Aeroplane-Acting-User: eve\r\n": 200} {
		if r, answer := s.rest(t, "POST", "/authz/v1/keys", s.bearer()+header+asJSON, keyOfAll+"}"); r.StatusCode != want {
			t.Errorf("%q: %d %s, want %d", header, r.StatusCode, answer, want)
		}
	}
	events, err := s.audit.ListEvents(t.Context(), &authzv1.ListEventsRequest{UserId: "eve"})
	if err != nil || len(events.GetEvents()) > 0 {
		t.Errorf("%v %v", events, err)
	}
}

// A page that takes no body waits for none: an answer that lasts would never begin.
func TestPagesTakeNoBody(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	for _, path := range []string{"live", "session", "openapi.json"} {
		if r, answer := s.rest(t, "GET", "/authz/"+path, sessionCookie(s.browseAsUser(t, "ada").session), "{}"); r.StatusCode != 400 {
			t.Errorf("%s: %d %s", path, r.StatusCode, answer)
		}
	}
}
