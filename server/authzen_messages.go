// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// An evaluation is AuthZEN's question: may a subject do an action on a resource? Of an HTTP request, the credential is the subject, the
// method the action, and the target the resource. What the standard lets others add is not looked at.
type evaluation struct {
	Subject  *evaluationSubject  `json:"subject"`
	Action   *evaluationAction   `json:"action"`
	Resource *evaluationResource `json:"resource"`
	Context  *evaluationContext  `json:"context"`
}

type evaluationSubject struct {
	Type       string  `json:"type"` // one of the subject... below
	ID         *string `json:"id"`   // the key or the session's token
	Properties struct {
		Authorization []string `json:"authorization"` // the header lines, for subjectHeaders
		APIKey        []string `json:"x_api_key"`
		Cookie        []string `json:"cookie"`
	} `json:"properties"`
}

// The types of subjects, and the one of resources.
const (
	subjectKey     = "api_key"
	subjectSession = "session"
	subjectHeaders = "http_headers" // from which the credential is picked by our rules
	subjectNobody  = "anonymous"
	resourceTarget = "http_target"
)

type evaluationAction struct {
	Name *string `json:"name"` // the method
}

type evaluationResource struct {
	Type string  `json:"type"`
	ID   *string `json:"id"` // the request target, path and query, as it was received
}

type evaluationContext struct {
	TargetProjectID *string `json:"target_project_id"`
	Consistency     string  `json:"consistency"` // strong, or nothing
	AtLeastRevision string  `json:"at_least_revision"`
}

// evaluationRequest is one evaluation; or many, for which it says what each of them leaves out.
type evaluationRequest struct {
	evaluation
	Evaluations []evaluation `json:"evaluations"`
	Options     struct {
		Semantic string `json:"evaluations_semantic"`
	} `json:"options"`
}

// parseEvaluations reads one JSON object.
func parseEvaluations(body []byte) (*evaluationRequest, error) {
	in := new(evaluationRequest)
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(in); err != nil {
		return nil, authz.Errorf(authz.Invalid, "the request must be a JSON object as AuthZEN has it").Because(err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, authz.Errorf(authz.Invalid, "the request must be one JSON object, and nothing after it")
	}
	return in, nil
}

// orElse takes from others what the evaluation leaves out.
func (e *evaluation) orElse(others *evaluation) {
	if e.Subject == nil {
		e.Subject = others.Subject
	}
	if e.Action == nil {
		e.Action = others.Action
	}
	if e.Resource == nil {
		e.Resource = others.Resource
	}
	if e.Context == nil {
		e.Context = others.Context
	}
}

// fromEvaluation makes the question that an evaluation is.
func (q *question) fromEvaluation(e *evaluation) error {
	switch {
	case e.Subject == nil:
		return invalid("subject", "must be set")
	case e.Subject.ID == nil:
		return invalid("subject.id", "must be set")
	case e.Action == nil || e.Action.Name == nil:
		return invalid("action.name", "must be set, to the request's method")
	case e.Resource == nil || e.Resource.ID == nil:
		return invalid("resource.id", "must be set, to the request's target")
	case e.Resource.Type != resourceTarget:
		return invalid("resource.type", "must be %s", resourceTarget)
	}
	f := fields{method: *e.Action.Name, path: *e.Resource.ID}
	if err := f.subject(e.Subject); err != nil {
		return err
	}
	if c := e.Context; c != nil {
		switch c.Consistency {
		case "":
		case "strong":
			f.consistency = authzv1.Consistency_CONSISTENCY_STRONG
		default:
			return invalid("context.consistency", "must be strong, or left out")
		}
		f.atLeast = c.AtLeastRevision
		if c.TargetProjectID != nil {
			f.target, f.hasTarget = *c.TargetProjectID, true
		}
	}
	q.ask(&f)
	return nil
}

// subject picks the credential.
func (f *fields) subject(s *evaluationSubject) error {
	switch s.Type {
	case subjectKey:
		f.credential, f.credentialSize = authz.KeyText(*s.ID), len(*s.ID)
	case subjectSession:
		f.credential, f.credentialSize = authz.SessionToken(*s.ID), len(*s.ID)
	case subjectHeaders:
		f.pickFrom(authz.CredentialHeaders{Authorization: s.Properties.Authorization, APIKey: s.Properties.APIKey, Cookie: s.Properties.Cookie})
	case subjectNobody:
	default:
		return invalid("subject.type", "must be %s, %s, %s or %s", subjectKey, subjectSession, subjectHeaders, subjectNobody)
	}
	return nil
}

// A verdict is AuthZEN's answer. Its context is an AuthorizeResponse but for allowed, or says why there is none.
type verdict struct {
	Decision bool            `json:"decision"`
	Context  json.RawMessage `json:"context,omitempty"`
}

type verdicts struct {
	Evaluations []verdict `json:"evaluations"`
}

// verdictOf tells what became of a question. Where no decision was reached that is a denial, with the error as the standard has it.
func verdictOf(r *result) verdict {
	fault := r.fault
	if fault == nil {
		context, err := contextOf(r)
		if err == nil {
			return verdict{Decision: r.decision.Allowed, Context: context}
		}
		fault = faultOf(statusOf(err), err)
	}
	return verdict{Context: encoded(map[string]any{"error": map[string]any{
		"status": askersStatus(codes.Code(fault.GetCode())), "reason": fault.GetReason(), "message": fault.GetMessage(),
	}})}
}

// contextOf is a decision as the contract's message, in JSON, without allowed, which is the verdict.
func contextOf(r *result) (json.RawMessage, error) {
	var w writer
	if w.response(r); w.failed {
		return nil, errNotUTF8()
	}
	out := new(authzv1.AuthorizeResponse)
	if err := proto.Unmarshal(w.buf, out); err != nil {
		return nil, err
	}
	out.Allowed = false
	return protojson.MarshalOptions{UseProtoNames: true}.Marshal(out)
}

// askersStatus returns the HTTP status of a code that an error became, for whoever asked and not for a gateway's client.
func askersStatus(code codes.Code) int {
	switch code {
	case codes.FailedPrecondition:
		return http.StatusBadRequest
	case codes.Unauthenticated:
		return http.StatusUnauthorized
	}
	for _, row := range kinds {
		if row.code == code {
			return row.http
		}
	}
	return http.StatusServiceUnavailable
}
