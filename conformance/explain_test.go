// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/resolver"
)

// refusing says which checks an explanation may have refuse, for each reason of a denial.
var refusing = map[authzv1.DenialReason][]authzv1.CheckName{
	authzv1.DenialReason_DENIAL_REASON_METHOD_NOT_ALLOWED:       {authzv1.CheckName_CHECK_NAME_METHOD},
	authzv1.DenialReason_DENIAL_REASON_MALFORMED_PATH:           {authzv1.CheckName_CHECK_NAME_PATH},
	authzv1.DenialReason_DENIAL_REASON_INVALID_KEY:              {authzv1.CheckName_CHECK_NAME_CREDENTIAL},
	authzv1.DenialReason_DENIAL_REASON_AUTHENTICATION_REQUIRED:  {authzv1.CheckName_CHECK_NAME_CREDENTIAL},
	authzv1.DenialReason_DENIAL_REASON_BROWSER_SESSION_REQUIRED: {authzv1.CheckName_CHECK_NAME_CALLER},
	authzv1.DenialReason_DENIAL_REASON_OWNER_REQUIRED:           {authzv1.CheckName_CHECK_NAME_CALLER},
	authzv1.DenialReason_DENIAL_REASON_READ_ONLY_KEY:            {authzv1.CheckName_CHECK_NAME_ACCESS},
	authzv1.DenialReason_DENIAL_REASON_KEY_OUT_OF_SCOPE: {
		authzv1.CheckName_CHECK_NAME_PROJECT, authzv1.CheckName_CHECK_NAME_TARGET},
	authzv1.DenialReason_DENIAL_REASON_SESSION_OUT_OF_SCOPE: {
		authzv1.CheckName_CHECK_NAME_PROJECT, authzv1.CheckName_CHECK_NAME_TARGET},
}

// Of all of the corpus that can be asked about without the credential itself, an explanation has the decision that Authorize comes to,
// and one check that refused, in the place of the reason, if it is a denial.
func TestExplanationsAgree(t *testing.T) {
	onEveryStore(t, func(t *testing.T, f *fixture) {
		f.populate()
		explained := map[authzv1.DenialReason]int{}
		for i, d := range corpus(t) {
			asked, about := f.both(d)
			if about == nil {
				continue
			}
			want := must[*authzv1.AuthorizeResponse](t)(f.gateway.AuthorizationServiceClient.Authorize(t.Context(), asked))
			got, err := f.explain.ExplainAuthorize(t.Context(), about)
			if err != nil {
				t.Fatalf("line %d: %s: %v", i+1, d.text, err)
			}
			explained[want.GetDenial().GetReason()]++
			if diff := cmp.Diff(want, got.Decision, protocmp.Transform(), protocmp.IgnoreFields(want, "revision")); diff != "" {
				t.Errorf("line %d: %s\n(-want +got):\n%s", i+1, d.text, diff)
			}
			var refused []authzv1.CheckName
			for _, c := range got.Checks {
				if c.Outcome == authzv1.CheckOutcome_CHECK_OUTCOME_REFUSED {
					refused = append(refused, c.Name)
				}
			}
			switch places := refusing[want.GetDenial().GetReason()]; {
			case want.Allowed && (len(refused) > 0 || len(got.Remedies) > 0),
				!want.Allowed && (len(refused) != 1 || !slices.Contains(places, refused[0]) || len(got.Remedies) == 0):
				t.Errorf("line %d: %s\nwas refused by %v: %v", i+1, d.text, refused, got)
			}
			if about.GetKeyId() != got.Key.GetId() {
				t.Errorf("line %d: the key %v", i+1, got.Key)
			}
		}
		t.Logf("explained: %v", explained)
		for reason := range refusing {
			if explained[reason] == 0 {
				t.Errorf("nothing of the corpus was denied as %s: %v", reason, explained)
			}
		}
	})
}

// both returns a question of the corpus as a gateway asks it, and as who wants it explained. Nil: its credential has no name.
func (f *fixture) both(d decision) (*authzv1.AuthorizeRequest, *authzv1.ExplainAuthorizeRequest) {
	var h authz.CredentialHeaders
	for _, pair := range d.Headers {
		h.Add(pair[0], f.expand(pair[1]))
	}
	asked := &authzv1.AuthorizeRequest{Method: d.Method, Path: f.expand(d.Path)}
	if d.TargetProject != nil {
		target := f.expand(*d.TargetProject)
		asked.TargetProjectId = &target
	}
	asked.Credential = &authzv1.AuthorizeRequest_Headers{Headers: &authzv1.CredentialHeaders{
		Authorization: h.Authorization, XApiKey: h.APIKey, Cookie: h.Cookie}}
	about := &authzv1.ExplainAuthorizeRequest{Method: asked.Method, Path: asked.Path, TargetProjectId: asked.TargetProjectId}
	credential := h.Credential()
	if credential.Kind == authz.NoCredential {
		return asked, about
	}
	asks := new(lookedUp)
	_, _ = (&authz.Authorizer{Routes: resolver.Default(), Facts: asks}).Authorize(f.t.Context(),
		authz.Request{Method: "GET", Target: "/api/projects", Credential: credential})
	if credential.Kind == authz.SessionCredential {
		about.Credential = &authzv1.ExplainAuthorizeRequest_SessionSha256{SessionSha256: asks.digest[:]}
		return asked, about
	}
	for name, secret := range f.secrets {
		if apikey.DigestOf(secret) == asks.digest && keyName.MatchString(strings.TrimPrefix(name, "key:")) { // others were never issued
			about.Credential = &authzv1.ExplainAuthorizeRequest_KeyId{KeyId: secret[len("ap_"):][:16]}
			return asked, about
		}
	}
	return asked, nil
}

// lookedUp is a FactStore that has no facts, and remembers by which digest it was asked.
type lookedUp struct{ digest authz.Digest }

func (l *lookedUp) Lookup(_ context.Context, to *authz.Lookup) error {
	l.digest = to.Query.Digest
	return authz.Errorf(authz.Unavailable, "no facts")
}
