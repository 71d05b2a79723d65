// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"

	"google.golang.org/protobuf/proto"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// An explanationService tells administrators why requests are decided on as they are, and users, by the API Access page, as to their own
// keys: the explainer veils what is out of their reach. It goes past the decider: what it asks is not counted among decisions, and not in
// the log of denials.
type explanationService struct {
	authzv1.UnsafeExplanationServiceServer
	explainer *authz.Explainer
	issuer    *authz.Issuer // whose clock says what state a key is in
}

func (s *explanationService) ExplainAuthorize(ctx context.Context, in *authzv1.ExplainAuthorizeRequest) (
	*authzv1.ExplainAuthorizeResponse, error) {
	r, err := explainRequestFromProto(in)
	if err != nil {
		return nil, err
	}
	if v := visitorOf(ctx); v != nil && !v.everybodys() {
		r.Reader = &v.session.UserID
	}
	e, err := s.explainer.Explain(ctx, r)
	if err != nil {
		return nil, err
	}
	decision, err := decisionToProto(e.Decision)
	if err != nil {
		return nil, err
	}
	out := &authzv1.ExplainAuthorizeResponse{
		Decision: decision, Detail: e.Decision.Detail, Checks: each(e.Checks, checkToProto), Remedies: e.Remedies,
	}
	if r := e.Route; r != nil {
		out.Route = &authzv1.Route{
			Line: int32(r.Line), Method: r.Method, Pattern: r.Pattern, Who: r.Who.String(), Scope: r.Scope.String(),
		}
	}
	if e.Key != nil {
		out.Key = keyToProto(*e.Key, s.issuer.Now())
	}
	return out, nil
}

func explainRequestFromProto(in *authzv1.ExplainAuthorizeRequest) (authz.ExplainRequest, error) {
	r := authz.ExplainRequest{Method: in.GetMethod(), Target: in.GetPath(), TransferTo: in.TargetProjectId}
	switch c := in.GetCredential().(type) {
	case *authzv1.ExplainAuthorizeRequest_KeyId:
		if c.KeyId == "" {
			return r, invalid("key_id", "must be the id of a key, or not set")
		}
		r.KeyID = c.KeyId
	case *authzv1.ExplainAuthorizeRequest_SessionSha256:
		digest, err := digestFromProto("session_sha256", c.SessionSha256)
		if err != nil {
			return r, err
		}
		r.Session = &digest
	}
	return r, nil
}

// decisionToProto returns the message that Authorize would answer with, from the very bytes.
func decisionToProto(d authz.Decision) (*authzv1.AuthorizeResponse, error) {
	r := result{decision: d}
	if !d.Revision.IsZero() {
		r.revision = d.Revision.String()
	}
	if err := r.check(); err != nil {
		return nil, err
	}
	var w writer
	if w.response(&r); w.failed {
		return nil, errNotUTF8()
	}
	out := new(authzv1.AuthorizeResponse)
	if err := proto.Unmarshal(w.buf, out); err != nil {
		return nil, authz.Errorf(authz.Internal, "the decision cannot be read again").Because(err)
	}
	return out, nil
}

func checkToProto(c authz.Check) *authzv1.Check {
	return &authzv1.Check{Name: checkNames.proto(c.Name), Outcome: checkOutcomes.proto(c.Outcome), Text: c.Text}
}

var (
	checkNames = enumeration[authz.CheckName, authzv1.CheckName]{
		authz.CheckMethod:     authzv1.CheckName_CHECK_NAME_METHOD,
		authz.CheckPath:       authzv1.CheckName_CHECK_NAME_PATH,
		authz.CheckRoute:      authzv1.CheckName_CHECK_NAME_ROUTE,
		authz.CheckCredential: authzv1.CheckName_CHECK_NAME_CREDENTIAL,
		authz.CheckCaller:     authzv1.CheckName_CHECK_NAME_CALLER,
		authz.CheckAccess:     authzv1.CheckName_CHECK_NAME_ACCESS,
		authz.CheckProject:    authzv1.CheckName_CHECK_NAME_PROJECT,
		authz.CheckTarget:     authzv1.CheckName_CHECK_NAME_TARGET,
	}
	checkOutcomes = enumeration[authz.CheckOutcome, authzv1.CheckOutcome]{
		authz.Passed:     authzv1.CheckOutcome_CHECK_OUTCOME_PASSED,
		authz.Refused:    authzv1.CheckOutcome_CHECK_OUTCOME_REFUSED,
		authz.NotReached: authzv1.CheckOutcome_CHECK_OUTCOME_NOT_REACHED,
		authz.NotNeeded:  authzv1.CheckOutcome_CHECK_OUTCOME_NOT_NEEDED,
	}
)
