// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	"aeroplane.run/authz"
)

// The reasons of what is no call, which only JSON can bring: gRPC has an answer of its own.
const (
	reasonNoSuchCall  = "NO_SUCH_CALL"
	reasonOtherMethod = "METHOD_NOT_ALLOWED"
)

// notRouted answers a path, or a method of one, that is none of the contract's.
func notRouted(_ context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, r *http.Request, code int) {
	methods, calls := methodsAt(r.URL.Path)
	switch {
	case code == http.StatusBadRequest:
		writeStatus(w, code, statusOf(authz.Errorf(authz.Invalid, "The path cannot be read")))
	case len(methods) > 0:
		w.Header().Set("Allow", strings.Join(methods, ", "))
		writeStatus(w, http.StatusMethodNotAllowed, withReason(codes.Unimplemented, reasonOtherMethod, "This call is made with another method: there are "+strings.Join(calls, ", ")))
	case len(calls) > 0:
		writeStatus(w, http.StatusNotFound, withReason(codes.NotFound, reasonNoSuchCall, "There is no such call, but there are "+strings.Join(calls, ", ")))
	default:
		writeStatus(w, http.StatusNotFound, withReason(codes.NotFound, reasonNoSuchCall, "There is no such call: openapi.json lists those that there are"))
	}
}

// writeError answers an error that was made for being sent. cause is what it comes from, where that is known; within is that of withinBody.
func writeError(w http.ResponseWriter, sent, cause error, within string) {
	st := status.Convert(sent)
	code := runtime.HTTPStatusFromCode(st.Code())
	switch {
	case errors.As(cause, new(*http.MaxBytesError)):
		code = http.StatusRequestEntityTooLarge
	case errors.Is(cause, errMediaType):
		code = http.StatusUnsupportedMediaType
	}
	writeStatus(w, code, inJSON(st, within))
}

// writeStatus answers a google.rpc.Status in JSON.
func writeStatus(w http.ResponseWriter, code int, st *status.Status) {
	body, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(st.Proto())
	if err != nil { // a detail of an unknown type; there is none
		body, code = []byte(`{"code":13,"message":"internal error","details":[]}`), http.StatusInternalServerError
	}
	if code == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	writeJSON(w, code, body)
}

// withinBody is what stands before the names of fields in a call whose body is one field of its request, such as "project.": it is not in the body.
func withinBody(ctx context.Context) string {
	if call, known := runtime.RPCMethod(ctx); known {
		if _, body := requestOf(call); body != nil {
			return string(body.Name()) + "."
		}
	}
	return ""
}

// inJSON calls the fields at fault as they are in JSON, and so does the message if it begins with one.
func inJSON(st *status.Status, within string) *status.Status {
	p := st.Proto()
	for i, detail := range st.Details() {
		bad, ok := detail.(*errdetails.BadRequest)
		if !ok {
			continue
		}
		for _, v := range bad.GetFieldViolations() {
			name := jsonPath(strings.TrimPrefix(v.GetField(), within))
			if rest, ok := strings.CutPrefix(p.GetMessage(), v.GetField()+": "); ok {
				p.Message = name + ": " + rest
			}
			v.Field = name
		}
		_ = p.Details[i].MarshalFrom(bad) // it was read just now
	}
	return status.FromProto(p)
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
