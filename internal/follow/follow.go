// SPDX-License-Identifier: Apache-2.0

package follow

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/aeroplane"
)

// A Target is what is kept in step: the service, or who calls it. Its methods are those of authz.Syncer, made by one actor.
type Target interface {
	State(ctx context.Context) (authz.SyncState, error)
	Whole(ctx context.Context, r authz.SyncRequest, in *authz.Inventory) (authz.SyncResult, error)
	Step(ctx context.Context, after int64, r authz.SyncRequest, d *authz.Delta) (authz.SyncResult, error)
	Report(ctx context.Context, r authz.SyncReport) error
}

// Config says what to follow.
type Config struct {
	// Path is Aeroplane's file.
	Path   string
	Target Target
	Logger *slog.Logger
}

const (
	// lookEvery is how often the file is looked at.
	lookEvery = 200 * time.Millisecond
	// within is how late a change may be in force here, whatever a Read takes, for as long as that is possible.
	within = 700 * time.Millisecond
	// restFor is how much longer than a Read the pause after it is, within these bounds: while Aeroplane writes all the time a tenth of one
	// processor is spent on reading. Where a Read takes so long that this is too late, the pause is as long as the Read.
	restFor = 9
	// reportEvery is how often it is reported that all is well, or not.
	reportEvery = 10 * time.Second
	// wholeEvery is how often everything is compared with what is kept, which somebody else may have changed.
	wholeEvery = 15 * time.Minute
	// retryEvery is how long the pause is after something went wrong, and retryAtLast when it goes wrong again and again.
	retryEvery  = 200 * time.Millisecond
	retryAtLast = 2 * time.Second
	// settling is how long the pause is before a file is read that was put in the place of another: it may still be on its way.
	settling = time.Second

	readTimeout  = time.Minute
	stepTimeout  = 10 * time.Second
	wholeTimeout = 10 * time.Minute
)

// A Follower follows one file.
type Follower struct {
	Config
	mark    aeroplane.Mark // of the file when it was last read
	file    aeroplane.Mark // the file that was last believed
	checked aeroplane.Mark // the file that was last found undamaged
	arrived time.Time      // when the file was found to be another

	known   *authz.Inventory // what was last taken over of the file; nil: nothing
	sure    bool             // that is what is kept
	at      int64            // its revision
	refused int              // how many things were not in it
	ours    bool             // keys are ours
	whole   time.Time        // when everything was last compared

	failures int // in a row
	trouble  trouble
	found    map[aeroplane.Finding]bool // what could not be taken over, as far as it was told
	reported time.Time
	mute     bool // the last report did not arrive, as it was told
}

// New returns a Follower of a file.
func New(c Config) *Follower {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Follower{Config: c}
}

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	f.Logger.Info("following Aeroplane", "file", f.Path)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		pause, err := f.look(ctx)
		if ctx.Err() != nil {
			return
		}
		f.tell(ctx, err)
		timer.Reset(pause)
	}
}

// look looks whether there is anything new, and takes it over. It returns when to look again.
func (f *Follower) look(ctx context.Context) (pause time.Duration, err error) {
	mark, err := aeroplane.Look(f.Path)
	if err != nil {
		return lookEvery, err
	}
	due := time.Since(f.whole) >= wholeEvery
	same, released := mark.Same(f.mark), false
	if f.trouble.held { // also while Aeroplane writes all the time
		if released, err = f.released(ctx); err != nil {
			return retryAtLast, err
		}
	}
	switch {
	case same && f.trouble.held && !released:
		return retryAtLast, f.trouble.err
	case same && f.sure && !due:
		return lookEvery, nil
	}
	began := time.Now()
	if err := f.take(ctx, mark, due); err != nil {
		f.failures++
		return min(retryEvery<<min(f.failures, 4), retryAtLast), err
	}
	f.failures = 0
	took := time.Since(began)
	return max(lookEvery, took, min(restFor*took, within-2*took)), nil
}

// take reads the file and takes over what is in it.
func (f *Follower) take(ctx context.Context, mark aeroplane.Mark, due bool) error {
	if f.known != nil && !mark.Continues(f.file) {
		f.doubt(mark)
	}
	if time.Since(f.arrived) < settling {
		return errUnsettled
	}
	if !mark.Continues(f.checked) {
		if err := aeroplane.Check(ctx, f.Path); err != nil {
			return err
		}
	}
	f.checked = mark
	reading, err := f.read(ctx)
	if err != nil {
		return err
	}
	// What was read may be of a file that has come meanwhile, and is to be doubted as any other.
	if after, err := aeroplane.Look(f.Path); err != nil || f.known != nil && !after.Continues(mark) {
		return cmp.Or(err, f.trouble.err)
	}
	f.mark, f.trouble.held = mark, false
	f.tellFindings(reading)
	var held error
	if lost := f.keep(&reading.Inventory); lost != "" {
		held = f.held("all %s are gone from Aeroplane's file, and are kept here, where all else is followed", lost)
	}
	if f.sure && !due {
		err = f.step(ctx, reading, mark, held)
	} else {
		err = f.all(ctx, reading, mark, held)
	}
	if err == nil && held != nil {
		return f.hold(held)
	}
	return err
}

func (f *Follower) read(ctx context.Context) (*aeroplane.Reading, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	return aeroplane.Read(ctx, f.Path, time.Now(), nil)
}

// doubt takes the file for another than it was: it is, or Aeroplane was not there all the while.
func (f *Follower) doubt(mark aeroplane.Mark) {
	if !mark.SameFile(f.file) {
		f.Logger.Warn("Aeroplane's file was replaced by another", "file", f.Path)
		f.arrived = time.Now()
	}
	f.known, f.sure = nil, false
}

// step takes over what is different from what was read before. held is why something of that is held back, nil if nothing is.
func (f *Follower) step(ctx context.Context, reading *aeroplane.Reading, mark aeroplane.Mark, held error) error {
	next := reading.Inventory
	if next.WithKeys = !f.ours; f.ours {
		next.Keys, next.DoubtfulKeys = nil, nil
	}
	d := authz.Difference(f.known.Current(time.Now()), &next)
	switch {
	case d.Len() == 0 && len(reading.Refused) == f.refused:
		f.known, f.file = &next, mark
		return nil
	case d.Len() > authz.MaxBatch:
		return f.all(ctx, reading, mark, held)
	}
	bounded, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	request := authz.SyncRequest{Revision: max(f.at+1, time.Now().UnixMicro()), Source: printed(f.Path), Refused: len(reading.Refused),
		Trouble: plain(held)}
	result, err := f.Target.Step(bounded, f.at, request, d)
	if conflicts(err) { // somebody else has synced: an import, or another follower
		return f.all(ctx, reading, mark, held)
	}
	if f.sure = err == nil; err != nil {
		return err // it may have been done
	}
	f.took(&next, mark, &request, result)
	f.Logger.Debug("followed Aeroplane", "changes", d.Len())
	return nil
}

// all compares everything with what is kept. Of a file that may be another than the one that was last believed it takes over nothing
// that would take away most of that.
func (f *Follower) all(ctx context.Context, reading *aeroplane.Reading, mark aeroplane.Mark, held error) error {
	ctx, cancel := context.WithTimeout(ctx, wholeTimeout)
	defer cancel()
	f.sure = false
	state, err := f.Target.State(ctx)
	if err != nil {
		return err
	}
	next := &reading.Inventory
	request := authz.SyncRequest{Revision: max(state.Revision+1, time.Now().UnixMicro()), Source: printed(f.Path), Refused: len(reading.Refused),
		Trouble: plain(held), Cautious: !mark.Continues(f.file)}
	result, err := f.Target.Whole(ctx, request, next)
	var e *authz.Error
	if errors.As(err, &e) && e.Code == authz.CodeSyncHeld {
		f.at = state.Revision
		return f.hold(f.held("%s", e.Message))
	}
	if err != nil {
		return err
	}
	f.took(next, mark, &request, result)
	f.whole = time.Now()
	for _, c := range result.Counts {
		if c.New+c.Changed+c.Gone > 0 {
			f.Logger.Info("took over from Aeroplane", "kind", c.Kind, "had", c.Had, "new", c.New, "changed", c.Changed, "gone", c.Gone)
		}
	}
	return nil
}

func (f *Follower) took(in *authz.Inventory, mark aeroplane.Mark, r *authz.SyncRequest, result authz.SyncResult) {
	if result.KeysOurs && !f.ours {
		f.Logger.Info("keys are ours: what Aeroplane's own page does with them is not followed")
	}
	if result.KeysOurs { // and what becomes of them there is nobody's business
		in.Keys, in.DoubtfulKeys = nil, nil
	}
	f.known, f.sure, f.file, f.at, f.refused, f.ours = in, true, mark, r.Revision, r.Refused, result.KeysOurs
	f.reported = time.Now() // the sync itself says so
}
