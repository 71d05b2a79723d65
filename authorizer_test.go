// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/resolver"
)

// world is a FactStore that answers every query alike, and keeps what it was asked but not at once.
type world struct {
	facts Facts
	err   error
	kept  bool // and so known at once
	asked []Query
	tried int // how often it was asked at once for what is not kept
}

func (w *world) Lookup(_ context.Context, l *Lookup) error {
	if l.Query.AtOnce && !w.kept {
		w.tried++
		return ErrNotAtOnce
	}
	w.asked = append(w.asked, l.Query)
	l.Facts = w.facts
	l.Facts.Now = noon
	return w.err
}

// authorize asks a world at noon, and returns also which keys were noted as used.
func (w *world) authorize(t *testing.T, r Request) (d Decision, used []string, err error) {
	t.Helper()
	a := Authorizer{
		Routes: resolver.Default(), Facts: w,
		Used: func(key *KeyRecord, at time.Time) {
			if !at.Equal(noon) {
				t.Errorf("used at %v", at)
			}
			used = append(used, key.ID)
		},
	}
	d, err = a.Authorize(t.Context(), r)
	return d, used, err
}

var ownText, importedText = apikey.Mint().Secret.Reveal(), "ap_aB3-_zzz_" + strings.Repeat("x-_9", 10) + "abc"

// What needs no facts asks for none: a mistyped key must cost no look-up but in what is kept, and what everybody may do costs none at all.
func TestAuthorizeWithoutLookup(t *testing.T) {
	mistyped := ownText[:68] + string(ownText[68]^1)
	for _, c := range []struct {
		name string
		r    Request
		want Decision
	}{
		{"method", Request{Method: "get", Target: "/api/projects", Credential: KeyText(ownText)},
			Decision{Reason: MethodNotAllowed, Detail: "unknown method"}},
		{"path", Request{Method: "GET", Target: "/api//projects", Credential: KeyText(ownText)},
			Decision{Reason: MalformedPath, Detail: "empty segment"}},
		{"preflight", Request{Method: "OPTIONS", Target: "/api/projects", Credential: KeyText(ownText)}, Decision{Allowed: true}},
		{"public", Request{Method: "GET", Target: "/api/health", Credential: KeyText(ownText)}, Decision{Allowed: true}},
		{"public, contradictory", Request{Method: "GET", Target: "/api/health", Credential: auth("", "").Credential()},
			Decision{Allowed: true}},
		{"mistyped", Request{Method: "GET", Target: "/api/projects", Credential: KeyText(mistyped)},
			Decision{Reason: InvalidKey, Detail: "malformed"}},
		{"no key at all", Request{Method: "GET", Target: "/api/projects", Credential: KeyText("secret")},
			Decision{Reason: InvalidKey, Detail: "malformed"}},
		{"contradictory", Request{Method: "GET", Target: "/api/projects", Credential: auth("", "").Credential()},
			Decision{Reason: InvalidKey, Detail: "contradictory credential headers"}},
		{"nobody", Request{Method: "GET", Target: "/api/projects"},
			Decision{Reason: AuthenticationRequired, Detail: "no credential"}},
		{"an empty cookie", Request{Method: "GET", Target: "/api/projects", Credential: SessionToken("")},
			Decision{Reason: AuthenticationRequired, Detail: "no credential"}},
		{"nobody on a sign-in page", Request{Method: "POST", Target: "/api/auth/login"}, Decision{Allowed: true}},
	} {
		w := &world{err: errors.New("nobody may ask")}
		got, used, err := w.authorize(t, c.r)
		got.Route = 0
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" || w.asked != nil || used != nil {
			t.Errorf("%s: error %v, asked %v, used %v (-want +got):\n%s", c.name, err, w.asked, used, diff)
		}
		if w.tried > 0 != (c.name == "mistyped") { // by its length it could be one that is kept
			t.Errorf("%s: asked %d times for what is kept", c.name, w.tried)
		}
	}
}

// What a decision asks for, by the form of its credential and what the route reaches.
func TestAuthorizeAsks(t *testing.T) {
	to, odd, unknown := "project", "\x00", ""
	key, session := KeyText(ownText), SessionToken("token")
	for _, c := range []struct {
		name, method, target string
		credential           Credential
		to                   *string
		want                 Query
	}{
		{"key", "GET", "/api/projects/web", key, nil,
			Query{Kind: KeyCredential, Digest: apikey.DigestOf(ownText), Scope: resolver.ProjectSlug, ID: "web"}},
		{"imported key", "GET", "/api/projects", KeyText(importedText), nil,
			Query{Kind: KeyCredential, Digest: apikey.DigestOf(importedText), Scope: resolver.ProjectList}},
		{"session", "HEAD", "/api/services/s/overview?id=t", session, nil,
			Query{Kind: SessionCredential, Digest: apikey.DigestOf("token"), Scope: resolver.Service, ID: "s"}},
		{"transfer", "POST", "/api/services/s/transfer", key, &to,
			Query{Kind: KeyCredential, Digest: apikey.DigestOf(ownText), Scope: resolver.ServiceTransfer, ID: "s", TransferTo: &to}},
		{"transfer to no id", "POST", "/api/services/s/transfer", key, &odd,
			Query{Kind: KeyCredential, Digest: apikey.DigestOf(ownText), Scope: resolver.ServiceTransfer, ID: "s", TransferTo: &unknown}},
		{"no id", "GET", "/api/services/" + strings.Repeat("x", 129) + "/overview", key, nil,
			Query{Kind: KeyCredential, Digest: apikey.DigestOf(ownText), Scope: resolver.Service}},
		{"no slug", "GET", "/api/projects/" + strings.Repeat("x", 256), key, nil,
			Query{Kind: KeyCredential, Digest: apikey.DigestOf(ownText), Scope: resolver.ProjectSlug}},
		{"a target elsewhere", "PATCH", "/api/services/s", key, &to,
			Query{Kind: KeyCredential, Digest: apikey.DigestOf(ownText), Scope: resolver.Service, ID: "s"}},
	} {
		w := &world{}
		_, _, err := w.authorize(t, Request{Method: c.method, Target: c.target, Credential: c.credential, TransferTo: c.to})
		if diff := cmp.Diff([]Query{c.want}, w.asked); err != nil || diff != "" {
			t.Errorf("%s: error %v, asked (-want +got):\n%s", c.name, err, diff)
		}
	}
}

// What is known at once is asked for once. What is not is not waited for where the answer is wanted at once.
func TestAuthorizeAtOnce(t *testing.T) {
	r := Request{Method: "GET", Target: "/api/projects", Credential: KeyText(ownText)}
	w := &world{facts: Facts{Key: key(Read, "", true)}, kept: true}
	if d, _, err := w.authorize(t, r); err != nil || !d.Allowed || len(w.asked) != 1 || !w.asked[0].AtOnce {
		t.Errorf("known: %+v, %v, asked %+v", d, err, w.asked)
	}
	r.AtOnce = true
	w = &world{facts: w.facts}
	if _, _, err := w.authorize(t, r); err != ErrNotAtOnce || w.asked != nil {
		t.Errorf("not known: %v, asked %+v", err, w.asked)
	}
	r.Credential = KeyText(ownText[:68])
	if d, _, err := w.authorize(t, r); err != nil || d.Reason != InvalidKey || w.asked != nil {
		t.Errorf("not the text of a key: %+v, %v, asked %+v", d, err, w.asked)
	}
}

// A use counts when the key authenticates, also if the request is then refused; a bad key's does not count (6).
func TestAuthorizeNotesUse(t *testing.T) {
	good, revoked, expired := key(Read, "", true), key(Read, "", true), key(Read, "", true)
	revoked.Revoked, expired.Expires = true, InstantOf(noon)
	for _, c := range []struct {
		name, method, target string
		key                  *KeyRecord
		reason               Reason
		used                 []string
	}{
		{"allowed", "GET", "/api/projects", good, 0, []string{"k"}},
		{"read-only", "POST", "/api/projects", good, ReadOnlyKey, []string{"k"}},
		{"needs a browser", "GET", "/api/system", good, BrowserSessionRequired, []string{"k"}},
		{"sign-in page", "GET", "/api/auth/status", good, BrowserSessionRequired, []string{"k"}},
		{"unknown", "GET", "/api/projects", nil, InvalidKey, nil},
		{"revoked", "GET", "/api/projects", revoked, InvalidKey, nil},
		{"expired", "GET", "/api/projects", expired, InvalidKey, nil},
		{"public", "GET", "/api/health", good, 0, nil},
		{"preflight", "OPTIONS", "/api/projects", good, 0, nil},
	} {
		w := &world{facts: Facts{Key: c.key}}
		d, used, err := w.authorize(t, Request{Method: c.method, Target: c.target, Credential: KeyText(ownText)})
		if err != nil || d.Reason != c.reason || !slices.Equal(used, c.used) {
			t.Errorf("%s: %+v, %v; used %v, want %v", c.name, d, err, used, c.used)
		}
		if recognised := c.key != nil && w.asked != nil; (d.KeyID == "k") != recognised {
			t.Errorf("%s: the log is told of key %q", c.name, d.KeyID)
		}
	}
}

// When the facts cannot be had there is no decision: an error, never an allow, and nothing counts as used.
func TestAuthorizeWithoutFacts(t *testing.T) {
	failure := errors.New("no database")
	for _, target := range []string{"/api/projects", "/api/auth/status", "/api/system", "/nowhere"} {
		for _, c := range []Credential{KeyText(ownText), SessionToken("token")} {
			w := &world{err: failure, facts: Facts{Key: key(Write, "", true), Session: session("", UserRoleOwner)}}
			d, used, err := w.authorize(t, Request{Method: "POST", Target: target, Credential: c})
			if !errors.Is(err, failure) || d.Allowed || used != nil {
				t.Errorf("%s: %+v, %v, used %v", target, d, err, used)
			}
		}
	}
}
