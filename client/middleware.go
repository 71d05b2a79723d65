// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"errors"
	"maps"
	"net/http"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/door"
)

type grantKey struct{}

// GrantFrom returns what was granted to a request that the middleware has passed on: who is calling, and how far the request reaches.
// False: the context is not that of such a request.
func GrantFrom(ctx context.Context) (*authzv1.Grant, bool) {
	grant, ok := ctx.Value(grantKey{}).(*authzv1.Grant)
	return grant, ok
}

// Middleware lets a request pass to next if the service allows it, and answers for it otherwise.
//
// It asks about the method, the target as received (RequestURI), and every line of the three headers that may carry a credential. It has
// to come before whatever rewrites the URL, since the upstream must be asked for what the service was asked about: a request whose
// URL is not that of its RequestURI any more is answered 503.
//
// next gets a copy of the request, with the grant in its context, which GrantFrom returns, and with the identity headers
// (Aeroplane-Caller, Aeroplane-User and so on) set in place of whatever the client has sent under these names. It gets no trailers, which
// come when all is decided, no headers that tell some upstreams of another method or target (X-HTTP-Method-Override, X-Original-URL,
// X-Rewrite-URL, X-Forwarded-Uri and the like), and no Upgrade to anything but a websocket: behind another protocol, such as h2c, requests would travel that
// nobody asked about.
//
// Denials are answered as documented (docs/behaviour.md, section 4), and in the same form:
//
//   - 400 where the upstream might read the request in another way than the service, which is then not asked: what is asked about is not
//     UTF-8, a header's name passes for that of a credential or identity header (X_API_Key), or Connection names headers that a
//     proxy would drop; and where the service refuses the question itself (INVALID_ARGUMENT), which means a credential of more than 64
//     KiB as a rule;
//   - 503 where there is no decision, for whatever other reason, and where the client's request was cancelled meanwhile.
//
// To read a transfer's body takes as long as its client likes, and is done before anybody knows who that is: give the server a
// ReadTimeout if that matters.
func (c *Client) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		passed, refusal := c.judge(r)
		if refusal != nil {
			_ = refusal.Write(w) // it fails for a client that is gone
			return
		}
		next.ServeHTTP(w, passed)
	})
}

// judge returns the request to pass on, or else the refusal.
func (c *Client) judge(r *http.Request) (*http.Request, *door.Refusal) {
	q, refusal := questionOf(r)
	if refusal != nil {
		return nil, refusal
	}
	body := r.Body
	if !c.noTransferTarget {
		q.TargetProjectId, body = transferTarget(r)
	}
	answer, err := c.Authorize(r.Context(), q)
	switch {
	case status.Code(err) == codes.InvalidArgument:
		c.tell(r.Context(), "the service refused the question", err)
		return nil, &door.Refusal{Status: http.StatusBadRequest, Text: malformed}
	case err != nil:
		return nil, c.undecided(r.Context(), err)
	case !answer.Allowed:
		return nil, &door.Refusal{Status: int(answer.Denial.HttpStatus), Text: answer.Denial.Message}
	case r.Context().Err() != nil:
		return nil, c.undecided(r.Context(), r.Context().Err())
	case r.URL.RequestURI() != r.RequestURI: // the same for every target that the service allows, if nobody has rewritten it
		return nil, c.undecided(r.Context(), errors.New("the URL was rewritten before the middleware: put it first"))
	}
	passed, err := c.pass(r, answer.Grant)
	if err != nil {
		c.tell(r.Context(), "a grant does not fit into headers", err)
		return nil, &door.Refusal{Status: http.StatusForbidden, Text: err.Error()}
	}
	passed.Body = body
	return passed, nil
}

// undecided is the answer where no decision was reached. Why is told to the log, and not to the client.
func (c *Client) undecided(ctx context.Context, why error) *door.Refusal {
	c.tell(ctx, "no decision", why)
	return &door.Refusal{Status: http.StatusServiceUnavailable, Text: door.Unavailable}
}

// pass returns the request that next gets.
func (c *Client) pass(r *http.Request, grant *authzv1.Grant) (*http.Request, error) {
	out := r.WithContext(context.WithValue(r.Context(), grantKey{}, grant))
	out.Header, out.Trailer = passedHeaders(r.Header), nil
	if c.noIdentityHeaders {
		return out, nil
	}
	identity, err := IdentityHeaders(grant)
	if err != nil {
		return nil, err
	}
	maps.Copy(out.Header, identity)
	return out, nil
}
