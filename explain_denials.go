// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"fmt"
	"strings"

	"aeroplane.run/authz/resolver"
)

// A denial is what a Decision says of one, by which it is explained.
type denial struct {
	reason Reason
	detail string
}

// A denialRow says which check makes a denial, and tells of the case: the facts, and what would change it.
type denialRow struct {
	check CheckName
	tell  func(*story) (text string, remedies []string)
}

// row returns the row of the story's denial. A test sees to it that each denial has one; without, it is told in the words of the log.
func (s *story) row() denialRow {
	row, ok := denials[denial{s.decision.Reason, s.decision.Detail}]
	if !ok {
		return denialRow{CheckProject, func(s *story) (string, []string) {
			return strings.TrimSuffix(s.decision.Reason.String()+": "+s.decision.Detail, ": "), nil
		}}
	}
	return row
}

// denials has a row for whatever decide and Authorize may say.
var denials = func() map[denial]denialRow {
	rows := map[denial]denialRow{
		{MethodNotAllowed, unknownMethod}: {CheckMethod, (*story).noMethod},

		{InvalidKey, contradictory}: always(CheckCredential,
			"the headers that may hold a key could be read in two ways",
			"send one Authorization or X-API-Key header, once, with one key in it"),
		{InvalidKey, malformed}: always(CheckCredential,
			"what was sent as a key is the text of none",
			"send the whole key, as it was shown when it was created, and nothing else"),
		{InvalidKey, unknownKey}: always(CheckCredential,
			"the key is not on record any more",
			"create another key"),
		{InvalidKey, Expired.String()}: {CheckCredential, (*story).expiredKey},
		{InvalidKey, Revoked.String()}: {CheckCredential, (*story).revokedKey},

		{AuthenticationRequired, noCredential}:   {CheckCredential, (*story).nobody},
		{AuthenticationRequired, unknownSession}: {CheckCredential, (*story).noSession},
		{AuthenticationRequired, revokedSession}: {CheckCredential, (*story).noSession},
		{AuthenticationRequired, expiredSession}: {CheckCredential, (*story).noSession},

		{BrowserSessionRequired, ""}: always(CheckCaller,
			"the row is for browser sessions, and a key was sent",
			"log in, and do it from there: keys cannot call this, whatever their access"),
		{OwnerRequired, ""}: always(CheckCaller,
			"the row is for owners, and the session's user is none",
			"have an owner do it, or make the user an owner in Aeroplane"),
		{ReadOnlyKey, ""}: {CheckAccess, (*story).readOnly},
	}
	for _, r := range resolver.Refusals() {
		rows[denial{MalformedPath, r.Error()}] = denialRow{CheckPath, func(s *story) (string, []string) { return s.malformedPath(r) }}
	}
	for _, outside := range []Reason{KeyOutOfScope, SessionOutOfScope} {
		rows[denial{outside, createsNone}] = denialRow{CheckProject, (*story).creates}
		rows[denial{outside, notCallers}] = denialRow{CheckProject, (*story).outsideProject}
		for _, scope := range []resolver.Scope{
			resolver.Project, resolver.ProjectSlug, resolver.Service, resolver.Deployment, resolver.ServiceTransfer,
		} {
			rows[denial{outside, unknownOf + scope.String()}] = denialRow{CheckProject, (*story).unknownProject}
		}
		rows[denial{outside, targetNotNamed}] = denialRow{CheckTarget, (*story).unnamedTarget}
		rows[denial{outside, targetUnknown}] = denialRow{CheckTarget, (*story).unknownTarget}
		rows[denial{outside, targetNotCallers}] = denialRow{CheckTarget, (*story).outsideTarget}
	}
	return rows
}()

// always is a row that tells the same of every case.
func always(check CheckName, text string, remedies ...string) denialRow {
	return denialRow{check, func(*story) (string, []string) { return text, append([]string(nil), remedies...) }}
}

const acceptedMethods = "GET, HEAD, POST, PUT, PATCH, DELETE and OPTIONS"

func (s *story) noMethod() (string, []string) {
	shown := "the method " + clipped(s.request.Method)
	if capital := strings.ToUpper(s.request.Method); capital != s.request.Method {
		if _, ok := resolver.MethodOf(capital); ok {
			return shown + " is not spelled in capitals", []string{"send " + capital + ": methods are spelled in capitals"}
		}
	}
	return shown + " is not one of the accepted methods", []string{"send one of the accepted methods, in capitals: " + acceptedMethods}
}

// paths says what may be done about each refusal of the gate.
var paths = map[resolver.Refusal]string{
	resolver.TooLong:         fmt.Sprintf("shorten the path, or its query, to %d bytes in all", resolver.MaxTarget),
	resolver.NotRooted:       "send a path that begins with a slash, not a whole URL",
	resolver.Unprintable:     "send printable ASCII alone: a blank is %20, and what is not ASCII has no place in a path, escaped or not",
	resolver.Fragment:        "send the path without # and what comes after it, which is for browsers alone",
	resolver.ForbiddenByte:   `escape the byte (%22 for ", %5B for [, %7B for {), unless it is a backslash or a semicolon, which have no place in a path`,
	resolver.BrokenEscape:    "send two hexadecimal digits after each %; a percent sign itself has no place in a path",
	resolver.ForbiddenEscape: "send letters, digits and - . _ ~ as they are; control bytes, / \\ % ; # ? and what is not ASCII have no place in a segment",
	resolver.EmptySegment:    "send one slash between two segments",
	resolver.TrailingSlash:   "send the path without the slash at its end",
	resolver.DotSegment:      "send the path that is meant, without . and .. as segments",
	resolver.OtherAPI:        "send /api in lower case, with a slash after it",
	resolver.OtherCase:       "spell the segment as the route table does",
}

func (s *story) malformedPath(r resolver.Refusal) (string, []string) {
	remedies := []string{paths[r]}
	if s.meant != "" {
		remedies = append(remedies, "the accepted spelling is "+clipped(s.meant))
	}
	return "the path is refused: " + r.Error(), remedies
}
