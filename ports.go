// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"time"

	"aeroplane.run/authz/resolver"
)

// A Store keeps everything. All methods may be called concurrently; none changes its arguments or keeps them.
//
// An error is an *Error, classified where it happened: Unavailable when the database could not be reached or did not
// answer in time, Internal when it answered something unforeseen, and what each method names besides.
//
// A method that makes a change returns nil only after the change, and its audit record with it, is durable, and what it
// returns rests on a commit of its own, with a place of its own in the history, even where nothing was left to be changed:
// what an earlier call did may not be known to have lasted. On any error other than those it names the outcome is unknown,
// and repeating the call is safe, but for CreateKey without a request id. A change is seen by every read that starts after
// it returned, through any Store on the same database.
type Store interface {
	RecordStore
	KeyStore
	SessionStore
	CatalogStore
	SyncStore
	AuditStore
	UseStore
	ConsoleStore

	// Ping reports whether the store can answer.
	Ping(ctx context.Context) error
	// Sweep deletes what retention no longer keeps, in transactions of at most 500 rows, until nothing is left or
	// ctx ends. Stores on one database may sweep at the same time. A request id is kept for its own time, even if the key
	// that it made goes before: forgotten any sooner, a late repeat of CreateKey would make a second key.
	Sweep(ctx context.Context, c Change, keep Cutoffs) error
	// Close releases the store. No other method may be called afterwards.
	Close() error
}

// A RecordStore reads what decisions are computed from, one subject at a time, so that it can be kept by subject.
type RecordStore interface {
	// Record returns what is known of a subject, and the newest revision, both of one instant: the record is true at that
	// revision. fresh asks for a connection that is made for this, because the usual ones may lead to a server that lags
	// behind. When ctx ends first the error is Unavailable.
	Record(ctx context.Context, s Subject, fresh bool) (Record, Revision, error)
}

// A FactStore looks up what one decision is computed from. It may keep facts, but never what was decided from them.
type FactStore interface {
	// Lookup puts the facts that l.Query asks for into l.Facts, all true at one instant, their Revision. Nothing is in them that
	// a change took away whose Receipt was given out, its barrier passed, before the call began. What is not known is absent and
	// is no error. Unavailable: they cannot be had in time, or nobody can tell that they still hold; FailedPrecondition: the
	// revision that is asked for is not of this history. ErrNotAtOnce: an answer is wanted at once, and there is none. After an
	// error there are no facts.
	//
	// Whoever gets Facts may keep what they point to, and changes none of it. A FactStore does not keep l.
	Lookup(ctx context.Context, l *Lookup) error
}

// A Follower tells when something has changed, for who shows what there is.
type Follower interface {
	// Follow returns the newest revision that was applied here as soon as that is not the one seen; the zero Revision is never it. Between
	// two that are returned there may have been any number of changes, and of anything. Unavailable: ctx or the store has ended before.
	Follow(ctx context.Context, seen Revision) (Revision, error)
}

// A Lookup is a Query, the Facts that answer it, and what it takes to gather them. It is large, and so is handed on by its address.
type Lookup struct {
	Query Query
	Facts Facts
	gathering
}

// A Query says what one decision needs to know.
type Query struct {
	// Kind and Digest name the credential.
	Kind   CredentialKind // KeyCredential or SessionCredential
	Digest Digest
	// Scope and ID name what is reached, as the route table has it.
	Scope resolver.Scope
	ID    string
	// TransferTo is the second project of a transfer. Nil: not named.
	TransferTo *string
	// Consistency is how fresh the facts must be, beyond what Lookup promises to all.
	Consistency Consistency
	// AtOnce asks for what is kept, and for nothing to be waited for: ErrNotAtOnce instead. Of a key nothing is kept but what was asked
	// for without AtOnce.
	AtOnce bool
}

// ErrNotAtOnce says that there is no answer without waiting for something. Ask again without AtOnce.
var ErrNotAtOnce error = &Error{Kind: Unavailable, Code: CodeOverloaded, Message: "there is no answer without waiting for it"}

// A Consistency asks for more than the default, which knows of every change whose barrier has passed.
type Consistency struct {
	// Strong knows of every change that was committed before the question, also where nobody was told so yet. It costs a
	// round trip to the database, which those who ask at the same time share.
	Strong bool
	// AtLeast knows of the change with this revision. Zero: none.
	AtLeast Revision
}

// Facts answer a Query.
type Facts struct {
	// Key is the key with the queried digest, whatever its state.
	Key *KeyRecord
	// Session is the session with the queried digest, whatever its state.
	Session *Session
	// Projects are the projects that the query's Scope and ID may mean: none or one. For a slug it is the one of that slug which
	// belongs to the credential's user, or, where the credential has no user, any two that bear it. For a list it is all that
	// belong to the credential's user, and none where it has no user. Where the credential is not known, none.
	Projects []ProjectRef
	// Unowned are further projects that a slug or a list may mean to a credential that has a user: those that belong to nobody.
	Unowned []ProjectRef
	// TransferTo is the project that the query's TransferTo names, if it is known.
	TransferTo *ProjectRef

	// Revision is the instant in the history at which all this is true.
	Revision Revision
	// Now is the time by which to judge what expires: not before the present time of the store's clock, which all
	// replicas share.
	Now time.Time
}

// A Change says who makes a change, and when. It goes into the audit record.
type Change struct {
	Actor Actor
	At    time.Time
	// Wait asks for the barrier also where nothing was taken away: what was added is then known everywhere when the call
	// returns. A change that narrows always waits.
	Wait bool
}

// A KeyStore keeps keys.
type KeyStore interface {
	// CreateKey stores a new key, and returns it as it was given: its selection is sorted, as it is read again. If the request
	// id was used within Cutoffs' memory it stores nothing and returns the key of that time, Replayed, or FailedPrecondition if
	// the fingerprint differs or the key was swept since. Invalid, with a violation that names it each, if a selected project is
	// unknown or, where the key has a user, not that user's.
	CreateKey(ctx context.Context, c Change, k NewKey) (CreatedKey, error)
	// RevokeKey revokes a key. On one that is revoked it keeps the first time of revocation. NotFound if there is none.
	RevokeKey(ctx context.Context, c Change, id string) (RevokedKey, error)
	// RevokeKeysOfUser revokes every key of the user that is not revoked, and returns how many. More than MaxBatch are revoked
	// by several transactions, so that other changes need not wait for all of them; after an error some may be revoked.
	RevokeKeysOfUser(ctx context.Context, c Change, userID string) (Counted, error)
	// Key returns a key, whatever its state. NotFound if there is none.
	Key(ctx context.Context, id string) (Key, error)
	// KeyHead returns the head of a key, whatever its state. It takes no longer for a key that selects many projects. NotFound if
	// there is none.
	KeyHead(ctx context.Context, id string) (KeyHead, error)
	// Keys returns the keys that match, in the filter's order. The cursor of a key is its ID, and ByName its Name, otherwise its
	// CreatedAt in microseconds.
	Keys(ctx context.Context, f KeyFilter, p Page) ([]Key, error)
}

// A KeyHead says whose a key is, and by which digest facts of it are looked up.
type KeyHead struct {
	UserID string
	Digest Digest
}

// A NewKey is a key to store.
type NewKey struct {
	Key
	Digest Digest
	// RequestID makes the creation safe to repeat. Empty: it is not.
	RequestID string
	// Fingerprint is a digest of what was asked for with RequestID.
	Fingerprint Digest
}

// A KeyFilter selects and orders keys. The zero filter selects none: States must be named.
type KeyFilter struct {
	UserID    *string  // only keys that act for this user; empty: for nobody
	IDs       []string // only these keys, as far as they are known; none: all
	ProjectID string   // only keys that reach this project, by the rules of scope (5)
	Access    Access   // only keys of this access; zero: of any
	Query     string   // only keys whose Name, Prefix or ID contains this, ASCII letters in any case; empty: all
	States    []KeyState
	Now       time.Time // the instant that States are about
	Order     Order     // ByName; otherwise NewestFirst
}

// A SessionStore keeps sessions.
type SessionStore interface {
	// PutSession stores or replaces a session. FailedPrecondition if it was revoked. RevokedAt is ignored.
	PutSession(ctx context.Context, c Change, s Session) (Receipt, error)
	// RevokeSession revokes a session, like RevokeKey.
	RevokeSession(ctx context.Context, c Change, d Digest) (RevokedSession, error)
	// RevokeSessionsOfUser revokes every session of the user that is not revoked, like RevokeKeysOfUser.
	RevokeSessionsOfUser(ctx context.Context, c Change, userID string) (Counted, error)
}

// A CatalogStore keeps what exists in Aeroplane. Each method is one transaction. Ids are compared as bytes. Putting
// what is stored already changes nothing and leaves no audit record; nor does deleting what is not there.
type CatalogStore interface {
	// PutProjects creates or replaces projects and returns how many were new or different. AlreadyExists, naming the
	// other project, if an owner would have two of one slug.
	PutProjects(ctx context.Context, c Change, p []Project) (Counted, error)
	// DeleteProjects deletes projects, takes them out of every key's selection, and returns how many there were.
	DeleteProjects(ctx context.Context, c Change, ids []string) (Counted, error)
	// Projects returns the projects that match, in the filter's order. The cursor of a project is its ID, and ByName its Name besides.
	Projects(ctx context.Context, f ProjectFilter, p Page) ([]Project, error)

	// PutServices creates or replaces services and returns how many were new or different.
	PutServices(ctx context.Context, c Change, s []Service) (Counted, error)
	// DeleteServices deletes services and returns how many there were.
	DeleteServices(ctx context.Context, c Change, ids []string) (Counted, error)
	// Services returns the services in a project, or all where it is empty, by id.
	Services(ctx context.Context, projectID string, p Page) ([]Service, error)

	// PutDeployments creates or replaces deployments and returns how many were new or different.
	PutDeployments(ctx context.Context, c Change, d []Deployment) (Counted, error)
	// DeleteDeployments deletes deployments and returns how many there were.
	DeleteDeployments(ctx context.Context, c Change, ids []string) (Counted, error)
	// Deployments returns the deployments of a service, or all where it is empty, by id.
	Deployments(ctx context.Context, serviceID string, p Page) ([]Deployment, error)
}

// A SyncStore keeps what Aeroplane itself says that there is, in step with it.
type SyncStore interface {
	// SyncState returns how what is kept stands to Aeroplane. Before the first sync it is zero.
	SyncState(ctx context.Context) (SyncState, error)
	// Sync does all that a delta says in one transaction, if the state still has the tag of before, and makes next the state;
	// FailedPrecondition if it has not. It returns how many things were new or different, or went. Keys that were revoked stay as
	// they are, and so do sessions; and what Aeroplane has not made is no key of Aeroplane's, whatever its id or secret. Other errors
	// are those of the methods that put and delete singly.
	Sync(ctx context.Context, c Change, d *Delta, before int64, next SyncState) (Counted, error)
	// ReportSync notes what is reported, unless that is older than what is noted. It is no change: it leaves no audit record, and
	// may be lost.
	ReportSync(ctx context.Context, r SyncReport) error
	// ForeignKeys returns the keys that Sync has put, whatever their state, by id.
	ForeignKeys(ctx context.Context, p Page) ([]ForeignKey, error)
	// ForeignSessions returns the sessions that Sync has put, whatever their state, by digest, which is the cursor's ID.
	ForeignSessions(ctx context.Context, p Page) ([]Session, error)
}

// A SyncState tells how what is kept stands to Aeroplane.
type SyncState struct {
	Revision  int64     // of the inventory that was taken over last; 0: none
	Tag       int64     // random, of the last write of a sync; 0: there was none
	Complete  bool      // that sync came to its end
	Source    string    // where it came from, for people
	SyncedAt  time.Time // when it was
	SeenAt    time.Time // when Aeroplane was last known to say nothing else
	Trouble   string    // why that is not known any more; empty: it is
	TroubleAt time.Time // since when; zero: there is none
	Refused   int       // how many things of Aeroplane's break a rule, and are not kept
	KeysOurs  bool      // keys are ours: what Aeroplane says of them is not followed
}

// A SyncReport says whether what is kept is still what Aeroplane says.
type SyncReport struct {
	At      time.Time
	Trouble string // why that is not known; empty: it is
}

// An AuditStore returns what was recorded.
type AuditStore interface {
	// Events returns the records that match, newest first. The cursor of an event is its ID, as Cursor.At.
	Events(ctx context.Context, f EventFilter, p Page) ([]Event, error)
}

// A UseStore keeps when keys were last used, apart from the keys, so that use never touches what decisions read.
type UseStore interface {
	// RecordUse notes uses, of several of one key the latest. A time earlier than the one stored changes nothing, and neither does an
	// unknown key.
	RecordUse(ctx context.Context, uses []KeyUse) error
}

// A ConsoleStore keeps console sessions, and the codes that open them. None of this is in the history: no decision depends on it.
type ConsoleStore interface {
	// PutConsoleCode stores a code.
	PutConsoleCode(ctx context.Context, c Change, code ConsoleSession) error
	// OpenConsole takes a code away that has not expired, and stores a session for the administrator's token which the code has; its name is
	// that of the actor in the audit record. It returns the session. Unauthenticated if there is no such code. Of several calls with one code
	// one succeeds.
	OpenConsole(ctx context.Context, c Change, code Digest, s ConsoleSession) (ConsoleSession, error)
	// ConsoleSession returns a session, also one that has expired. Unauthenticated if there is none, and for a code.
	ConsoleSession(ctx context.Context, d Digest) (ConsoleSession, error)
	// EndConsole deletes a session, if there is one; the actor in the audit record is its token. Without one nothing is written.
	EndConsole(ctx context.Context, c Change, d Digest) error
}

// A KeyUse says that a key authenticated a request.
type KeyUse struct {
	KeyID string
	At    time.Time
}

// A Page is a stretch of a list: at most Size rows after the row that After points at.
type Page struct {
	Size  int    // at least 1
	After Cursor // zero: from the start
}

// A Cursor points at a row of a list by the columns that the list is ordered by. Lists by id use ID alone.
type Cursor struct {
	At   int64
	Name string
	ID   string
}

// IsZero reports whether the cursor points at nothing.
func (c Cursor) IsZero() bool { return c == Cursor{} }

// Cutoffs say what retention keeps: rows of which the named time is before the cutoff may go. A zero time keeps all.
type Cutoffs struct {
	Events     time.Time // audit records, by when they were written
	Keys       time.Time // revoked and expired keys, by when they ended
	Sessions   time.Time // revoked and expired sessions, by when they would have expired
	RequestIDs time.Time // remembered request ids, by when they were used
}
