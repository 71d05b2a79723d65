// SPDX-License-Identifier: Apache-2.0

package server

import (
	"path"
	"slices"
	"strings"
	"time"

	"aeroplane.run/authz"
)

// An Observer is told how calls ended. Its methods are called on the way, many at once, and must not block.
type Observer interface {
	// Decided is told of each decision, and how long it took. reason is zero if the request may pass.
	Decided(reason authz.Reason, took time.Duration)
	// Undecided is told of each call for a decision that ended with an error, and of its reason, which is one of
	// ErrorReasons. A caller without a good token is one of them.
	Undecided(reason string)
	// Changed is told of each call for a change. method is one of Changes, and outcome one of Outcomes.
	Changed(method, outcome string)
}

type nobody struct{}

func (nobody) Decided(authz.Reason, time.Duration) {}
func (nobody) Undecided(string)                    {}
func (nobody) Changed(string, string)              {}

// observe tells the observer of a call that ended with err, nil for none. Decisions that were reached were told of before:
// who made them knows more.
func (g *guard) observe(method string, need access, err error) {
	switch {
	case need == changes:
		g.observer.Changed(path.Base(method), outcomeOf(err))
	case need.asks() && err != nil:
		g.observer.Undecided(reasonOf(classified(err)))
	}
}

// The outcomes of a change that was made, and of one that was made or not.
const (
	made           = "ok"
	outcomeUnknown = "outcome_unknown"
)

// outcomeOf says in a word how a call for a change ended: by the kind of its error, which says whose fault it is. Of what is
// unavailable it matters whether the change may have been made: who did not wait for the answer does not know.
func outcomeOf(err error) string {
	if err == nil {
		return made
	}
	e := classified(err)
	if e.Kind == authz.Unavailable && (e.Code == "" || e.Code == authz.CodeOutcomeUnknown) {
		return outcomeUnknown
	}
	return strings.ToLower(reasonOf(&authz.Error{Kind: e.Kind}))
}

// Changes returns the short names of the methods that make changes, such as RevokeKey.
func Changes() (names []string) {
	for method, need := range methods {
		if need == changes {
			names = append(names, path.Base(method))
		}
	}
	slices.Sort(names)
	return names
}

// Outcomes returns all that may become of a call for a change.
func Outcomes() []string {
	outcomes := []string{made, outcomeUnknown}
	for _, row := range kinds {
		outcomes = append(outcomes, strings.ToLower(row.reason))
	}
	return outcomes
}

// ErrorReasons returns the reasons that the errors of a call for a decision may have, by their kinds and by their codes.
func ErrorReasons() []string {
	reasons := []string{authz.CodeInvalidField, authz.CodeStoreUnavailable, authz.CodeDiskFull, authz.CodeLease, authz.CodeRevisionUnknown,
		authz.CodeOverloaded}
	for _, row := range kinds {
		reasons = append(reasons, row.reason)
	}
	return reasons
}
