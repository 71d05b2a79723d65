// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/apikey"
)

// queryKey is of the query of a call in JSON.
type queryKey struct{}

// A restQuery is the query of a request, and whether it is read at all.
type restQuery struct {
	values url.Values
	wrong  error // what in it cannot be read, of which there is nothing in values
	read   bool
}

// queryOf returns the query of a request. It is read for calls that have no body, as by the contract all do whose method may have none.
func queryOf(r *http.Request) restQuery {
	values, err := url.ParseQuery(r.URL.RawQuery)
	return restQuery{values: values, wrong: err, read: r.Method == http.MethodGet || r.Method == http.MethodDelete}
}

// refuseUnusedQuery refuses what is in the query of a call and was not read from it. The gateway passes over what it does not know, and so
// would show all keys to who asks for some and has a slip in the name.
func refuseUnusedQuery(ctx context.Context, in proto.Message) error {
	query, _ := ctx.Value(queryKey{}).(restQuery)
	if query.wrong != nil {
		return authz.Errorf(authz.Invalid, "the query cannot be read").Because(query.wrong)
	}
	pattern, _ := runtime.HTTPPathPattern(ctx)
	for _, name := range slices.Sorted(maps.Keys(query.values)) { // so that of several it is always the same that is named
		if !query.read || strings.Contains(pattern, "{"+name+"}") || !hasField(in.ProtoReflect().Descriptor(), name) {
			return invalid(apikey.Redact(name), "is not a parameter of this call")
		}
	}
	return nil
}

// hasField reports whether a message has a field of a name, or in a message in it.
func hasField(of protoreflect.MessageDescriptor, name string) bool {
	first, rest, deeper := strings.Cut(name, ".")
	field := of.Fields().ByJSONName(first)
	if field == nil {
		field = of.Fields().ByTextName(first)
	}
	switch {
	case field == nil:
		return false
	case deeper:
		return field.Message() != nil && !field.IsList() && !field.IsMap() && hasField(field.Message(), rest)
	}
	return true
}
