// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"github.com/grpc-ecosystem/grpc-gateway/v2/utilities"
	"google.golang.org/genproto/googleapis/api/annotations"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/apikey"
)

// Who reads JSON and queries for us says of a fault where it is in the text, in the words of its programmers, and not what would be right. So what
// it has refused it is given once more, field by field: those that it refuses by themselves are at fault.

// unreadable returns what is at fault in a request that the gateway could not read.
func unreadable(ctx context.Context) error {
	in, _ := ctx.Value(inputKey{}).(restInput)
	call, _ := runtime.RPCMethod(ctx)
	message, field := requestOf(call)
	body := message
	if field != nil {
		body = field.Message()
	}
	var found faults
	switch {
	case in.wrong != nil:
		return in.wrong
	case in.read:
		pattern, _ := runtime.HTTPPathPattern(ctx)
		found.inQuery(message, pattern, in.query)
	case !isObject(in.body):
		return authz.Errorf(authz.Invalid, "the body must be an object %s", shape(body))
	default:
		found.inObject("", body, in.body)
	}
	if len(found) == 0 {
		return authz.Errorf(authz.Invalid, "the request cannot be read as one of this call: openapi.json has its fields")
	}
	return authz.InvalidFields(found...)
}

// requestOf returns the request of a call, and the field of it that the body is. Nil: the body is all of it.
func requestOf(call string) (message protoreflect.MessageDescriptor, body protoreflect.FieldDescriptor) {
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName(strings.ReplaceAll(strings.TrimPrefix(call, "/"), "/", ".")))
	if err != nil {
		panic("server: " + err.Error()) // the gateway is generated from the same contract
	}
	method := found.(protoreflect.MethodDescriptor)
	rule := proto.GetExtension(method.Options(), annotations.E_Http).(*annotations.HttpRule)
	return method.Input(), method.Input().Fields().ByName(protoreflect.Name(rule.GetBody()))
}

// faults are the fields at fault, by their names in JSON. Of very many the first are enough.
type faults []authz.Violation

func (f *faults) add(path, format string, args ...any) {
	*f = append(*f, authz.Violation{Field: path, Description: fmt.Sprintf(format, args...)})
}

func (f *faults) enough() bool { return len(*f) == maxViolations }

// inObject adds what is at fault in an object, which is JSON, as a message.
func (f *faults) inObject(path string, of protoreflect.MessageDescriptor, object []byte) {
	said := make(map[protoreflect.FullName]string)
	read := json.NewDecoder(bytes.NewReader(object))
	_, _ = read.Token() // the brace; there is no error in JSON
	for read.More() && !f.enough() {
		name, _ := read.Token()
		var value json.RawMessage
		_ = read.Decode(&value)
		f.inField(path, of, name.(string), value, said)
	}
}

// inField adds what is at fault in one field of an object. What was said before is known by the field's name, or by that of those of which there
// may be one.
func (f *faults) inField(path string, of protoreflect.MessageDescriptor, name string, value []byte, said map[protoreflect.FullName]string) {
	field := fieldNamed(of, name)
	if field == nil {
		f.add(path+shown(name), "is not a field here: there are %s", strings.Join(fieldNames(of), ", "))
		return
	}
	at, twice, beside := path+field.JSONName(), said[field.FullName()] != "", ""
	said[field.FullName()] = field.JSONName()
	if choice := field.ContainingOneof(); choice != nil && !choice.IsSynthetic() && string(value) != "null" {
		beside, said[choice.FullName()] = said[choice.FullName()], field.JSONName()
	}
	switch {
	case twice:
		f.add(at, "must be said once")
	case beside != "":
		f.add(at, "must not be said beside %s", path+beside)
	case !field.IsList():
		f.inValue(at, field, value)
	case readable(field, value):
	case value[0] == '[':
		var elements []json.RawMessage
		_ = json.Unmarshal(value, &elements)
		f.inHalves(at, field, elements, 0)
	default:
		f.add(at, "must be a list, in square brackets")
	}
}

// inHalves adds what is at fault in elements of a list, with so many before them, where something is. One by one, those that are right would take
// many times as long as they took whoever refused them.
func (f *faults) inHalves(at string, field protoreflect.FieldDescriptor, elements []json.RawMessage, before int) {
	if len(elements) == 1 {
		f.inValue(fmt.Sprintf("%s[%d]", at, before), field, elements[0])
		return
	}
	middle := len(elements) / 2
	for _, half := range [][]json.RawMessage{elements[:middle], elements[middle:]} {
		if !f.enough() && !readable(field, listOf(half)) {
			f.inHalves(at, field, half, before)
		}
		before += len(half)
	}
}

func listOf(elements []json.RawMessage) []byte {
	list := []byte("[")
	for _, e := range elements {
		list = append(append(list, e...), ',')
	}
	list[len(list)-1] = ']'
	return list
}

// inValue adds what is at fault in a value, or in an element of a list that cannot be read.
func (f *faults) inValue(at string, field protoreflect.FieldDescriptor, value []byte) {
	switch m := field.Message(); {
	case m != nil && m.ParentFile().Package() != "google.protobuf" && isObject(value):
		f.inObject(at+".", m, value)
	case field.IsList(), !readable(field, value):
		f.add(at, "must be %s", accepted(field, `"%s"`))
	}
}

// inQuery adds what is at fault in a query.
func (f *faults) inQuery(of protoreflect.MessageDescriptor, pattern string, query url.Values) {
	said := make(map[protoreflect.FullName]bool)
	for _, name := range slices.Sorted(maps.Keys(query)) { // so that of several it is always the same that is named first
		field, values := parameter(of, pattern, name), query[name]
		switch {
		case f.enough():
			return
		case field == nil:
			f.add(shown(name), "is not a parameter of this call")
		case said[field.FullName()], len(values) > 1 && !field.IsList():
			f.add(name, "must be said once")
		case runtime.PopulateQueryParameters(newMessage(of), url.Values{name: values}, utilities.NewDoubleArray(nil)) != nil:
			f.add(name, "must be %s", accepted(field, "%s"))
		}
		if field != nil {
			said[field.FullName()] = true
		}
	}
}

// readable reports whether a field can be read by itself.
func readable(field protoreflect.FieldDescriptor, value []byte) bool {
	return protojson.Unmarshal(fmt.Appendf(nil, "{%q: %s}", field.JSONName(), value), newMessage(field.ContainingMessage())) == nil
}

func newMessage(d protoreflect.MessageDescriptor) proto.Message {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		panic("server: " + err.Error()) // it is one of ours
	}
	return t.New().Interface()
}

func isObject(value []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(value, " \t\r\n"), []byte("{"))
}

// accepted says what a value of a field is, with examples in the form of text.
func accepted(field protoreflect.FieldDescriptor, text string) string {
	switch field.Kind() {
	case protoreflect.EnumKind:
		return oneOf(field.Enum())
	case protoreflect.BoolKind:
		return "true or false"
	case protoreflect.StringKind:
		return "a text in UTF-8, such as " + fmt.Sprintf(text, "text")
	case protoreflect.BytesKind:
		return "bytes in base64, such as " + fmt.Sprintf(text, "Ynl0ZXM=")
	case protoreflect.MessageKind:
		switch field.Message().FullName() {
		case "google.protobuf.Duration":
			return "seconds, with an s behind, such as " + fmt.Sprintf(text, "2592000s")
		case "google.protobuf.Timestamp":
			return "a time, such as " + fmt.Sprintf(text, "2026-01-02T03:04:05Z")
		}
		return "an object " + shape(field.Message())
	case protoreflect.Int32Kind:
		return "a whole number, and at most 2147483647"
	}
	return "a whole number"
}

// oneOf names the values of an enumeration, but for the one that means nothing.
func oneOf(e protoreflect.EnumDescriptor) string {
	var names []string
	for i := 1; i < e.Values().Len(); i++ {
		names = append(names, string(e.Values().Get(i).Name()))
	}
	last := len(names) - 1
	if last == 0 {
		return names[0]
	}
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// shape shows which fields an object may have.
func shape(of protoreflect.MessageDescriptor) string {
	names := fieldNames(of)
	for i, name := range names {
		value := "..."
		if of.Fields().ByJSONName(name).IsList() {
			value = "[...]"
		}
		names[i] = fmt.Sprintf("%q: %s", name, value)
	}
	return "{" + strings.Join(names, ", ") + "}"
}

func fieldNames(of protoreflect.MessageDescriptor) (names []string) {
	for i := range of.Fields().Len() {
		names = append(names, of.Fields().Get(i).JSONName())
	}
	return names
}

// shown is a name that a request has made up, without what may be a key, and not longer than names are.
func shown(name string) string {
	const most = 100
	if name = apikey.Redact(name); len(name) > most {
		name = strings.ToValidUTF8(name[:most], "") + "..."
	}
	return name
}
