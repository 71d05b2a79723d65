// SPDX-License-Identifier: Apache-2.0

package follow

import (
	"context"
	"errors"
	"strings"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/aeroplane"
)

// A trouble is why what is kept may not be what Aeroplane says.
type trouble struct {
	err   error // nil: there is none
	since time.Time
	held  bool // the file was read, and is not believed
}

var errUnsettled error = authz.Errorf(authz.Unavailable, "the file was put there a moment ago: it is read when it is left alone")

// hold keeps what is known, until somebody says what is right: by an import, or by putting the right file there.
func (f *Follower) hold(why error) error {
	f.trouble.held = true
	return why
}

// held is why something is held.
func (f *Follower) held(format string, args ...any) error {
	return authz.Errorf(authz.FailedPrecondition, format+"; if it is right, say so with `aeroplane-authz import aeroplane %q --follow-keys --yes`",
		append(args, f.Path)...)
}

// keep puts back what there is nothing of any more in a file that is the same as before, and says of what. Whoever could have everything
// held by removing all that there is of something, as all deployments may be of one user, would keep the ends of sessions from being followed.
func (f *Follower) keep(next *authz.Inventory) (lost string) {
	if f.known == nil {
		return ""
	}
	known := *f.known
	if f.ours {
		known.Keys = nil
	}
	return authz.KeepEmptied(&known, next)
}

// released reports whether somebody has synced since the file was read, and is to be tried again.
func (f *Follower) released(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	state, err := f.Target.State(ctx)
	if err != nil || state.Revision == f.at {
		return false, err
	}
	f.known, f.sure, f.file = nil, false, aeroplane.Mark{} // what is kept is another now
	return true, nil
}

// conflicts reports whether what is kept is not what was taken over last.
func conflicts(err error) bool {
	var e *authz.Error
	return errors.As(err, &e) && (e.Code == authz.CodeSyncConflict || e.Code == authz.CodeSyncStale || e.Code == authz.CodeSlugTaken)
}

// tell tells the log of what has become another, and reports now and then how things are.
func (f *Follower) tell(ctx context.Context, err error) {
	was := f.trouble.err
	f.trouble.err = err
	switch {
	case err != nil && was == nil:
		f.trouble.since = time.Now()
		f.Logger.Warn("Aeroplane cannot be followed; what is known stays as it is", "file", f.Path, "error", err)
	case err != nil && err.Error() != was.Error():
		f.Logger.Warn("Aeroplane still cannot be followed", "file", f.Path, "error", err, "since", f.trouble.since)
	case err == nil && was != nil:
		f.Logger.Info("Aeroplane is followed again", "file", f.Path, "after", time.Since(f.trouble.since).Round(time.Millisecond))
	case time.Since(f.reported) < reportEvery:
		return
	}
	f.reported = time.Now()
	bounded, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	failed := f.Target.Report(bounded, authz.SyncReport{Trouble: plain(err)})
	if failed != nil && !f.mute && ctx.Err() == nil {
		f.Logger.Warn("how Aeroplane is followed could not be reported", "error", failed)
	}
	if f.mute = failed != nil; !f.mute && err == nil {
		f.compare(bounded)
	}
}

// compare sees to it that everything is compared at the next look, where somebody else has synced.
func (f *Follower) compare(ctx context.Context) {
	if state, err := f.Target.State(ctx); err == nil && state.Revision != f.at {
		f.sure = false
	}
}

// plain is what is shown of an error: nothing of its cause.
func plain(err error) string {
	var e *authz.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return printed(e.Message)
	}
	return "something unforeseen; the follower's log tells what"
}

// printed makes one line of a text, of a length that is taken everywhere: there may be anything in the path of a file, and of what is
// wrong with an inventory there may be much.
func printed(text string) string {
	const most = 1000
	runes := []rune(strings.Map(func(r rune) rune {
		if authz.Prints(r) {
			return r
		}
		return ' '
	}, text))
	if len(runes) > most {
		runes = append(runes[:most-1], '…')
	}
	return string(runes)
}

// tellFindings tells the log what cannot be taken over, and has not been told yet.
func (f *Follower) tellFindings(r *aeroplane.Reading) {
	const most = 20
	found := make(map[aeroplane.Finding]bool, len(r.Refused))
	told := 0
	for _, finding := range r.Refused {
		found[finding] = true
		if f.found[finding] {
			continue
		}
		if told++; told <= most {
			f.Logger.Warn("not taken over from Aeroplane", "kind", finding.Kind, "id", finding.ID, "why", finding.Why)
		}
	}
	if told > most {
		f.Logger.Warn("more was not taken over from Aeroplane; `aeroplane-authz import aeroplane FILE --dry-run` lists it", "more", told-most)
	}
	f.found = found
}
