// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"strings"
	"sync/atomic"
	"time"
)

// A Subject is what a Record is about. A change alters the answer about certain subjects, and says so in the history;
// whoever keeps records lets go of those. Subjects of what does not exist are subjects too.
type Subject struct {
	Kind SubjectKind
	// ID is, by kind: of a key or a session the 32 bytes of its Digest; of a project, service or deployment the id; of a
	// slug what SlugSubject or SlugOfAnySubject makes; of a user the id of the user, empty for nobody.
	ID string
}

// A SubjectKind is a kind of Subject. The numbers are stored, and are not used twice.
type SubjectKind uint8

const (
	// OfMark is a place in the history where nothing changed.
	OfMark SubjectKind = 0
	// OfKey is one key, with its selection.
	OfKey SubjectKind = 1
	// OfService is which project a service is in.
	OfService SubjectKind = 2
	// OfProject is whose a project is.
	OfProject SubjectKind = 3
	// OfDeployment is which service a deployment is of.
	OfDeployment SubjectKind = 4
	// OfSession is one session.
	OfSession SubjectKind = 5
	// OfSlug is which projects bear a slug.
	OfSlug SubjectKind = 6
	// OfUser is which projects are a user's.
	OfUser SubjectKind = 7
	// OfEverything is all subjects at once. So is every kind that is not on this list.
	OfEverything SubjectKind = 9
)

// String returns the kind in a word, for logs and metrics.
func (k SubjectKind) String() string {
	return word(k, "mark", "key", "service", "project", "deployment", "session", "slug", "user", "", "everything")
}

// KeySubject is the key with a digest.
func KeySubject(d Digest) Subject { return Subject{OfKey, string(d[:])} }

// SessionSubject is the session with a digest.
func SessionSubject(d Digest) Subject { return Subject{OfSession, string(d[:])} }

// SlugSubject is the project of an owner, empty for nobody, that bears a slug. No slug that a path can name holds a "/".
func SlugSubject(slug, owner string) Subject { return Subject{OfSlug, slug + slugAndOwner + owner} }

// slugAndOwner stands between the two in the ID of a slug.
const slugAndOwner = "/"

// SlugOfAnySubject is the projects of whomever that bear a slug.
func SlugOfAnySubject(slug string) Subject { return Subject{OfSlug, slug} }

// Slug takes the ID of an OfSlug subject apart. any: owner says nothing.
func (s Subject) Slug() (slug, owner string, any bool) {
	slug, owner, found := strings.Cut(s.ID, slugAndOwner)
	return slug, owner, !found
}

// A Record is what is known of a Subject. The zero Record says that nothing is.
//
// Whoever gets a Record may keep what it points to, and changes none of it, nor copies it.
type Record struct {
	// Key is the key, whatever its state, its selection with it.
	Key *KeyRecord
	// Session is the session, whatever its state.
	Session *Session
	// Parent is the project of a service, or the service of a deployment. It may not be known itself.
	Parent string
	// Projects is, for a project, itself; for the slug of an owner the one that bears it; for a slug of any owner two
	// that bear it, if there are so many; for a user all that are theirs.
	Projects []ProjectRef
}

// A KeyRecord is what decisions and their answers need of a Key. Replicas keep a million of them: a field more is 10 MB. What is
// needed to decide comes first.
type KeyRecord struct {
	Expires Instant
	Access  Access
	Revoked bool
	// Projects is what the key reaches.
	Projects ProjectScope
	UserID   string
	ID       string
	Name     string
	Prefix   string

	listed atomic.Bool  // among those whose use is to be written
	noted  atomic.Int64 // the latest use that was noted by way of this record, in microseconds since 1970
}

// Record returns what decisions need of the key.
func (k *Key) Record() *KeyRecord {
	return &KeyRecord{ID: k.ID, Name: k.Name, Prefix: k.Prefix, UserID: k.UserID, Projects: k.Projects, Expires: InstantOf(k.ExpiresAt),
		Access: k.Access, Revoked: !k.RevokedAt.IsZero()}
}

// State returns the state of the key at an instant.
func (k *KeyRecord) State(now time.Time) KeyState { return stateOf(k.Revoked, k.Expires, now) }

// useGrain is how much later than the one noted a use must be to be noted: a second, since what is shown lags by a minute anyway.
const useGrain = int64(time.Second / time.Microsecond)

// use notes a use, and reports whether it is so much later than the one noted before.
func (k *KeyRecord) use(at int64) bool {
	for {
		was := k.noted.Load()
		if at < was+useGrain {
			return false
		}
		if k.noted.CompareAndSwap(was, at) {
			return true
		}
	}
}

// A ProjectRef is a project and whose it is.
type ProjectRef struct {
	ID      string
	OwnerID string // empty: nobody's
}

// Absent reports whether nothing is known.
func (r *Record) Absent() bool {
	return r.Key == nil && r.Session == nil && r.Parent == "" && len(r.Projects) == 0
}
