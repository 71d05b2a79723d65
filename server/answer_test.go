// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// The contract's messages of an answer, made from its decision field by field: what is written must be what gRPC's codec makes of them.

func (r *result) response() *authzv1.AuthorizeResponse {
	d := r.decision
	if !d.Allowed {
		return &authzv1.AuthorizeResponse{Revision: r.revision, Denial: &authzv1.Denial{
			Reason: denials.proto(d.Reason), HttpStatus: int32(d.Reason.HTTPStatus()), Message: d.Reason.String()}}
	}
	g := &authzv1.Grant{ProjectId: d.Grant.ProjectID, TransferTargetUnchecked: d.Grant.TransferTargetUnchecked,
		AccessLevel: accessLevels.proto(d.Grant.Principal.Access())}
	if k := d.Grant.Principal.Key; k != nil {
		g.Principal = &authzv1.Grant_Key{Key: &authzv1.KeyPrincipal{Id: k.ID, Name: k.Name, Prefix: k.Prefix, UserId: k.UserID}}
	}
	if s := d.Grant.Principal.Session; s != nil {
		g.Principal = &authzv1.Grant_Session{Session: &authzv1.SessionPrincipal{UserId: s.UserID, Role: userRoles.proto(s.Role)}}
	}
	if d.Grant.Visible != nil {
		g.VisibleProjects = scopeToProto(*d.Grant.Visible)
	}
	return &authzv1.AuthorizeResponse{Allowed: true, Grant: g, Revision: r.revision}
}

func (r *result) message() *authzv1.AuthorizeResult {
	if r.fault != nil {
		return &authzv1.AuthorizeResult{Result: &authzv1.AuthorizeResult_Error{Error: r.fault}}
	}
	return &authzv1.AuthorizeResult{Result: &authzv1.AuthorizeResult_Response{Response: r.response()}}
}

// sent returns what the codec sends of an answer.
func sent(t testing.TB, a *answer) []byte {
	t.Helper()
	data, err := newCodec().Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	defer data.Free()
	return data.Materialize()
}

// writesAlike writes the answers to all calls that results may be of, and compares them with gRPC's.
func writesAlike(t *testing.T, results ...result) {
	t.Helper()
	alike := func(got *answer, want proto.Message) {
		t.Helper()
		if got, want := sent(t, got), wire(t, want); !bytes.Equal(got, want) {
			t.Errorf("%v:\ngot  %x\nwant %x", results, got, want)
		}
	}
	all := new(authzv1.BatchAuthorizeResponse)
	for i := range results {
		r := &results[i]
		if r.fault == nil {
			one, err := new(answer).to(r)
			if err != nil {
				t.Fatal(err)
			}
			alike(one, r.response())
		}
		id := uint64(i) << (i % 60)
		alike(newStreamAnswer(id, r), &authzv1.AuthorizeStreamResponse{Id: id, Result: r.message()})
		all.Results = append(all.Results, r.message())
	}
	alike(newBatchAnswer(results), all)
}

func allowed(g authz.Grant) result {
	return result{decision: authz.Decision{Allowed: true, Grant: g}, revision: "1042.9f86d081884c7d65"}
}

// resultsOfAllKinds are results that have every field of the contract in one of them, and none of them in others.
func resultsOfAllKinds() []result {
	key := &authz.KeyRecord{ID: "k", Name: "ü", Prefix: "ap_k", UserID: "u", Access: authz.Read}
	session := &authz.Session{UserID: "u", Role: authz.UserRoleOwner}
	all := []result{
		{decision: authz.Decision{Allowed: true}},
		{fault: &authzv1.AuthorizeError{Code: 14, Reason: "LEASE", Message: "ask another"}},
		{fault: &authzv1.AuthorizeError{}},
		allowed(authz.Grant{Principal: authz.Principal{Key: key}, ProjectID: "p"}),
		allowed(authz.Grant{Principal: authz.Principal{Key: &authz.KeyRecord{}}}),
		allowed(authz.Grant{Principal: authz.Principal{Session: session}, TransferTargetUnchecked: true}),
		allowed(authz.Grant{Principal: authz.Principal{Session: &authz.Session{}}}),
		allowed(authz.Grant{Visible: &authz.ProjectScope{}}),
		allowed(authz.Grant{Visible: &authz.ProjectScope{All: true}}),
		allowed(authz.Grant{Visible: &authz.ProjectScope{IDs: []string{"p", "", "q"}}}),
	}
	for _, r := range authz.Reasons() {
		all = append(all, result{decision: authz.Decision{Reason: r}, revision: "1.0000000000000000"})
	}
	return all
}

// Every field of the contract is written. This is the test which fails when one is added, and not taught to the writer.
func TestAnswersAreWrittenWhole(t *testing.T) {
	t.Parallel()
	writesAlike(t, resultsOfAllKinds()...)

	var got authzv1.BatchAuthorizeResponse
	if err := proto.Unmarshal(sent(t, newBatchAnswer(resultsOfAllKinds())), &got); err != nil {
		t.Fatal(err)
	}
	set := make(map[protoreflect.FullName]bool)
	note(set, got.ProtoReflect())
	want(t, set, got.ProtoReflect().Descriptor())
}

// note notes which fields are set in a message.
func note(set map[protoreflect.FullName]bool, m protoreflect.Message) {
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		set[f.FullName()] = true
		switch {
		case f.Message() == nil:
		case f.IsList():
			for i := range v.List().Len() {
				note(set, v.List().Get(i).Message())
			}
		default:
			note(set, v.Message())
		}
		return true
	})
}

// want tells of each field of a message, and of what is in it, that was never set.
func want(t *testing.T, set map[protoreflect.FullName]bool, m protoreflect.MessageDescriptor) {
	for i := range m.Fields().Len() {
		f := m.Fields().Get(i)
		if !set[f.FullName()] {
			t.Errorf("%s is never written", f.FullName())
		} else if f.Message() != nil {
			want(t, set, f.Message())
		}
	}
}

// Lengths take one byte or more, and a batch more than one buffer.
func TestAnswersOfAllLengths(t *testing.T) {
	t.Parallel()
	var results []result
	for _, size := range []int{0, 1, 50, 60, 64, 65, 66, 67, 90, 120, 123, 124, 125, 126, 127, 128, 129, 1000, 16375, 16384, 50_000} {
		results = append(results, allowed(authz.Grant{ProjectID: strings.Repeat("p", size)}))
	}
	writesAlike(t, results...)
	for range 2 * usualAnswer {
		results = append(results, results[:8]...)
	}
	writesAlike(t, results...)
}

// A text that is not UTF-8 must not be sent, and is the fault of one request.
func TestAnswersAreUTF8(t *testing.T) {
	t.Parallel()
	good, bad := allowed(authz.Grant{ProjectID: "p"}), allowed(authz.Grant{ProjectID: "\xff"})
	if a, err := new(answer).to(&bad); authz.KindOf(err) != authz.Internal {
		t.Errorf("got %v, %v", a, err)
	}
	fault := result{fault: &authzv1.AuthorizeError{Code: 13, Reason: "INTERNAL", Message: "internal error"}}
	if got, want := sent(t, newStreamAnswer(7, &bad)), sent(t, newStreamAnswer(7, &fault)); !bytes.Equal(got, want) {
		t.Errorf("in a stream: got %q, want %q", got, want)
	}
	got := sent(t, newBatchAnswer(append(slices.Repeat([]result{good}, 500), bad, good)))
	want := sent(t, newBatchAnswer(append(slices.Repeat([]result{good}, 500), fault, good)))
	if !bytes.Equal(got, want) {
		t.Errorf("in a batch: got %q, want %q", got, want)
	}
}

// A denial that the contract has no name for is no decision.
func TestADenialWithoutAReasonIsNoDecision(t *testing.T) {
	t.Parallel()
	for _, d := range []authz.Decision{{}, {Reason: 200}} {
		if err := (&result{decision: d}).check(); authz.KindOf(err) != authz.Internal {
			t.Errorf("%+v: got %v", d, err)
		}
	}
}

func TestEveryReasonHasADenial(t *testing.T) {
	t.Parallel()
	used := map[authzv1.DenialReason]bool{authzv1.DenialReason_DENIAL_REASON_UNSPECIFIED: true}
	for _, r := range authz.Reasons() {
		d := (&result{decision: authz.Decision{Reason: r}}).response().GetDenial()
		if used[d.GetReason()] {
			t.Errorf("%s: %s is in use already, or says nothing", r, d.GetReason())
		}
		used[d.GetReason()] = true
		if d.GetHttpStatus() < 400 || d.GetMessage() != r.String() {
			t.Errorf("%s: answer %v", r, d)
		}
	}
	for number, name := range authzv1.DenialReason_name {
		if !used[authzv1.DenialReason(number)] {
			t.Errorf("no reason becomes %s", name)
		}
	}
}

// Whatever the decision, what is written are the bytes that gRPC's codec makes of it.
func FuzzWritesAsGRPC(f *testing.F) {
	f.Add("id", "name", "prefix", "user", "project", "1042.9f86d081884c7d65", uint8(0b0110))
	f.Add("", "", "", "", "", "", uint8(0))
	f.Fuzz(func(t *testing.T, id, name, prefix, user, project, revision string, shape uint8) {
		for _, text := range []*string{&id, &name, &prefix, &user, &project, &revision} {
			*text = strings.ToValidUTF8(*text, "?")
		}
		g := authz.Grant{ProjectID: project, TransferTargetUnchecked: shape&1 != 0}
		switch shape >> 1 & 3 {
		case 1:
			g.Principal.Session = &authz.Session{UserID: user, Role: authz.UserRole(shape >> 6)}
		case 2, 3:
			g.Principal.Key = &authz.KeyRecord{ID: id, Name: name, Prefix: prefix, UserID: user, Access: authz.Access(shape >> 6)}
		}
		if shape&8 != 0 {
			g.Visible = &authz.ProjectScope{All: shape&16 != 0, IDs: slices.Repeat([]string{id, project}, int(shape>>5))}
		}
		denied := authz.Reasons()[int(shape)%len(authz.Reasons())]
		writesAlike(t,
			result{decision: authz.Decision{Allowed: true, Grant: g}, revision: revision},
			result{decision: authz.Decision{Reason: denied}, revision: revision},
			result{fault: &authzv1.AuthorizeError{Code: int32(shape) - 100, Reason: name, Message: fmt.Sprint(project, id)}})
	})
}
