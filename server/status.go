// SPDX-License-Identifier: Apache-2.0

package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/internal/door"
)

// errorDomain is the domain of every ErrorInfo.
const errorDomain = "authz.aeroplane.run"

// maxViolations bounds the field violations of one answer: they travel in metadata, of which some gRPC libraries take
// no more than 8 KiB.
const maxViolations = 16

// kinds is what each Kind of error becomes: the code, and the ErrorInfo reason where the error brings none; and the HTTP status
// where a gateway hands the answer to its client. That client is not whom 401 and 404 would be about.
var kinds = [...]struct {
	code   codes.Code
	reason string
	http   int
}{
	authz.Internal:           {codes.Internal, "INTERNAL", http.StatusServiceUnavailable},
	authz.Invalid:            {codes.InvalidArgument, "INVALID_ARGUMENT", http.StatusBadRequest},
	authz.NotFound:           {codes.NotFound, "NOT_FOUND", http.StatusServiceUnavailable},
	authz.AlreadyExists:      {codes.AlreadyExists, "ALREADY_EXISTS", http.StatusServiceUnavailable},
	authz.FailedPrecondition: {codes.FailedPrecondition, "FAILED_PRECONDITION", http.StatusForbidden},
	authz.Unavailable:        {codes.Unavailable, "UNAVAILABLE", http.StatusServiceUnavailable},
	authz.Unauthenticated:    {codes.Unauthenticated, "UNAUTHENTICATED", http.StatusServiceUnavailable},
	authz.PermissionDenied:   {codes.PermissionDenied, "PERMISSION_DENIED", http.StatusServiceUnavailable},
}

// denials is what each Reason is called in the contract. Its HTTP status and text are the Reason's own.
var denials = enumeration[authz.Reason, authzv1.DenialReason]{
	authz.MethodNotAllowed:       authzv1.DenialReason_DENIAL_REASON_METHOD_NOT_ALLOWED,
	authz.MalformedPath:          authzv1.DenialReason_DENIAL_REASON_MALFORMED_PATH,
	authz.InvalidKey:             authzv1.DenialReason_DENIAL_REASON_INVALID_KEY,
	authz.AuthenticationRequired: authzv1.DenialReason_DENIAL_REASON_AUTHENTICATION_REQUIRED,
	authz.BrowserSessionRequired: authzv1.DenialReason_DENIAL_REASON_BROWSER_SESSION_REQUIRED,
	authz.OwnerRequired:          authzv1.DenialReason_DENIAL_REASON_OWNER_REQUIRED,
	authz.ReadOnlyKey:            authzv1.DenialReason_DENIAL_REASON_READ_ONLY_KEY,
	authz.KeyOutOfScope:          authzv1.DenialReason_DENIAL_REASON_KEY_OUT_OF_SCOPE,
	authz.SessionOutOfScope:      authzv1.DenialReason_DENIAL_REASON_SESSION_OUT_OF_SCOPE,
}

// classified returns the authz.Error that err is, or amounts to.
func classified(err error) *authz.Error {
	var e *authz.Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return authz.Errorf(authz.Unavailable, "the call ended before there was an answer").Because(err)
	}
	return authz.Errorf(authz.Internal, "unclassified").Because(err)
}

// statusOf returns what is sent for err: nothing of its cause, and nothing at all of an internal one.
func statusOf(err error) *status.Status {
	if err == nil {
		return status.New(codes.OK, "")
	}
	e := listed(classified(err))
	row, message := kinds[e.Kind], apikey.Redact(e.Message) // what is wrong may be a key, in the wrong place
	if e.Kind == authz.Internal {
		message = "internal error"
	}
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: reasonOf(e), Domain: errorDomain}}
	if e.Kind == authz.Invalid && len(e.Violations) > 0 {
		shown := e.Violations[:min(len(e.Violations), maxViolations)]
		if more := len(e.Violations) - len(shown); more > 0 {
			message = fmt.Sprintf("%s (and %d more violations than are listed)", message, more)
		}
		details = append(details, badRequest(shown))
	}
	return detailed(row.code, message, details...)
}

// withReason returns what is sent where there is no error of the domain: what was asked for is no call.
func withReason(code codes.Code, reason, message string) *status.Status {
	return detailed(code, message, &errdetails.ErrorInfo{Reason: reason, Domain: errorDomain})
}

func detailed(code codes.Code, message string, details ...protoadapt.MessageV1) *status.Status {
	st := status.New(code, message)
	if detailed, err := st.WithDetails(details...); err == nil {
		return detailed
	}
	return st
}

// listed returns e, or an internal error if its kind has no row: ours to find out why.
func listed(e *authz.Error) *authz.Error {
	if int(e.Kind) >= len(kinds) || kinds[e.Kind].code == codes.OK {
		return &authz.Error{}
	}
	return e
}

// refusalOf returns what a gateway's client is answered where no decision was reached. Why the service cannot is not the client's
// business; what was wrong with the question is.
func refusalOf(err error) door.Refusal {
	e := listed(classified(err))
	r := door.Refusal{Status: kinds[e.Kind].http, Text: door.Unavailable}
	switch e.Kind {
	case authz.Invalid, authz.FailedPrecondition:
		r.Text = strings.ToValidUTF8(e.Message, "\uFFFD")
	case authz.Unauthenticated, authz.PermissionDenied:
		r.Text = "The gateway is not known to the authorization service"
	}
	return r
}

// reasonOf returns the reason of an error, as its ErrorInfo has it: its code, or else its kind's.
func reasonOf(e *authz.Error) string {
	if int(e.Kind) >= len(kinds) || e.Kind == authz.Internal {
		return kinds[authz.Internal].reason // nothing more is shown of it
	}
	return cmp.Or(e.Code, kinds[e.Kind].reason)
}

func badRequest(violations []authz.Violation) *errdetails.BadRequest {
	b := &errdetails.BadRequest{}
	for _, v := range violations {
		b.FieldViolations = append(b.FieldViolations,
			&errdetails.BadRequest_FieldViolation{Field: v.Field, Description: apikey.Redact(v.Description)})
	}
	return b
}

// invalid returns the error of one field at fault.
func invalid(field, format string, args ...any) error {
	return authz.InvalidFields(authz.Violation{Field: field, Description: fmt.Sprintf(format, args...)})
}
