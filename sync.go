// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"time"
)

// A Syncer makes what is kept what Aeroplane says that there is: by a whole Inventory, or by the Delta since the last one.
//
// Any number of them may work on one database. Each write says which one it follows, and is refused if another came between.
type Syncer struct {
	Store interface {
		SyncStore
		CatalogStore
	}
	Now func() time.Time
	// KeepKeys is how long keys stay on record after their end. Those that ended before are not taken over, only to be deleted.
	// Zero: for ever.
	KeepKeys time.Duration
}

// maxRevision leaves room for revisions that come after any other: there is no way back from one.
const maxRevision = 1 << 62

// A SyncRequest says what is to be taken over, and how.
type SyncRequest struct {
	// Revision orders what Aeroplane says: an older inventory is refused. 1 to maxRevision.
	Revision int64
	// Source tells people where the inventory comes from.
	Source string
	// TakeKeys takes over what Aeroplane has of keys, after which keys are ours. Where they are already, it adds those that are not
	// known here, and revokes those that are revoked there.
	TakeKeys bool
	// Cautious refuses an inventory that would take away most of what is kept.
	Cautious bool
	// DryRun changes nothing.
	DryRun bool
	// Refused is how many things of Aeroplane's are not in the inventory, because they break a rule.
	Refused int
	// Trouble is why what is kept is then not what Aeroplane says: some of that is held back. Empty: it is.
	Trouble string
	// Progress is told how much of what is to be done is done. Nil: nobody is.
	Progress func(done, all int)
}

// A SyncResult is what came of it.
type SyncResult struct {
	Delta    *Delta // what was to be done, and with DryRun would be
	Counts   []SyncCount
	Changes  []SyncChange // with DryRun, the first maxChanges
	KeysOurs bool         // keys are ours, and what the inventory says of them was not followed
	Receipt
}

// A SyncCount counts what is kept of one kind.
type SyncCount struct {
	Kind                    string
	Had, New, Changed, Gone int
}

// A SyncChange says what becomes of one thing.
type SyncChange struct {
	Kind, ID string
	// Before and After say what is known of it. Empty: nothing.
	Before, After string
}

// State returns how what is kept stands to Aeroplane.
func (s *Syncer) State(ctx context.Context) (SyncState, error) { return s.Store.SyncState(ctx) }

// Report notes that what is kept is still what Aeroplane says, or why nobody knows.
func (s *Syncer) Report(ctx context.Context, r SyncReport) error {
	var v violations
	checkText(&v, "trouble", r.Trouble, 0, maxTrouble)
	if err := v.err(); err != nil {
		return err
	}
	r.At = stamp(s.Now())
	return s.Store.ReportSync(ctx, r)
}

// Whole makes what is kept what an inventory says, and deletes what it leaves out. It sorts the inventory. Errors: Invalid;
// FailedPrecondition if the revision is older than the last one, if somebody else is at it, or if it is cautious.
func (s *Syncer) Whole(ctx context.Context, a Actor, r SyncRequest, in *Inventory) (SyncResult, error) {
	in.Sort()
	if err := cmp.Or(r.check(), in.check()); err != nil {
		return SyncResult{}, err
	}
	state, err := s.Store.SyncState(ctx)
	if err != nil {
		return SyncResult{}, err
	}
	if r.Revision < state.Revision {
		return SyncResult{}, &Error{Kind: FailedPrecondition, Code: CodeSyncStale, Message: fmt.Sprintf(
			"the inventory is of revision %d, and what is kept of %d, which is newer: read it anew", r.Revision, state.Revision)}
	}
	to := *in
	to.WithKeys = in.WithKeys && (r.TakeKeys || !state.KeysOurs)
	kept, err := s.kept(ctx, &to)
	if err != nil {
		return SyncResult{}, err
	}
	now := stamp(s.Now())
	kept = kept.Current(now)
	d := Difference(kept, &to)
	if state.KeysOurs {
		d.onlyTakeOver(kept, &to)
	}
	if r.Cautious {
		d.suspendMissing(&to)
	}
	d.forgetSuspended(kept, now)
	d.forgetEnded(kept, now, s.KeepKeys)
	result := SyncResult{Delta: d, Counts: countsOf(kept, d), KeysOurs: state.KeysOurs && !r.TakeKeys}
	if r.Cautious {
		if err := cautious(result.Counts); err != nil {
			return SyncResult{}, err
		}
	}
	if r.DryRun {
		result.Changes = changesOf(kept, d)
		return result, nil
	}
	next := state
	next.Source, next.SyncedAt, next.Refused = r.Source, now, r.Refused
	result.Receipt, err = s.apply(ctx, Change{Actor: a, At: now}, d.pieces(kept), state, next, r)
	return result, err
}

// Step makes what is kept what Aeroplane says now, if it is what it said at a revision, after. A delta of more than MaxBatch
// things is for Whole. Errors: Invalid; FailedPrecondition if something else is kept: go on with Whole.
func (s *Syncer) Step(ctx context.Context, a Actor, after int64, r SyncRequest, d *Delta) (SyncResult, error) {
	d = d.stored()
	if err := cmp.Or(r.check(), d.check()); err != nil {
		return SyncResult{}, err
	}
	state, err := s.Store.SyncState(ctx)
	if err != nil {
		return SyncResult{}, err
	}
	if !state.Complete || state.Revision != after || r.Revision < after {
		return SyncResult{}, SyncConflict()
	}
	if state.KeysOurs {
		d.Keys, d.GoneKeys, d.DoubtfulKeys = nil, nil, nil
	}
	now := stamp(s.Now())
	next := state
	next.Source, next.SyncedAt, next.Refused = r.Source, now, r.Refused
	result := SyncResult{Delta: d, KeysOurs: state.KeysOurs}
	result.Receipt, err = s.apply(ctx, Change{Actor: a, At: now}, []*Delta{d}, state, next, r)
	return result, err
}

// apply makes the pieces of one sync, each in a transaction. The state says that it is whole, and that keys are ours, with the last:
// until then everything is to be followed once more, if it breaks off. The last is waited for, and with it those before.
func (s *Syncer) apply(ctx context.Context, c Change, pieces []*Delta, state, next SyncState, r SyncRequest) (receipt Receipt, err error) {
	done, all := 0, 0
	for _, p := range pieces {
		all += p.Len()
	}
	tag := state.Tag
	for i, p := range pieces {
		next.Tag = rand.Int64()
		if next.Complete = i == len(pieces)-1; next.Complete {
			next.Revision = r.Revision
			next.trouble(r.Trouble, c.At)
			next.KeysOurs, c.Wait = state.KeysOurs || r.TakeKeys, true
		}
		did, err := s.Store.Sync(ctx, c, p, tag, next)
		if err != nil {
			return Receipt{}, err
		}
		receipt, tag = did.Receipt, next.Tag
		if done += p.Len(); r.Progress != nil {
			r.Progress(done, all)
		}
	}
	return receipt, nil
}

// trouble notes, as a report does, that what is kept is what Aeroplane says, or why it is not. Since when there is trouble stays.
func (s *SyncState) trouble(why string, at time.Time) {
	switch {
	case why == "":
		s.SeenAt, s.TroubleAt = at, time.Time{}
	case s.Trouble == "":
		s.TroubleAt = at
	}
	s.Trouble = why
}

// kept returns what is kept of all that an inventory tells of.
func (s *Syncer) kept(ctx context.Context, of *Inventory) (*Inventory, error) {
	kept := &Inventory{WithSessions: of.WithSessions, WithKeys: of.WithKeys}
	var err error
	if kept.Projects, err = everything(ctx, projectID, func(p Page) ([]Project, error) {
		return s.Store.Projects(ctx, ProjectFilter{}, p)
	}); err != nil {
		return nil, err
	}
	if kept.Services, err = everything(ctx, serviceID, func(p Page) ([]Service, error) { return s.Store.Services(ctx, "", p) }); err != nil {
		return nil, err
	}
	if kept.Deployments, err = everything(ctx, deploymentID, func(p Page) ([]Deployment, error) {
		return s.Store.Deployments(ctx, "", p)
	}); err != nil {
		return nil, err
	}
	if of.WithSessions {
		if kept.Sessions, err = everything(ctx, sessionID, func(p Page) ([]Session, error) { return s.Store.ForeignSessions(ctx, p) }); err != nil {
			return nil, err
		}
	}
	if of.WithKeys {
		if kept.Keys, err = everything(ctx, foreignKeyID, func(p Page) ([]ForeignKey, error) { return s.Store.ForeignKeys(ctx, p) }); err != nil {
			return nil, err
		}
	}
	return kept, nil
}

// everything reads a list by id to its end, a page at a time, so that others get the connection in between.
func everything[T any](ctx context.Context, id func(T) string, page func(Page) ([]T, error)) (all []T, err error) {
	var after Cursor
	for {
		rows, err := page(Page{Size: maxPage, After: after})
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
		if len(rows) < maxPage {
			return all, ctx.Err()
		}
		after = Cursor{ID: id(rows[len(rows)-1])}
	}
}

func (r *SyncRequest) check() error {
	var v violations
	if r.Revision < 1 || r.Revision > maxRevision {
		v.add("revision", "must be at least 1, and at most %d", int64(maxRevision))
	}
	checkText(&v, "source", r.Source, 0, maxSource)
	checkText(&v, "trouble", r.Trouble, 0, maxTrouble)
	return v.err()
}

// SyncConflict returns the error of a sync that does not follow what is kept.
func SyncConflict() error {
	return &Error{Kind: FailedPrecondition, Code: CodeSyncConflict,
		Message: "what is kept is not what the difference begins at, or somebody else syncs at the same time: send everything"}
}
