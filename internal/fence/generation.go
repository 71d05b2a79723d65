// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"errors"
	"math"
	"sync/atomic"
	"time"

	"aeroplane.run/authz"
)

// A generation is all that a replica knows in one incarnation: how far it has applied the history, until when it may
// decide, and the records that it keeps. When the database turns out to have another history than the one applied, the
// generation is given up whole, and never used again: a look-up keeps to the one that it began with, so that nothing
// read from one history is ever judged by another.
type generation struct {
	id MemberID
	// validUntil is the end of the lease by the boot clock. Zero: there is none. It only grows, until it is zero for good.
	validUntil atomic.Int64
	// applied is the last row of the log that was applied. The loop alone moves it, and replaces it whole: who loads the
	// same pointer twice knows that nothing was applied in between.
	applied atomic.Pointer[authz.Revision]
	// vouched is the number of the last row that a round has shown, so that the commit of a round vouches for it. What was
	// applied beyond came by a mere read, and may be undone by a failover.
	vouched atomic.Int64
	// lastAll is the newest row that was about everything.
	lastAll atomic.Int64
	clock   atomic.Pointer[reading]
	window  *window
	hash    hash
	kept    kept
	shards  [shardCount]shard // of what is kept

	retired   int           // the next shard to be aged
	retiredAt time.Duration // by the boot clock, when the last of them was due. Zero: nobody has looked yet.
}

// forEver is the lease of who is alone.
const forEver = math.MaxInt64

// A reading is what the clock of the database said, not before boot.
type reading struct {
	clock time.Time
	boot  time.Duration
}

func newGeneration(id MemberID, head authz.Revision, l limits) *generation {
	g := &generation{id: id, window: newWindow(l.window, head), hash: newHash()}
	g.applied.Store(&head)
	g.kept.init()
	for i := range g.shards {
		g.shards[i].init(l, table{in: &g.kept.known, number: i}, table{in: &g.kept.absent, number: i})
	}
	return g
}

// shard returns the shard of a subject, and the subject's hash, which it is found by there as well.
func (g *generation) shard(s authz.Subject) (*shard, uint64) {
	hash := g.hash.of(s.Kind, []byte(s.ID))
	return &g.shards[hash%shardCount], hash
}

// leased reports whether the lease holds at an instant of the boot clock, which must have been read after the request
// came.
func (g *generation) leased(boot time.Duration) bool { return int64(boot) < g.validUntil.Load() }

// extend makes the lease last until an instant, which is later than before: the loop makes one round after the other. A
// generation that was given up stays so: only the loop extends and ends.
func (g *generation) extend(until time.Duration) { g.validUntil.Store(int64(until)) }

// end gives the generation up. Who passed its lease check before may finish.
func (g *generation) end() { g.validUntil.Store(0) }

// ended reports whether a generation that had a lease was given up.
func (g *generation) ended() bool { return g.validUntil.Load() == 0 }

// knows reports whether a revision is applied, as far as the window tells. A row is in the window before it is applied.
func (g *generation) knows(r authz.Revision) bool {
	return g.applied.Load().Seq >= r.Seq && g.window.holds(r)
}

// errNotKept says that a record is not kept.
var errNotKept = errors.New("the record is not kept")

// Read implements authz.Reader, from what is kept alone.
func (g *generation) Read(kind authz.SubjectKind, id []byte, r *authz.Record) error {
	e := g.find(kind, id)
	if e == nil {
		return errNotKept
	}
	e.record(r)
	if r.Parent != "" {
		r.Projects = g.projects(e)
	}
	return nil
}

func (g *generation) find(kind authz.SubjectKind, id []byte) *entry {
	return g.kept.get(g.hash.of(kind, id), kind, id)
}

// projects returns the record of the project that an entry leads to, if all on the way there is kept.
func (g *generation) projects(e *entry) []authz.ProjectRef {
	for e != nil {
		switch what := e.known().(type) {
		case *[]authz.ProjectRef:
			return *what
		case *parent:
			e = g.parent(e.kind, what)
		default:
			return nil
		}
	}
	return nil
}

// parent returns the entry of the parent of a kind of subject, or nil.
func (g *generation) parent(of authz.SubjectKind, p *parent) *entry {
	if e := p.entry.Load(); e != nil && !e.left.Load() {
		return e
	}
	kind := authz.OfProject
	if of == authz.OfDeployment {
		kind = authz.OfService
	}
	e := g.find(kind, []byte(p.id))
	if e != nil && e.what != nil {
		p.entry.Store(e)
	}
	return e
}

// apply lets go of what a row is about. Its number is the one after the last that was applied.
//
// The order matters. First nothing older can be admitted, nor is any kept; then the row's own revision is known; and then
// the revision is said to be applied.
func (g *generation) apply(r Row) {
	switch {
	case r.Subject.Kind == authz.OfMark:
	case aboutOne(r.Subject):
		sh, hash := g.shard(r.Subject)
		sh.forget(hash, r.Subject, r.Seq)
	default:
		g.lastAll.Store(r.Seq)
		for i := range g.shards {
			g.shards[i].forgetAll()
		}
	}
	step("apply: forgotten, not in the window")
	if fallen, seq, full := g.window.push(r); full {
		sh, _ := g.shard(fallen.subject)
		sh.prune(fallen.subject, seq)
	}
	step("apply: in the window, not applied")
	g.applied.Store(&r.Revision)
}

// lower makes the window reach further back, so that older records are admitted. rows are newest first, from the first row
// of the window on. That row counts as well: if it is the one at which we joined, nobody has looked yet what it is about, and
// older records must not be admitted before somebody has.
func (g *generation) lower(rows []Row) {
	rows = rows[:min(len(rows), 1+g.window.room())]
	for _, r := range rows {
		switch {
		case r.Subject.Kind == authz.OfMark:
		case aboutOne(r.Subject):
			sh, _ := g.shard(r.Subject)
			sh.note(r.Subject, r.Seq)
		default:
			g.lastAll.Store(max(g.lastAll.Load(), r.Seq))
		}
	}
	step("lower: noted, not lowered")
	g.window.lower(rows)
}

// aboutOne reports whether a row is about one subject: of a kind that this program knows, or else it may be about anything.
func aboutOne(s authz.Subject) bool { return s.Kind >= authz.OfKey && s.Kind <= authz.OfUser }

// A verdict is what becomes of a record that somebody brings.
type verdict uint8

const (
	admitted verdict = iota // it is true at what was applied, and is kept
	early                   // it is newer than what was applied
	changed                 // its subject changed since
	old                     // it is older than the window, so nobody can tell
	foreign                 // it is of another history
)

// String returns the word for metrics.
func (v verdict) String() string {
	return [...]string{"admitted", "early", "changed", "old", "foreign"}[v]
}

// admit is the rule by which records come to be kept, wherever they come from and however late: a record is true now if it
// was true at a revision of our own history, and its subject did not change between then and what we have applied. It must
// be asked anew by each who wants to use the record, after checking the lease.
func (g *generation) admit(s authz.Subject, r authz.Record, at authz.Revision) verdict {
	sh, hash := g.shard(s)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	floor, _ := g.window.bounds() // before lastAll: what the window is lowered to was noted there first
	switch {
	case at.Seq > g.applied.Load().Seq:
		return early
	case at.Seq < floor:
		return old
	case !g.window.holds(at):
		return foreign
	case sh.last[s] > at.Seq, g.lastAll.Load() > at.Seq:
		return changed
	}
	sh.keep(hash, s, r, at.Seq)
	return admitted
}

// retire ages one shard after the other, so that nothing is used for longer than recordLife. No guarantee rests on it: it
// is for the change that nobody logged, because somebody had taken a trigger away.
func (g *generation) retire(boot time.Duration) {
	if g.retiredAt == 0 {
		g.retiredAt = boot
	}
	const interval = recordLife / shardCount
	due := (boot - g.retiredAt) / interval
	g.retiredAt += due * interval
	for range min(due, shardCount) {
		g.shards[g.retired].age()
		g.retired = (g.retired + 1) % shardCount
	}
}

// now returns the time by which to judge what expires: at least the time of the database's clock at an instant of our
// boot clock. All replicas read one clock, and so agree to within a round trip and what the boot clocks may be wrong by.
func (g *generation) now(boot time.Duration) time.Time {
	r := g.clock.Load()
	return r.clock.Add(ahead(max(0, boot-r.boot))) // negative if a round was done since
}
