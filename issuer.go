// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/internal/secret"
)

// The bounds of a key's life, its name and its selection.
const (
	MinKeyLife      = time.Minute
	MaxKeyLife      = 3650 * 24 * time.Hour
	maxKeyName      = 80
	MaxKeyProjects  = 1000
	maxRequestIDLen = 128
)

// An Issuer creates, lists and revokes keys.
type Issuer struct {
	Store KeyStore
	Now   func() time.Time
}

// A KeyRequest describes a key to create.
type KeyRequest struct {
	Name     string // trimmed; 1 to 80 characters
	UserID   string // empty in a single-user installation
	Access   Access
	Projects ProjectScope // all, or 1 to 1000 ids in any order
	// Life is how long the key is good for, MinKeyLife to MaxKeyLife. Zero is only valid with Forever.
	Life    time.Duration
	Forever bool
	// Wait returns only when the key is known everywhere. Without it a replica may refuse the key for a moment, if
	// somebody tried it before it was made.
	Wait bool
	// RequestID makes the call safe to repeat for as long as retention remembers it. Empty: it is not.
	RequestID string
}

// An Issued key is the answer to Create.
type Issued struct {
	Key      Key
	Secret   secret.Text // the whole key, this once; zero when Replayed
	Replayed bool        // an earlier call with the same RequestID made the key
	Receipt
}

// Create mints a key. Errors: Invalid; FailedPrecondition if the request id was used for something else.
func (s *Issuer) Create(ctx context.Context, a Actor, r KeyRequest) (Issued, error) {
	r.Name = strings.TrimSpace(r.Name)
	if err := r.check(); err != nil {
		return Issued{}, err
	}
	r.Projects.IDs = sorted(r.Projects.IDs)
	minted := apikey.Mint()
	now := stamp(s.Now())
	key := Key{
		ID: minted.ID, Prefix: minted.Prefix, Name: r.Name, UserID: r.UserID,
		Access: r.Access, Projects: r.Projects, CreatedAt: now,
	}
	if !r.Forever {
		key.ExpiresAt = stamp(now.Add(r.Life))
	}
	made, err := s.Store.CreateKey(ctx, Change{Actor: a, At: now, Wait: r.Wait}, NewKey{
		Key: key, Digest: minted.Digest, RequestID: r.RequestID, Fingerprint: r.fingerprint(),
	})
	if err != nil {
		return Issued{}, err
	}
	issued := Issued{Key: made.Key, Replayed: made.Replayed, Receipt: made.Receipt}
	if !made.Replayed {
		issued.Secret = minted.Secret
	}
	return issued, nil
}

// Get returns a key, whatever its state. Errors: Invalid, NotFound.
func (s *Issuer) Get(ctx context.Context, id string) (Key, error) {
	if err := checkKeyID("id", id); err != nil {
		return Key{}, err
	}
	return s.Store.Key(ctx, id)
}

// UserOf returns the user that a key acts for, whatever its state; empty for none. Errors: Invalid, NotFound.
func (s *Issuer) UserOf(ctx context.Context, id string) (string, error) {
	if err := checkKeyID("id", id); err != nil {
		return "", err
	}
	head, err := s.Store.KeyHead(ctx, id)
	return head.UserID, err
}

// List returns a page of the keys that match. Query is trimmed; no States means live keys, and no Order NewestFirst; Now is set by List.
// Errors: Invalid.
func (s *Issuer) List(ctx context.Context, f KeyFilter, r PageRequest) ([]Key, string, error) {
	var v violations
	if f.UserID != nil {
		checkUserID(&v, "user_id", *f.UserID, optional)
	}
	checkIDs(&v, "ids", f.IDs)
	if f.ProjectID != "" {
		checkID(&v, "project_id", f.ProjectID)
	}
	if f.Access != 0 {
		checkAccess(&v, "access_level", f.Access)
	}
	f.Query = checkQuery(&v, f.Query)
	if apikey.FormOf(f.Query) != apikey.Malformed { // which would be found by nothing that is stored
		v.add("query", "must be text of a key's name, prefix or id, and not the key itself")
	}
	f.Order = checkOrder(&v, f.Order, NewestFirst)
	if err := v.err(); err != nil {
		return nil, "", err
	}
	if len(f.States) == 0 {
		f.States = []KeyState{Live}
	}
	f.IDs = sorted(f.IDs) // so that a page token does not depend on their order
	filter := f           // without the time, which is another one on the next page
	f.Now = stamp(s.Now())
	cursor := func(k Key) Cursor { return Cursor{At: k.CreatedAt.UnixMicro(), ID: k.ID} }
	if f.Order == ByName {
		cursor = func(k Key) Cursor { return Cursor{Name: k.Name, ID: k.ID} }
	}
	return paged(r, "keys", filter, cursor, func(p Page) ([]Key, error) { return s.Store.Keys(ctx, f, p) })
}

// Revoke ends a key for good. Errors: Invalid, NotFound.
func (s *Issuer) Revoke(ctx context.Context, a Actor, id string) (RevokedKey, error) {
	if err := checkKeyID("id", id); err != nil {
		return RevokedKey{}, err
	}
	return s.Store.RevokeKey(ctx, Change{Actor: a, At: stamp(s.Now())}, id)
}

// RevokeOfUser ends every key that acts for a user. Errors: Invalid.
func (s *Issuer) RevokeOfUser(ctx context.Context, a Actor, userID string) (Counted, error) {
	if err := checkOneUser("user_id", userID, required); err != nil {
		return Counted{}, err
	}
	return s.Store.RevokeKeysOfUser(ctx, Change{Actor: a, At: stamp(s.Now())}, userID)
}

// sorted returns the ids in order, each once. The caller's slice stays as it is.
func sorted(ids []string) []string {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}

func (r *KeyRequest) check() error {
	var v violations
	checkText(&v, "name", r.Name, 1, maxKeyName)
	checkUserID(&v, "user_id", r.UserID, optional)
	checkAccess(&v, "access_level", r.Access)
	switch n := len(r.Projects.IDs); {
	case r.Projects.All && n > 0:
		v.add("projects", "must be all, or name projects, not both")
	case !r.Projects.All && (n == 0 || n > MaxKeyProjects):
		v.add("projects", "must be all, or name 1 to %d projects", MaxKeyProjects)
	}
	if len(r.Projects.IDs) <= MaxKeyProjects { // more are refused already, however many
		for i, id := range r.Projects.IDs {
			checkID(&v, fmt.Sprintf("projects.project_ids[%d]", i), id)
		}
	}
	switch {
	case r.Forever && r.Life != 0:
		v.add("expires_in", "must not be set for a key that never expires")
	case !r.Forever && (r.Life < MinKeyLife || r.Life > MaxKeyLife):
		v.add("expires_in", "must be a minute to 3650 days, or the key be one that never expires")
	}
	if r.RequestID != "" {
		checkText(&v, "request_id", r.RequestID, 1, maxRequestIDLen)
	}
	return v.err()
}

// fingerprint tells a repeated call from another one that uses its request id. It is stored, and compared by later
// versions: what it covers has a form of its own, with a version, that does not follow the struct.
func (r *KeyRequest) fingerprint() Digest {
	var b strings.Builder
	for _, field := range append([]string{
		"create-key/1", r.Name, r.UserID, r.Access.String(),
		strconv.FormatBool(r.Projects.All), r.Life.String(), strconv.FormatBool(r.Forever),
	}, r.Projects.IDs...) {
		fmt.Fprintf(&b, "%d:%s,", len(field), field)
	}
	return apikey.DigestOf(b.String())
}

// checkKeyID checks the id of a key. A key in its place, whole or mistyped, is a likely slip of whoever is about to revoke one that
// has leaked: it is told apart, and not repeated.
func checkKeyID(field, id string) error {
	if apikey.FormOf(id) != apikey.Malformed || apikey.Redact(id) != id {
		return InvalidFields(Violation{Field: field, Description: "must be the id of a key, and not the key itself"})
	}
	return checkOne(field, id)
}
