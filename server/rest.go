// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protojson"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	restv1 "aeroplane.run/authz/gen/rest/aeroplane/authz/v1"
)

// maxSessionBody bounds what a user's session may send, in bytes: a key with as many projects as there may be, of the longest ids, fits
// into it. Administrators' calls are bounded as those of gRPC are.
const maxSessionBody = 256 << 10

// actingUserHeader is what the entry actingUser is called over HTTP.
const actingUserHeader = "Aeroplane-Acting-User"

// newREST returns what makes calls over a connection of requests in JSON, by the paths that the contract gives them.
func newREST(over grpc.ClientConnInterface) http.Handler {
	mux := runtime.NewServeMux(
		runtime.WithMarshalerOption(runtime.MIMEWildcard, &runtime.JSONPb{
			MarshalOptions:   protojson.MarshalOptions{EmitDefaultValues: true}, // "allowed": false is worth saying
			UnmarshalOptions: protojson.UnmarshalOptions{},                      // which refuse what they do not know
		}),
		runtime.WithIncomingHeaderMatcher(func(name string) (string, bool) { return actingUser, strings.EqualFold(name, actingUser) }),
		runtime.WithOutgoingHeaderMatcher(func(string) (string, bool) { return "", false }),
		runtime.WithErrorHandler(func(ctx context.Context, _ *runtime.ServeMux, _ runtime.Marshaler, w http.ResponseWriter, _ *http.Request, err error) {
			if st := status.Convert(err); st.Code() == codes.InvalidArgument && len(st.Details()) == 0 { // all others are ours
				err = statusOf(unreadable(ctx)).Err()
			}
			writeError(w, err, nil, withinBody(ctx))
		}),
		runtime.WithRoutingErrorHandler(notRouted),
		// A request's method is what it says that it is: what keeps other sites' pages out goes by it.
		runtime.WithDisableHTTPMethodOverride(),
		runtime.WithDisablePathLengthFallback(),
		runtime.WithWriteContentLength(),
	)
	ctx := context.Background() // of what is registered for good
	if err := errors.Join(
		restv1.RegisterAuthorizationServiceHandlerClient(ctx, mux, authzv1.NewAuthorizationServiceClient(over)),
		restv1.RegisterKeyServiceHandlerClient(ctx, mux, authzv1.NewKeyServiceClient(over)),
		restv1.RegisterCatalogServiceHandlerClient(ctx, mux, authzv1.NewCatalogServiceClient(over)),
		restv1.RegisterSessionServiceHandlerClient(ctx, mux, authzv1.NewSessionServiceClient(over)),
		restv1.RegisterAuditServiceHandlerClient(ctx, mux, authzv1.NewAuditServiceClient(over)),
		restv1.RegisterExplanationServiceHandlerClient(ctx, mux, authzv1.NewExplanationServiceClient(over)),
		restv1.RegisterConsoleServiceHandlerClient(ctx, mux, authzv1.NewConsoleServiceClient(over)),
	); err != nil {
		panic("server: " + err.Error()) // the contract is the same at every start
	}
	return mux
}

// call makes the call that a request in JSON is, for whoever may make it.
func (d *consoleDoor) call(w http.ResponseWriter, r *http.Request, within string) {
	ctx, body, err := d.admit(w, r)
	if err != nil {
		d.refuse(w, r, callsPath, err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, changing)
	defer cancel()
	in := r.Clone(ctx)
	in.URL.Path, in.URL.RawPath = within, ""
	// By another method the gateway would take what is behind a colon for the end of an id.
	if strings.Contains(within, ":") {
		if methods, _ := methodsAt(within); len(methods) > 0 && !slices.Contains(methods, r.Method) {
			notRouted(ctx, nil, nil, w, in, http.StatusMethodNotAllowed)
			return
		}
	}
	in.Header.Del("Grpc-Timeout") // how long a call may take is not for the gateway to hear
	in.Body, in.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	d.rest.ServeHTTP(w, in)
}

// admit finds out who calls, before anything of the body is read, and reads it if they may. It refuses what another site's page may have
// sent.
func (d *consoleDoor) admit(w http.ResponseWriter, r *http.Request) (ctx context.Context, body []byte, err error) {
	defer func() { err = d.guard.contain(callsPath, recover(), err) }()
	v, err := d.visitor(r)
	if err != nil {
		return nil, nil, err
	}
	writes := r.Method != http.MethodGet && r.Method != http.MethodHead
	if v.browser && writes {
		if err := sameOrigin(r); err != nil {
			return nil, nil, err
		}
	}
	most := maxMessage
	if v.session != nil {
		most = maxSessionBody
	}
	if body, err = readJSON(w, r, most, v.browser && writes); err != nil {
		return nil, nil, err
	}
	v.again = func(ctx context.Context) (*visitor, error) { return d.visitor(r.WithContext(ctx)) }
	in := inputOf(r, body)
	if in.read && len(body) > 0 { // which the gateway passes over
		return nil, nil, authz.Errorf(authz.Invalid, "this call has no body")
	}
	if err := refuseOtherID(r, body); err != nil {
		return nil, nil, err
	}
	for _, user := range r.Header[actingUserHeader] { // what is no ASCII the gateway would leave out
		if user != "" && !authz.ValidUserID(user) {
			return nil, nil, invalid(actingUserHeader, "must be the id of a user, or nothing")
		}
	}
	ctx = context.WithValue(r.Context(), visitorKey{}, v)
	return context.WithValue(ctx, inputKey{}, in), body, nil
}

// refuseOtherID refuses to put something by whose body the id is another one than by its path, of which the gateway would take the latter.
func refuseOtherID(r *http.Request, body []byte) error {
	var said struct{ ID *string }
	if r.Method != http.MethodPut || json.Unmarshal(body, &said) != nil || said.ID == nil || *said.ID == path.Base(r.URL.Path) {
		return nil
	}
	return invalid("id", "must be the one in the path, or nothing")
}
