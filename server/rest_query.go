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
)

// inputKey is of what a call in JSON was sent.
type inputKey struct{}

// A restInput is the query and the body of a request, of which one is read.
type restInput struct {
	query url.Values
	wrong error // why nothing is in query
	read  bool  // it is the query
	body  []byte
}

// inputOf returns what was sent with a request. The query is read for calls that have no body, as by the contract all do whose method may have
// none.
func inputOf(r *http.Request, body []byte) restInput {
	in := restInput{read: r.Method == http.MethodGet || r.Method == http.MethodDelete, body: body}
	var err error
	if in.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		in.wrong = authz.Errorf(authz.Invalid, "the query cannot be read: parameters are parted by &, and %% begins two hexadecimal digits").Because(err)
	}
	return in
}

// refuseUnusedQuery refuses what is in the query of a call and was not read from it. The gateway passes over what it does not know, and so
// would show all keys to who asks for some and has a slip in the name.
func refuseUnusedQuery(ctx context.Context, message proto.Message) error {
	in, _ := ctx.Value(inputKey{}).(restInput)
	if in.wrong != nil {
		return in.wrong
	}
	pattern, _ := runtime.HTTPPathPattern(ctx)
	for _, name := range slices.Sorted(maps.Keys(in.query)) { // so that of several it is always the same that is named
		if !in.read || parameter(message.ProtoReflect().Descriptor(), pattern, name) == nil {
			return invalid(shown(name), "is not a parameter of this call")
		}
	}
	return nil
}

// parameter returns the field that a parameter of a query is, in a message or in one within. Nil: it is none, or in the path.
func parameter(of protoreflect.MessageDescriptor, pattern, name string) protoreflect.FieldDescriptor {
	first, rest, deeper := strings.Cut(name, ".")
	field := fieldNamed(of, first)
	switch {
	case field == nil, strings.Contains(pattern, "{"+name+"}"):
		return nil
	case !deeper:
		return field
	case field.Message() == nil, field.IsList(), field.IsMap():
		return nil
	}
	return parameter(field.Message(), "", rest)
}

// fieldNamed returns the field of a name, either the one that it has in JSON or that of the contract. Nil: there is none.
func fieldNamed(of protoreflect.MessageDescriptor, name string) protoreflect.FieldDescriptor {
	if field := of.Fields().ByJSONName(name); field != nil {
		return field
	}
	return of.Fields().ByTextName(name)
}
