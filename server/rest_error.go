// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"net/http"
	"regexp"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	"aeroplane.run/authz"
)

// notRouted answers a path, or a method of one, that is none of the contract's.
func notRouted(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, code int) {
	st := status.New(codes.NotFound, "There is no such call: openapi.json lists those that there are")
	switch code {
	case http.StatusMethodNotAllowed:
		w.Header().Set("Allow", strings.Join(methodsAt(r.URL.Path), ", "))
		st = status.New(codes.Unimplemented, "This call is made with another method: openapi.json says with which")
	case http.StatusBadRequest:
		st = status.New(codes.InvalidArgument, "The path cannot be read")
	}
	writeStatus(w, code, st)
}

// writeError answers an error that was made for being sent. cause is what it comes from, where that is known.
func writeError(w http.ResponseWriter, sent, cause error) {
	st := status.Convert(sent)
	code := runtime.HTTPStatusFromCode(st.Code())
	switch {
	case errors.As(cause, new(*http.MaxBytesError)):
		code = http.StatusRequestEntityTooLarge
	case errors.Is(cause, errMediaType):
		code = http.StatusUnsupportedMediaType
	}
	writeStatus(w, code, st)
}

// writeStatus answers a google.rpc.Status in JSON, with fields called as they are there.
func writeStatus(w http.ResponseWriter, code int, st *status.Status) {
	if len(st.Details()) == 0 && st.Code() == codes.InvalidArgument { // from who reads JSON, and queries
		st = statusOf(authz.Errorf(authz.Invalid, "%s", readable(st.Message())))
	}
	p := st.Proto()
	for i, detail := range st.Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			p.Message = inJSON(bad, p.GetMessage())
			_ = p.Details[i].MarshalFrom(bad) // it was read just now
		}
	}
	body, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(p)
	if err != nil { // a detail of an unknown type; there is none
		body, code = []byte(`{"code":13,"message":"internal error","details":[]}`), http.StatusInternalServerError
	}
	if code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	writeJSON(w, code, body)
}

// placeInBody is where the reader of JSON has found a fault, as it says it.
var placeInBody = regexp.MustCompile(`^proto: (?:syntax error )?\(line (\d+):(\d+)\): `)

// readable says what the reader of JSON says of a body as people do.
func readable(fault string) string {
	fault = strings.ReplaceAll(fault, "\u00a0", " ") // which it writes at random
	fault = placeInBody.ReplaceAllString(fault, "the body, line $1, column $2: ")
	if fault, ok := strings.CutPrefix(fault, "proto: "); ok {
		return "the body: " + fault
	}
	return fault
}

// inJSON calls the fields at fault by their names in JSON, and so does the message if it begins with one.
func inJSON(bad *errdetails.BadRequest, message string) string {
	for _, v := range bad.GetFieldViolations() {
		name := jsonPath(v.GetField())
		if rest, ok := strings.CutPrefix(message, v.GetField()+": "); ok {
			message = name + ": " + rest
		}
		v.Field = name
	}
	return message
}

// jsonPath writes a path of fields, such as projects.project_ids[0], as they are called in JSON.
func jsonPath(path string) string {
	parts := strings.Split(path, "_")
	for i, p := range parts[1:] {
		if p != "" {
			parts[i+1] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "")
}
