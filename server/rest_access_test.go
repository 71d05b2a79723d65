// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"crypto/sha256"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/types/known/timestamppb"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/resolver"
	"aeroplane.run/authz/server"
	"aeroplane.run/authz/server/servertest"
)

// restPolicy is what each call answers to an administrator's token, to an owner's cookie or a console session's, and to a user's, when it
// is made with an empty object, for the id x, of which there is nothing. A call that is not in it has not been decided on.
var restPolicy = map[string][3]int{
	"AuthorizationService/Authorize":      {200, 403, 403},
	"AuthorizationService/BatchAuthorize": {400, 403, 403},

	"KeyService/CreateKey":        {400, 400, 400},
	"KeyService/GetKey":           {404, 404, 404},
	"KeyService/ListKeys":         {200, 200, 200},
	"KeyService/RevokeKey":        {404, 404, 404},
	"KeyService/RevokeKeysOfUser": {400, 403, 403},

	"CatalogService/PutProject":             {400, 403, 403},
	"CatalogService/BatchPutProjects":       {400, 403, 403},
	"CatalogService/DeleteProject":          {200, 403, 403},
	"CatalogService/BatchDeleteProjects":    {400, 403, 403},
	"CatalogService/ListProjects":           {200, 200, 200},
	"CatalogService/PutService":             {400, 403, 403},
	"CatalogService/BatchPutServices":       {400, 403, 403},
	"CatalogService/DeleteService":          {200, 403, 403},
	"CatalogService/BatchDeleteServices":    {400, 403, 403},
	"CatalogService/ListServices":           {200, 403, 403},
	"CatalogService/PutDeployment":          {400, 403, 403},
	"CatalogService/BatchPutDeployments":    {400, 403, 403},
	"CatalogService/DeleteDeployment":       {200, 403, 403},
	"CatalogService/BatchDeleteDeployments": {400, 403, 403},
	"CatalogService/ListDeployments":        {200, 403, 403},
	"CatalogService/GetSyncState":           {200, 403, 403},
	"CatalogService/ReportSync":             {200, 403, 403},

	"SessionService/PutSession":           {400, 403, 403},
	"SessionService/RevokeSession":        {400, 403, 403},
	"SessionService/RevokeSessionsOfUser": {400, 403, 403},

	"AuditService/ListEvents": {200, 200, 403},

	"ExplanationService/ExplainAuthorize": {200, 200, 200},

	"ConsoleService/CreateConsoleLink": {200, 403, 403},
}

// Who may call what, whatever else the request brings.
func TestRESTAccess(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	owner, user := s.browse(t, "root", authzv1.UserRole_USER_ROLE_OWNER), s.browseAsUser(t, "ada")
	nobodys, ofNobody := s.browse(t, "", authzv1.UserRole_USER_ROLE_OWNER), s.browse(t, "", authzv1.UserRole_USER_ROLE_USER)
	revoked, expired := s.browse(t, "gone", authzv1.UserRole_USER_ROLE_OWNER), s.expiredSession(t)
	digest := sha256.Sum256([]byte(revoked.session))
	if _, err := s.sessions.RevokeSession(t.Context(), &authzv1.RevokeSessionRequest{TokenSha256: digest[:]}); err != nil {
		t.Fatal(err)
	}
	console, ended, code, key := s.openConsole(t), s.openConsole(t), s.link(t), s.createKey(t).GetSecret()
	if r, answer := s.rest(t, "POST", "/authz/sign-out", consoleCookie(ended)+ownPage+asJSON, `{}`); r.StatusCode != 200 {
		t.Fatal(answer)
	}
	const admin, owners, users = 0, 1, 2 // the columns
	only := func(status int) func(string) int { return func(string) int { return status } }
	as := func(column int) func(string) int { return func(name string) int { return restPolicy[name][column] } }
	bearer, byOwner, byUser, byConsole := s.bearer(), sessionCookie(owner.session), sessionCookie(user.session), consoleCookie(console)
	gateways := "Authorization: Bearer " + s.GatewayToken + "\r\n"
	const bad, badKey = "Authorization: Bearer 0123456789012345678901234567890123456789\r\n", "X-API-Key: x\r\n"
	s.expectOfEach(t, []restVisitor{
		{"an administrator's token", bearer, as(admin)},
		{"a token of another case of the scheme", "authorization: BEARER " + s.AdminToken + "\r\n", as(admin)},
		{"a token beside a user's cookie", bearer + byUser, as(admin)},
		{"a token beside a key", bearer + badKey, as(admin)},
		{"a token for a user", bearer + "Aeroplane-Acting-User: ada\r\n", as(admin)},
		{"a gateway's token", gateways, only(403)},
		{"a gateway's token beside an owner's cookie", gateways + byOwner, only(403)},
		{"a gateway's token beside a console session", gateways + byConsole, only(403)},
		{"a gateway's token where gateways put it", "Aeroplane-Gateway-Token: " + s.GatewayToken + "\r\n", only(401)},
		{"a bad token", bad, only(401)},
		{"a bad token beside an owner's cookie", bad + byOwner, only(401)},
		{"a bad token beside a console session", bad + byConsole, only(401)},
		{"an empty token beside an owner's cookie", "Authorization:\r\n" + byOwner, only(401)},
		{"another scheme beside a console session", "Authorization: Basic " + s.AdminToken + "\r\n" + byConsole, only(401)},
		{"two tokens", bearer + bearer, only(401)},
		{"two tokens beside a console session", bearer + gateways + byConsole, only(401)},
		{"two tokens in one", "Authorization: Bearer " + s.AdminToken + ", Bearer " + s.AdminToken + "\r\n", only(401)},
		{"an API key as a token", "Authorization: Bearer " + key + "\r\n", only(401)},
		{"an API key", "X-API-Key: " + key + "\r\n", only(403)},
		{"an API key beside an owner's cookie", "X-API-Key: " + key + "\r\n" + byOwner, only(403)},
		{"an API key beside a console session", "X-API-Key: " + key + "\r\n" + byConsole, only(403)},
		{"a bad key beside an owner's cookie", badKey + byOwner, only(401)},
		{"a bad key beside a console session", badKey + byConsole, only(401)},
		{"two keys beside both cookies", badKey + badKey + byConsole + byOwner, only(401)},
		{"the token of an administrator as a key", "X-API-Key: " + s.AdminToken + "\r\n", only(401)},
		{"nobody", "", only(401)},
		{"who says who it is", "Aeroplane-Caller: session\r\nAeroplane-User: root\r\nAeroplane-Role: owner\r\n", only(401)},

		{"an owner's session", byOwner, as(owners)},
		{"an owner's session for a user", byOwner + "Aeroplane-Acting-User: ada\r\n", as(owners)},
		{"an owner's session without a user", sessionCookie(nobodys.session), as(owners)},
		{"a user's session", byUser, as(users)},
		{"a session without a user", sessionCookie(ofNobody.session), as(users)},
		{"a session that has expired", sessionCookie(expired), only(401)},
		{"a session that was revoked", sessionCookie(revoked.session), only(401)},
		{"a session that there is not", sessionCookie("x"), only(401)},
		{"a session under another name", "Cookie: Aeroplane_session=" + owner.session + "\r\n", only(401)},
		{"a session in another header", "X-Cookie: aeroplane_session=" + owner.session + "\r\n", only(401)},
		{"the token of an administrator as a session", sessionCookie(s.AdminToken), only(401)},

		{"a console session", byConsole, as(owners)},
		{"a console session that was ended", consoleCookie(ended), only(401)},
		{"a code as a console session", consoleCookie(code), only(401)},
		{"Aeroplane's session as a console session", consoleCookie(owner.session), only(401)},
		{"a console session as Aeroplane's", sessionCookie(console), only(401)},
		{"a console session before a user's", "Cookie: aeroplane_authz_console=" + console + "; aeroplane_session=" + user.session + "\r\n", as(owners)},
		{"a console session behind a user's", byUser + byConsole, as(owners)},
		{"two of Aeroplane's sessions", byUser + byOwner, only(401)},
		{"two console sessions", byConsole + consoleCookie(ended), only(401)},
		{"a console session that was ended, and a user's", consoleCookie(ended) + byUser, as(users)},
		{"a console session that has no value, and a user's", consoleCookie("") + byUser, as(users)},
	})

	// The service is started anew without the token that the console session rests on; the cookie beside it is as good as before.
	anew := start(t, servertest.Options{Store: kept{s.store}, AdminName: "other"})
	anew.expectOfEach(t, []restVisitor{
		{"a console session whose token was taken away", byConsole, only(401)},
		{"the same beside a user's", byConsole + byUser, as(users)},
		{"the token that was taken away", bearer, only(401)},
	})
	// Or with another token of that name.
	start(t, servertest.Options{Store: kept{s.store}}).expectOfEach(t, []restVisitor{
		{"a console session whose token was replaced", byConsole, only(401)},
		{"the same beside a user's", byConsole + byUser, as(users)},
	})
}

// Who brings nothing good is told what to bring, and nothing of what was brought.
func TestRESTSaysWhatToSend(t *testing.T) {
	t.Parallel()
	var log servertest.Logbook
	s := start(t, servertest.Options{Log: log.Logger()})
	const send = ": sign in, or send the header Authorization: Bearer TOKEN with an administrator's token, which the file admin.token in the data directory has behind its name"
	for headers, want := range map[string]string{
		"":                           "Authentication required" + send,
		"Authorization: Basic x\r\n": "the header Authorization must be one bearer token" + send,
		"Authorization: Bearer " + s.AdminToken + "x\r\n":        "the bearer token is not known" + send,
		"Authorization: Bearer admin " + s.AdminToken + "\r\n":   "the bearer token is several words, as a whole line of a file of tokens is: only what is behind the name is the token" + send,
		"Authorization: Bearer admin\t" + s.AdminToken + " \r\n": "the bearer token is several words, as a whole line of a file of tokens is: only what is behind the name is the token" + send,
	} {
		if r, answer := s.rest(t, "GET", "/authz/v1/keys", headers, ""); r.StatusCode != 401 || refused(t, answer).Message != want {
			t.Errorf("%.22q: %d %s", headers, r.StatusCode, strings.ReplaceAll(answer, s.AdminToken, "TOKEN"))
		}
	}
	if strings.Contains(log.String(), s.AdminToken) {
		t.Error("the token is in the log")
	}
}

// A route table of the operator's own cannot let anybody in who has no session: there is nobody then whose keys these could be.
func TestRESTOfOtherRoutes(t *testing.T) {
	t.Parallel()
	for _, access := range []string{"any", "public"} {
		routes, err := resolver.Parse(strings.NewReader("GET /api/system/api-keys "+access+" -\n* /api/** session -\nGET /** public -\n* /** session -\n"), "test")
		if err != nil {
			t.Fatal(err)
		}
		s := start(t, servertest.Options{Routes: routes})
		key := s.createKey(t).GetSecret()
		for _, headers := range []string{"X-API-Key: " + key + "\r\n", sessionCookie("x"), ""} {
			if r, answer := s.rest(t, "GET", "/authz/v1/keys", headers, ""); r.StatusCode != 401 && r.StatusCode != 403 {
				t.Errorf("%s, %.12q: %d %s", access, headers, r.StatusCode, answer)
			}
		}
		if status, answer := s.bySession(t, s.browseAsUser(t, "ada"), "GET", "/authz/v1/keys", ""); access == "any" && status != 200 {
			t.Errorf("%d %s", status, answer)
		}
	}
}

// A restVisitor is known by what the headers say, and is owed a status for each call.
type restVisitor struct {
	name, headers string
	owed          func(call string) int
}

// expectOfEach makes every call as every visitor.
func (s *service) expectOfEach(t *testing.T, visitors []restVisitor) {
	t.Helper()
	calls, _ := contract(t)
	for _, v := range visitors {
		for _, c := range calls {
			body := ""
			if c.body != "" {
				body = "{}"
			}
			r, answer := s.rest(t, c.method, c.target("x"), v.headers+ownPage+asJSON, body)
			if want := v.owed(c.name()); r.StatusCode != want {
				t.Errorf("%s, %s: %d, want %d: %.200s", v.name, c.name(), r.StatusCode, want, answer)
			}
		}
	}
}

// kept is a store that is closed by somebody else.
type kept struct{ servertest.Store }

func (kept) Close() error { return nil }

// expiredSession puts an owner's session whose time is over, and returns its token.
func (s *service) expiredSession(t *testing.T) string {
	t.Helper()
	const token = "a-session-that-is-over"
	digest := sha256.Sum256([]byte(token))
	if _, err := s.sessions.PutSession(t.Context(), &authzv1.PutSessionRequest{Session: &authzv1.Session{TokenSha256: digest[:], UserId: "root",
		Role: authzv1.UserRole_USER_ROLE_OWNER, ExpireTime: timestamppb.New(time.Now().Add(-time.Second))}}); err != nil {
		t.Fatal(err)
	}
	return token
}

// The policy knows every call, and which of them the page makes.
func TestRESTPolicyIsWhole(t *testing.T) {
	t.Parallel()
	calls, _ := contract(t)
	var byCookie []string
	for _, c := range calls {
		row, ok := restPolicy[c.name()]
		if !ok {
			t.Errorf("%s: nobody has decided who may call it in JSON", c.name())
		}
		if row[1] != 403 {
			byCookie = append(byCookie, c.fullName())
		}
	}
	if len(restPolicy) != len(calls) {
		t.Errorf("%d rows for %d calls", len(restPolicy), len(calls))
	}
	slices.Sort(byCookie)
	if diff := cmp.Diff(byCookie, server.PageCalls()); diff != "" {
		t.Errorf("by cookie (-policy +pageCalls):\n%s", diff)
	}
}
