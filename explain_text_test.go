// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aeroplane.run/authz/resolver"
)

// What is told of each kind of denial: the facts, and what would change it.
func TestExplainedDenials(t *testing.T) {
	expired, revoked := key(Read, "u", true), key(Write, "u", false)
	expired.Expires, revoked.Revoked = InstantOf(noon.Add(-200*time.Hour)), true
	web := key(Write, "u", false)
	web.Projects.IDs = []string{"api", "web"}
	over := session("u", UserRoleUser)
	over.ExpiresAt = noon.Add(-90 * time.Minute)
	other := "billing"
	mine, theirs, nobodys := ProjectRef{"billing", "u"}, ProjectRef{"billing", "v"}, ProjectRef{"billing", ""}
	const (
		another  = "create another key: what was revoked stays so"
		followed = "if Aeroplane has it, bring the catalog up to date: `aeroplane-authz doctor` says whether Aeroplane is followed"
		owner    = "have an owner do it, in a browser session: nobody else reaches what is nobody's"
		give     = "give project billing to user u in Aeroplane"
		logIn    = "log in: the row is for browser sessions, and keys cannot call this"
	)
	for _, tc := range []struct {
		method, target string
		caller         explained
		to             *string
		check          CheckName
		text           string
		remedies       []string
	}{
		{"get", "/", explained{}, nil, CheckMethod, `the method "get" is not spelled in capitals`,
			[]string{"send GET: methods are spelled in capitals"}},
		{"PROPFIND", "/", explained{}, nil, CheckMethod, `the method "PROPFIND" is not one of the accepted methods`,
			[]string{"send one of the accepted methods, in capitals: GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS"}},
		{"GET", "/api//Projects/", explained{}, nil, CheckPath, "the path is refused: empty segment",
			[]string{"send one slash between two segments", `the accepted spelling is "/api/projects"`}},
		{"GET", "/api/a b", explained{}, nil, CheckPath, "the path is refused: byte outside printable ASCII",
			[]string{"send printable ASCII alone: a blank is %20, and what is not ASCII has no place in a path, escaped or not"}},

		{"GET", "/api/search", explained{key: expired}, nil, CheckCredential,
			"the key expired on 2029-12-24 04:00 UTC, 8 days ago", []string{"create another key: what expired stays so"}},
		{"GET", "/api/search", explained{key: revoked}, nil, CheckCredential, "the key was revoked on 2029-12-30 10:00 UTC, 2 days ago",
			[]string{another}},
		{"GET", "/api/search", explained{name: "unknown key"}, nil, CheckCredential, "the key is not on record any more",
			[]string{"create another key"}},
		{"GET", "/api/search", explained{}, nil, CheckCredential, "there is neither a key nor a session",
			[]string{"send a key, as Authorization: Bearer or as X-API-Key, or log in"}},
		{"GET", "/api/nowhere", explained{}, nil, CheckCredential, "there is no session", []string{logIn}},
		{"GET", "/api/nowhere", explained{session: over}, nil, CheckCredential,
			"the session expired on 2030-01-01 10:30 UTC, 90 minutes ago", []string{"log in again"}},
		{"GET", "/api/nowhere", explained{name: "unknown session"}, nil, CheckCredential, "the session is not known",
			[]string{"log in again", "if that does not help, see whether this service is told of sessions"}},

		{"GET", "/api/nowhere", explained{key: web}, nil, CheckCaller, "the row is for browser sessions, and a key was sent",
			[]string{"log in, and do it from there: keys cannot call this, whatever their access"}},
		{"GET", "/api/system", explained{session: session("u", UserRoleUser)}, nil, CheckCaller,
			"the row is for owners, and the session's user is none", []string{"have an owner do it, or make the user an owner in Aeroplane"}},
		{"POST", "/api/services/s/env", explained{key: key(Read, "u", true)}, nil, CheckAccess, "the key may read, and POST writes",
			[]string{"create a key with read and write access: a key's access cannot be changed"}},

		{"POST", "/api/projects", explained{key: web}, nil, CheckProject,
			"the key selects api and web, and a key for selected projects creates none", []string{"create a key for all projects"}},
		{"PATCH", "/api/services/svc-1", explained{key: web, facts: Facts{Projects: []ProjectRef{mine}}}, nil, CheckProject,
			"service svc-1 is in project billing; the key selects api and web",
			[]string{"create a key that selects billing too: what a key selects cannot be added to"}},
		{"PATCH", "/api/projects/billing", explained{key: web, facts: Facts{Projects: []ProjectRef{theirs}}}, nil, CheckProject,
			"the path is about project billing; the key selects api and web; project billing is user v's, and the key acts for user u",
			[]string{"use a key or a session of user v", give}},
		{"GET", "/api/deployments/d/logs", explained{key: key(Read, "u", true), facts: Facts{Projects: []ProjectRef{nobodys}}}, nil,
			CheckProject, "deployment d is in project billing; project billing is nobody's, and the key acts for user u",
			[]string{owner, give}},
		{"GET", "/api/services/svc-1/overview", explained{session: session("u", UserRoleUser), facts: Facts{Projects: []ProjectRef{theirs}}},
			nil, CheckProject, "service svc-1 is in project billing; project billing is user v's, and the session acts for user u",
			[]string{"use a key or a session of user v", give}},
		{"GET", "/api/services/svc-1/overview", explained{key: key(Read, "u", true)}, nil, CheckProject,
			"the catalog has no service svc-1, or not the project that it is in", []string{"check the id svc-1", followed}},
		{"GET", "/api/projects/%24/x", explained{key: key(Read, "u", true)}, nil, CheckProject, "what the path has for an id cannot be one",
			[]string{"check the path: an id or a slug holds letters, digits and - . _ ~, and nothing else"}},
		{"GET", "/api/projects/shop", explained{key: key(Read, "u", true)}, nil, CheckProject, "no project of user u bears the slug shop",
			[]string{"check the slug shop", followed}},
		{"GET", "/api/projects/shop", explained{key: key(Read, "u", true), facts: Facts{Unowned: []ProjectRef{nobodys}}}, nil, CheckProject,
			"no project of user u bears the slug shop, but project billing, which is nobody's", []string{owner, give}},
		{"GET", "/api/projects/shop", explained{key: key(Read, "", false), facts: Facts{Projects: []ProjectRef{mine, {"b", "v"}}}}, nil,
			CheckProject, "more than one project bears the slug shop, and the key has no user who would tell which is meant",
			[]string{"ask for the project by its id, or use a key of its owner's"}},

		{"POST", "/api/services/s/transfer", explained{key: key(Write, "u", false), facts: Facts{Projects: []ProjectRef{picked("u")}}}, nil,
			CheckTarget, "where the service is transferred to is not named, and the key selects picked-of-, picked-of-u and picked-of-v",
			[]string{"name the project that the body of the request names: the gateway has to read it there",
				"use a key for all projects: then the upstream checks that project"}},
		{"POST", "/api/services/s/transfer", explained{key: key(Write, "u", true), facts: Facts{Projects: []ProjectRef{mine}}}, &other,
			CheckTarget, "the catalog has no project billing to transfer to", []string{"check the id billing", followed}},
		{"POST", "/api/services/s/transfer", explained{key: key(Write, "u", true), facts: Facts{Projects: []ProjectRef{mine}}}, new(string),
			CheckTarget, "what is named to transfer to cannot be the id of a project",
			[]string{"name the project by its id, not by its name or slug"}},
		{"POST", "/api/services/s/transfer",
			explained{key: key(Write, "u", true), facts: Facts{Projects: []ProjectRef{mine}, TransferTo: &theirs}}, &other,
			CheckTarget, "the service is transferred to project billing; project billing is user v's, and the key acts for user u",
			[]string{"use a key or a session of user v", give}},
	} {
		r := tc.caller.requestOf(tc.method, tc.target)
		r.TransferTo = tc.to
		e, _ := tc.caller.explain(t, r)
		if c := e.Checks[tc.check-1]; c.Outcome != Refused || c.Text != tc.text {
			t.Errorf("%s %s: %s: %s\n got %q\nwant %q", tc.method, tc.target, tc.check, c.Outcome, c.Text, tc.text)
		}
		if diff := cmp.Diff(tc.remedies, e.Remedies); diff != "" {
			t.Errorf("%s %s: remedies (-want +got):\n%s", tc.method, tc.target, diff)
		}
	}
}

// What is told of requests that may pass, check by check.
func TestExplainedPasses(t *testing.T) {
	temporary := key(Read, "u", true)
	temporary.Expires = InstantOf(noon.Add(100 * time.Hour))
	mine := Facts{Projects: []ProjectRef{owned("u")}}
	const (
		reads, spelled = "GET is a method that reads", "the path is in its one accepted spelling"
		preflight      = "a preflight is allowed everywhere, whatever comes with it"
		public         = "a public row asks nobody who they are"
	)
	for _, tc := range []struct {
		method, target string
		caller         explained
		want           []string // but for what is told of the row
	}{
		{"OPTIONS", "/api/projects", explained{key: temporary},
			[]string{"OPTIONS is a preflight", spelled, preflight, preflight, preflight, preflight, preflight}},
		{"GET", "/api/health", explained{key: temporary}, []string{reads, spelled, public, public, public, public, public}},
		{"GET", "/api/auth/status", explained{}, []string{reads, spelled, "who sends no key may call this without a session",
			"the row admits whoever sends no key", "the row is for signing in", "the row reaches no project", "nothing is transferred"}},
		{"GET", "/api/services/s/overview", explained{key: temporary, facts: mine}, []string{reads, spelled,
			"the key is live, and expires on 2030-01-05 16:00 UTC, in 4 days", "the row admits keys", "the key may read, and GET reads",
			"service s is in project of-u, which the key reaches", "nothing is transferred"}},
		{"PATCH", "/api/services/s", explained{key: key(Write, "", true)}, []string{"PATCH is a method that writes", spelled,
			"the key is live, and does not expire", "the row admits keys", "the key may read and write",
			"the catalog has no service s, or not the project that it is in, which a key for all projects without a user may ask for: " +
				"the upstream answers 404", "nothing is transferred"}},
		{"GET", "/api/projects", explained{key: temporary, facts: mine}, []string{reads, spelled,
			"the key is live, and expires on 2030-01-05 16:00 UTC, in 4 days", "the row admits keys", "the key may read, and GET reads",
			"a list shows what the caller may see: of-u", "nothing is transferred"}},
		{"POST", "/api/services/s/transfer", explained{session: session("u", UserRoleUser), facts: mine},
			[]string{"POST is a method that writes", spelled, "the session is live, and expires on 2030-01-01 13:00 UTC, in 60 minutes",
				"the row admits sessions", "a session may read and write", "service s is in project of-u, which the session reaches",
				"where the service is transferred to is not named: the upstream has to check it"}},
	} {
		e, _ := tc.caller.explain(t, tc.caller.requestOf(tc.method, tc.target))
		got := textsOf(e)[1:]
		row := got[CheckRoute-1]
		got = slices.Delete(got, int(CheckRoute-1), int(CheckRoute))
		if diff := cmp.Diff(tc.want, got); diff != "" || row == "" {
			t.Errorf("%s %s (-want +got):\n%s", tc.method, tc.target, diff)
		}
	}
	e, _ := (&explained{key: temporary, facts: mine}).explain(t, ExplainRequest{Method: "GET", Target: "/api/projects/a", KeyID: "k"})
	want := fmt.Sprintf("line %d applies, the most specific row that matches: it is for keys and sessions", e.Route.Line)
	if got := e.Checks[CheckRoute-1].Text; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if e.Route.Pattern != "/api/projects/{projectSlug}" || e.Route.Who != resolver.Any || e.Key.ID != "k" {
		t.Errorf("%+v", e)
	}
}

func TestListed(t *testing.T) {
	ids := []string{"a", "b", "c", "d", "e", "f", "g"}
	for n, want := range map[int]string{0: "", 1: "a", 2: "a and b", 3: "a, b and c", 6: "a, b, c, d, e and f", 7: "a, b, c, d, e and 2 more"} {
		if got := listed(ids[:n]); got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestDistance(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "a moment ago", -59 * time.Second: "a moment ago", time.Second: "in a moment", time.Minute: "in 1 minute",
		-90 * time.Minute: "90 minutes ago", 2 * time.Hour: "in 2 hours", -47 * time.Hour: "47 hours ago",
		90*24*time.Hour - time.Second: "in 90 days", -48 * time.Hour: "2 days ago",
	} {
		if got := distance(d); got != want {
			t.Errorf("%v: %q, want %q", d, got, want)
		}
	}
}
