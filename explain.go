// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"strings"
	"time"

	"aeroplane.run/authz/resolver"
)

// An Explainer tells why a request is decided on as it is. Its fields are set before first use and not changed afterwards.
//
// It holds no rules. It has a request decided on as it would be, and tells of that decision, and of the very facts that it was made
// from: which check refused follows from the Reason and the Detail, since all checks before it have passed then.
type Explainer struct {
	Authorizer *Authorizer
	Store      KeyStore
}

// An ExplainRequest is a request that somebody asks about. It holds no credential, and names one at most.
type ExplainRequest struct {
	Method string
	Target string // path and query, not decoded
	// KeyID names the key of the request, and Session its session. Neither: a request without credential.
	KeyID   string
	Session *Digest
	// TransferTo is as that of a Request.
	TransferTo *string
	// Reader is the user who will read the explanation, empty for the one of a single-user installation. Nil: an administrator, from
	// whom nothing is kept. To a Reader the keys of others are not known, there is no asking about sessions, and what neither they
	// nor their key reach looks as if it did not exist: all texts are the same, byte for byte, where it does.
	Reader *string
}

// An Explanation is a decision, and how it came about. Its texts hold nothing that looks like a key.
type Explanation struct {
	// Decision is what Authorize would answer. To a Reader its Detail says no more than the texts.
	Decision Decision
	// Checks are all that there are, in their order. One is Refused if the request is denied, and none if it is allowed.
	Checks []Check
	// Route is the row of the route table that applied. Nil: the request never got so far.
	Route *resolver.Route
	// Key is the key that was named, nil for none, as it was a moment before the decision.
	Key *Key
	// Remedies are what would change a denial, the likeliest first, each in a sentence.
	Remedies []string
}

// standIn has the form of a key, and is none: see witness.
var standIn = "ap_" + strings.Repeat("0", 8) + "_" + strings.Repeat("0", 43)

// Explain decides on a request with every change known that was committed by now, and tells how that came about. It is no use of the
// key. Errors: Invalid; NotFound where there is no such key; and those of Authorize, where no decision was reached.
func (e *Explainer) Explain(ctx context.Context, r ExplainRequest) (Explanation, error) {
	if err := r.check(); err != nil {
		return Explanation{}, err
	}
	s := story{request: &r}
	saw := witness{FactStore: e.Authorizer.Facts}
	asked := Request{Method: r.Method, Target: r.Target, TransferTo: r.TransferTo, Consistency: Consistency{Strong: true}}
	switch {
	case r.KeyID != "":
		key, digest, err := e.key(ctx, &r)
		if err != nil {
			return Explanation{}, err
		}
		s.key, saw.digest, asked.Credential = &key, digest, KeyText(standIn)
	case r.Session != nil:
		saw.digest, asked.Credential = *r.Session, SessionToken(standIn)
	}
	decides := Authorizer{Routes: e.Authorizer.Routes, Facts: &saw, Used: func(*KeyRecord, time.Time) {}}
	var err error
	if s.decision, err = decides.Authorize(ctx, asked); err != nil {
		return Explanation{}, err
	}
	s.query, s.facts = saw.query, saw.facts
	s.read(e.Authorizer.Routes)
	return s.tell(), nil
}

func (r *ExplainRequest) check() error {
	switch {
	case r.KeyID != "" && r.Session != nil:
		return InvalidFields(Violation{Field: "credential", Description: "must name a key or a session, not both"})
	case r.Session != nil && r.Reader != nil:
		return InvalidFields(Violation{Field: "session_sha256", Description: "is for administrators to ask about"})
	case r.KeyID != "":
		return checkKeyID("key_id", r.KeyID)
	}
	return nil
}

// key returns the key that is named, if the reader may know of it, and what facts of it are looked up by.
func (e *Explainer) key(ctx context.Context, r *ExplainRequest) (Key, Digest, error) {
	head, err := e.Store.KeyHead(ctx, r.KeyID)
	if err == nil && r.Reader != nil && head.UserID != *r.Reader {
		err = NoSuchKey()
	}
	if err != nil {
		return Key{}, Digest{}, err
	}
	key, err := e.Store.Key(ctx, r.KeyID)
	return key, head.Digest, err
}

// A witness stands before a FactStore for the time of one decision. It asks by the digest of a credential whose text nobody has, in
// place of that of the standIn, and remembers the answer.
type witness struct {
	FactStore
	digest Digest
	query  Query
	facts  Facts
}

// Lookup implements FactStore. It does not ask for what is kept first: that is not as of now.
func (w *witness) Lookup(ctx context.Context, l *Lookup) error {
	l.Query.Digest, l.Query.AtOnce = w.digest, false
	err := w.FactStore.Lookup(ctx, l)
	w.query, w.facts = l.Query, l.Facts
	return err
}
