// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"

	"aeroplane.run/authz/resolver"
)

// A Check is one of the steps of a decision, and what it came to.
type Check struct {
	Name    CheckName
	Outcome CheckOutcome
	// Text tells the facts of this case, in a sentence.
	Text string
}

// A CheckName is the name of a Check. The list is closed, and in the order in which the rules apply (4).
type CheckName uint8

const (
	_ CheckName = iota
	// CheckMethod is whether the method is an accepted one.
	CheckMethod
	// CheckPath is whether the path is in its one accepted spelling.
	CheckPath
	// CheckRoute is which row of the route table applies. It refuses nothing.
	CheckRoute
	// CheckCredential is whether the key or the session is good, or is missing.
	CheckCredential
	// CheckCaller is whether the row admits a caller of this kind and role.
	CheckCaller
	// CheckAccess is whether the caller may do what the method does.
	CheckAccess
	// CheckProject is whether the caller reaches what the path leads to.
	CheckProject
	// CheckTarget is whether the caller reaches where a service is transferred to.
	CheckTarget

	numChecks
)

// CheckNames returns every CheckName, for tables that must have a row for each.
func CheckNames() []CheckName {
	all := make([]CheckName, 0, numChecks-1)
	for c := CheckMethod; c < numChecks; c++ {
		all = append(all, c)
	}
	return all
}

// String returns the name in a word.
func (c CheckName) String() string {
	return word(c, "", "method", "path", "route", "credential", "caller", "access", "project", "target")
}

// A CheckOutcome is what became of a Check.
type CheckOutcome uint8

const (
	// Passed checks let the request go on.
	Passed CheckOutcome = iota + 1
	// Refused is the one check that denied it.
	Refused
	// NotReached are those after one that refused.
	NotReached
	// NotNeeded are those that had nothing to judge.
	NotNeeded
)

// String returns the outcome in words.
func (o CheckOutcome) String() string {
	return word(o, "", "passed", "refused", "not reached", "not needed")
}

// passing tells of a check that did not refuse.
var passing = [numChecks]func(*story) (CheckOutcome, string){
	CheckMethod: func(s *story) (CheckOutcome, string) {
		switch m, _ := resolver.MethodOf(s.request.Method); {
		case m == resolver.OPTIONS:
			return Passed, "OPTIONS is a preflight"
		case m.Writes():
			return Passed, s.request.Method + " is a method that writes"
		}
		return Passed, s.request.Method + " is a method that reads"
	},
	CheckPath: func(*story) (CheckOutcome, string) { return Passed, "the path is in its one accepted spelling" },
	CheckRoute: func(s *story) (CheckOutcome, string) {
		if s.route == nil {
			return NotNeeded, s.exempt()
		}
		return Passed, fmt.Sprintf("line %d applies, %s: %s", s.route.Line, s.why, admits[s.route.Who])
	},
	CheckCredential: func(s *story) (CheckOutcome, string) {
		switch why, k, session := s.exempt(), s.caller.Key, s.caller.Session; {
		case why != "":
			return NotNeeded, why
		case k != nil:
			return Passed, "the key is live, and " + s.until(k.Expires)
		case session != nil && session.Live(s.now()):
			return Passed, "the session is live, and " + s.until(InstantOf(session.ExpiresAt))
		}
		return NotNeeded, "who sends no key may call this without a session"
	},
	CheckCaller: func(s *story) (CheckOutcome, string) {
		switch why := s.exempt(); {
		case why != "":
			return NotNeeded, why
		case s.caller.Key != nil:
			return Passed, "the row admits keys"
		case s.route.Who == resolver.Browser:
			return Passed, "the row admits whoever sends no key"
		case s.route.Who == resolver.Owner:
			return Passed, "the session is an owner's"
		}
		return Passed, "the row admits sessions"
	},
	CheckAccess: func(s *story) (CheckOutcome, string) {
		switch why := s.exempt(); {
		case why != "":
			return NotNeeded, why
		case s.route.Who == resolver.Browser:
			return NotNeeded, "the row is for signing in"
		case s.caller.Session != nil:
			return Passed, "a session may read and write"
		case s.caller.Access() == Write:
			return Passed, "the key may read and write"
		}
		return Passed, "the key may read, and " + s.request.Method + " reads"
	},
	CheckProject: (*story).within,
	CheckTarget:  (*story).targetWithin,
}

// admits says whom a row admits.
var admits = [...]string{
	resolver.Public:  "it is for everybody",
	resolver.Browser: "it is for signing in, for everybody but keys",
	resolver.Session: "it is for sessions",
	resolver.Owner:   "it is for sessions of owners",
	resolver.Any:     "it is for keys and sessions",
}

// exempt says why nobody asks who is calling; empty where that is asked.
func (s *story) exempt() string {
	switch {
	case s.decision.Allowed && s.route == nil:
		return "a preflight is allowed everywhere, whatever comes with it"
	case s.route != nil && s.route.Who == resolver.Public:
		return "a public row asks nobody who they are"
	}
	return ""
}
