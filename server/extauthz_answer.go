// SPDX-License-Identifier: Apache-2.0

package server

import (
	"net/http"
	"strings"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/proto"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/door"
)

// deniedChecks are the answers to requests that are denied, which are all known beforehand.
var deniedChecks = func() (all map[authz.Reason]*answer) {
	all = make(map[authz.Reason]*answer)
	for _, r := range authz.Reasons() {
		all[r] = newRefusedCheck(door.Refusal{Status: r.HTTPStatus(), Text: r.String()})
	}
	return all
}()

// newRefusedCheck is a refusal. It is a denial also where no decision was reached: what the contract calls an error, a gateway may be
// told to take for a yes.
func newRefusedCheck(r door.Refusal) *answer {
	code := codes.PermissionDenied
	if r.Status == http.StatusUnauthorized {
		code = codes.Unauthenticated
	}
	denied := &authv3.DeniedHttpResponse{Status: &typev3.HttpStatus{Code: typev3.StatusCode(r.Status)}, Body: string(r.Body())}
	for _, h := range r.Headers() {
		denied.Headers = append(denied.Headers, &corev3.HeaderValueOption{
			Header:       &corev3.HeaderValue{Key: strings.ToLower(h.Name), Value: h.Value},
			AppendAction: corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD,
		})
	}
	return &answer{data: mem.BufferSlice{mem.SliceBuffer(wireOf(&authv3.CheckResponse{
		Status:       &rpcstatus.Status{Code: int32(code)},
		HttpResponse: &authv3.CheckResponse_DeniedResponse{DeniedResponse: denied},
	}))}}
}

func wireOf(m proto.Message) []byte {
	wire, err := proto.Marshal(m)
	if err != nil {
		panic(err) // all its texts are UTF-8
	}
	return wire
}

// A removal is what an allowed request loses on its way: what could pass for a header of ours or tell of another request, and the
// credential if it is to go.
type removal struct {
	names  []byte   // headers_to_remove, as the contract writes them
	cookie string   // what remains of the cookies; if not empty, it replaces them
	more   []string // names of headers that this request has
}

var (
	removeLookAlikes = removing()
	removeKey        = removing("authorization", "x-api-key")
	removeCookie     = removing("cookie")
)

func removing(more ...string) []byte {
	return wireOf(&authv3.OkHttpResponse{HeadersToRemove: append(door.LookAlikes[:len(door.LookAlikes):len(door.LookAlikes)], more...)})
}

// removal returns what the request loses. A credential that nobody looked at, as on public rows, is the upstream's own.
func (c *check) removal(g *authz.Grant, credential bool) removal {
	r := removal{names: removeLookAlikes, more: c.drop}
	switch {
	case credential && g.Principal.Key != nil:
		r.names = removeKey
	case credential && g.Principal.Session != nil:
		if r.cookie = authz.WithoutSession(c.headers().Cookie); r.cookie == "" {
			r.names = removeCookie
		}
	}
	return r
}

// An allowedCheck is the answer to a request that may pass, in one allocation unless it is longer than usual.
type allowedCheck struct {
	answer
	room [usualCheck]byte
}

// usualCheck is how many bytes such an answer has at most, as a rule.
const usualCheck = 1 << 10

// newAllowedCheck is the answer to a request that may pass: a CheckResponse with a status that is OK, as all its fields are zero, and an
// OkHttpResponse that sets each identity header, in place of all that the client sent of it, and then removes what is to go.
func newAllowedCheck(identity [len(door.Names)]string, r removal) *answer {
	a := new(allowedCheck)
	w := writer{buf: a.room[:0]}
	w.end(w.begin(1<<3 | sized))
	ok := w.begin(3<<3 | sized)
	for i, value := range identity {
		w.setHeader(door.LowerNames[i], value)
	}
	if r.cookie != "" {
		w.setHeader("cookie", r.cookie)
	}
	w.buf = append(w.buf, r.names...)
	for _, name := range r.more {
		w.text(5<<3|sized, name)
	}
	w.end(ok)
	return a.wrote(&w)
}

// setHeader is a HeaderValueOption, of a list in field 2.
func (w *writer) setHeader(name, value string) {
	option := w.begin(2<<3 | sized)
	header := w.begin(1<<3 | sized)
	w.text(1<<3|sized, name)
	w.text(2<<3|sized, value)
	w.end(header)
	w.number(3<<3|varint, uint64(corev3.HeaderValueOption_OVERWRITE_IF_EXISTS_OR_ADD))
	w.end(option)
}
