// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"aeroplane.run/authz/client"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/door"
)

// Ask is AuthorizationServiceClient.Authorize, with its options bound.
type Ask func(context.Context, *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error)

// credentialNames are the headers that may carry a credential, in lower case.
var credentialNames = [...]string{"authorization", "x-api-key", "cookie"}

// A question is what the service is asked about a request.
type question struct {
	method, target string
	credentials    [len(credentialNames)][]string
}

func questionOf(m *Message) question {
	q := question{method: m.Method, target: m.Target}
	for i, name := range credentialNames {
		q.credentials[i] = m.values(name)
	}
	return q
}

// arrivedAs is the question about a request that arrived. A gateway may keep credentials from the upstream, so that what did not arrive
// is taken from what was sent.
func (q question) arrivedAs(m *Message) question {
	arrived := questionOf(m)
	for i := range credentialNames {
		if len(arrived.credentials[i]) == 0 {
			arrived.credentials[i] = q.credentials[i]
		}
	}
	return arrived
}

// A Decision is what the service says to a question.
type Decision struct {
	Allowed bool
	// Identity is what the upstream is told of who is calling, where the request is allowed: by door.Names.
	Identity [len(door.Names)]string
	// Status and Text are those of the refusal.
	Status int
	Text   string
	// NotAsked: no gateway can ask this over gRPC, so that it has to refuse without. Status and Text are what it may be told by
	// doors that read bytes.
	NotAsked bool
}

// ask asks the service. An error means that there is no telling what it would say.
//
// Over gRPC all is UTF-8. Bytes that are not are put to the service as U+FFFD: beyond ASCII it makes no difference which byte it is,
// neither in a target nor in a credential.
func ask(ctx context.Context, service Ask, q question) (Decision, error) {
	text := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") }
	texts := func(all []string) (valid []string) {
		for _, s := range all {
			valid = append(valid, text(s))
		}
		return valid
	}
	notAsked := text(q.method) != q.method || text(q.target) != q.target
	for _, values := range q.credentials {
		for _, v := range values {
			notAsked = notAsked || text(v) != v
		}
	}
	answer, err := service(ctx, &authzv1.AuthorizeRequest{
		Method: text(q.method), Path: text(q.target),
		Credential: &authzv1.AuthorizeRequest_Headers{Headers: &authzv1.CredentialHeaders{
			Authorization: texts(q.credentials[0]), XApiKey: texts(q.credentials[1]), Cookie: texts(q.credentials[2]),
		}},
	})
	switch code := status.Code(err); {
	case code == codes.InvalidArgument, code == codes.ResourceExhausted: // more than can be asked about
		return Decision{Status: 503, Text: door.Unavailable, NotAsked: true}, nil
	case err != nil:
		return Decision{}, err
	case !answer.GetAllowed():
		return Decision{Status: int(answer.GetDenial().GetHttpStatus()), Text: answer.GetDenial().GetMessage(), NotAsked: notAsked}, nil
	}
	d := Decision{Allowed: true, NotAsked: notAsked}
	identity, err := client.IdentityHeaders(answer.GetGrant())
	if err != nil { // doors that tell the upstream in headers refuse this
		return Decision{Status: 403, Text: err.Error(), NotAsked: true}, nil
	}
	for i, name := range door.Names {
		d.Identity[i] = identity.Get(name)
	}
	return d, nil
}

func (d Decision) String() string {
	if d.Allowed {
		return "allowed"
	}
	return fmt.Sprintf("%d %s", d.Status, d.Text)
}
