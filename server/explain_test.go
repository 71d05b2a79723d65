// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/testing/protocmp"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/server/servertest"
)

// An explanation tells all that there is to tell of a key that is named by its id. It is no use of the key and no decision: nobody counts it.
func TestExplainAuthorize(t *testing.T) {
	t.Parallel()
	told, book := new(tally), new(servertest.Logbook)
	s := start(t, servertest.Options{Observer: told, Log: book.Logger()})
	explains := authzv1.NewExplanationServiceClient(s.Admin)
	secret := transferWorld(t, s)
	id := secret[len("ap_"):][:16]
	told.take()
	elsewhere := "elsewhere"
	got, err := explains.ExplainAuthorize(t.Context(), &authzv1.ExplainAuthorizeRequest{
		Method: "POST", Path: "/api/services/s/transfer", TargetProjectId: &elsewhere,
		Credential: &authzv1.ExplainAuthorizeRequest_KeyId{KeyId: id},
	})
	wantCode(t, err, codes.OK)
	check := func(name authzv1.CheckName, outcome authzv1.CheckOutcome, text string) *authzv1.Check {
		return &authzv1.Check{Name: name, Outcome: outcome, Text: text}
	}
	const passed = authzv1.CheckOutcome_CHECK_OUTCOME_PASSED
	want := &authzv1.ExplainAuthorizeResponse{
		Decision: &authzv1.AuthorizeResponse{Denial: &authzv1.Denial{HttpStatus: 403, Message: "This API key cannot access that project",
			Reason: authzv1.DenialReason_DENIAL_REASON_KEY_OUT_OF_SCOPE}, Revision: got.GetDecision().GetRevision()},
		Detail: "the transfer target is not the caller's project",
		Checks: []*authzv1.Check{
			check(authzv1.CheckName_CHECK_NAME_METHOD, passed, "POST is a method that writes"),
			check(authzv1.CheckName_CHECK_NAME_PATH, passed, "the path is in its one accepted spelling"),
			check(authzv1.CheckName_CHECK_NAME_ROUTE, passed, got.GetChecks()[2].GetText()),
			check(authzv1.CheckName_CHECK_NAME_CREDENTIAL, passed, "the key is live, and does not expire"),
			check(authzv1.CheckName_CHECK_NAME_CALLER, passed, "the row admits keys"),
			check(authzv1.CheckName_CHECK_NAME_ACCESS, passed, "the key may read and write"),
			check(authzv1.CheckName_CHECK_NAME_PROJECT, passed, "service s is in project here, which the key reaches"),
			check(authzv1.CheckName_CHECK_NAME_TARGET, authzv1.CheckOutcome_CHECK_OUTCOME_REFUSED,
				"the service is transferred to project elsewhere; the key selects here and there"),
		},
		Remedies: []string{"create a key that selects elsewhere too: what a key selects cannot be added to"},
		Route: &authzv1.Route{Line: got.GetRoute().GetLine(), Method: "POST", Pattern: "/api/services/{serviceId}/transfer", Who: "any",
			Scope: "service-transfer"},
		Key: got.GetKey(),
	}
	if diff := cmp.Diff(want, got, protocmp.Transform()); diff != "" || got.GetKey().GetId() != id || got.GetDecision().GetRevision() == "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	s.Uses.Flush(t.Context())
	key, err := s.keys.GetKey(t.Context(), &authzv1.GetKeyRequest{Id: id})
	if err != nil || key.GetKey().GetLastUseTime() != nil {
		t.Errorf("it counts as a use: %v, %v", key, err)
	}
	if lines := told.take(); len(lines) > 0 || strings.Contains(book.String(), "denied") {
		t.Errorf("it was counted or logged: %q\n%s", lines, book)
	}
	digest := apikey.DigestOf(secret)
	text := protojson.Format(got)
	if strings.Contains(text, hex.EncodeToString(digest[:])) || strings.Contains(text, secret) {
		t.Error("it holds the key, or its digest")
	}
}

// What cannot be asked about is refused without a word of what was sent, also in the log.
func TestExplainAuthorizeRefuses(t *testing.T) {
	t.Parallel()
	book := new(servertest.Logbook)
	s := start(t, servertest.Options{Log: book.Logger()})
	explains := authzv1.NewExplanationServiceClient(s.Admin)
	secret := s.createKey(t).GetSecret()
	for _, c := range []struct {
		in    *authzv1.ExplainAuthorizeRequest
		code  codes.Code
		field string
	}{
		{&authzv1.ExplainAuthorizeRequest{Credential: &authzv1.ExplainAuthorizeRequest_KeyId{KeyId: secret}}, codes.InvalidArgument, "key_id"},
		{&authzv1.ExplainAuthorizeRequest{Credential: &authzv1.ExplainAuthorizeRequest_KeyId{KeyId: secret[:65]}}, codes.InvalidArgument, "key_id"},
		{&authzv1.ExplainAuthorizeRequest{Credential: &authzv1.ExplainAuthorizeRequest_KeyId{}}, codes.InvalidArgument, "key_id"},
		{&authzv1.ExplainAuthorizeRequest{Credential: &authzv1.ExplainAuthorizeRequest_SessionSha256{SessionSha256: []byte("x")}},
			codes.InvalidArgument, "session_sha256"},
		{&authzv1.ExplainAuthorizeRequest{Credential: &authzv1.ExplainAuthorizeRequest_KeyId{KeyId: "nobody"}}, codes.NotFound, ""},
	} {
		c.in.Method, c.in.Path = "GET", "/api//"+secret
		_, err := explains.ExplainAuthorize(t.Context(), c.in)
		wantCode(t, err, c.code)
		if fields := fieldsOf(err); c.field != "" && (len(fields) != 1 || fields[0] != c.field) {
			t.Errorf("%v", err)
		}
		if strings.Contains(status.Convert(err).Message(), secret[20:40]) {
			t.Errorf("the key is repeated: %v", err)
		}
	}
	got, err := explains.ExplainAuthorize(t.Context(), &authzv1.ExplainAuthorizeRequest{Method: "GET", Path: "/api//" + secret})
	wantCode(t, err, codes.OK)
	if strings.Contains(protojson.Format(got), secret[20:40]) || strings.Contains(book.String(), secret[20:40]) {
		t.Errorf("the key in the path is repeated: %v\n%s", got, book)
	}
}

// Where there are no facts there is nothing to explain.
func TestExplainAuthorizeWithoutFacts(t *testing.T) {
	t.Parallel()
	store := &faulty{Store: openStore(t), lookup: func(context.Context, authz.Query) (authz.Facts, error) {
		return authz.Facts{}, authz.Errorf(authz.Unavailable, "no facts")
	}}
	s := start(t, servertest.Options{Store: store})
	digest := apikey.DigestOf("token")
	_, err := authzv1.NewExplanationServiceClient(s.Admin).ExplainAuthorize(t.Context(), &authzv1.ExplainAuthorizeRequest{
		Method: "GET", Path: "/api/projects", Credential: &authzv1.ExplainAuthorizeRequest_SessionSha256{SessionSha256: digest[:]}})
	wantCode(t, err, codes.Unavailable)
}
