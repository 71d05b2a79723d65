// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"aeroplane.run/authz"
	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/apikey"
	bt "aeroplane.run/authz/internal/browsertest"
	"aeroplane.run/authz/internal/sqlite"
	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/server/servertest"
)

func TestMain(m *testing.M) { os.Exit(testservers.Main(m)) }

// A stage is a service with some users and projects, whose page is opened in a browser.
type stage struct {
	*testing.T
	*servertest.Running
	url string
	ago atomic.Int64 // by how much the service's clock is behind, in nanoseconds
}

// The users: olga is an owner, ada and bob are not.
var users = map[string]authz.UserRole{"olga": authz.UserRoleOwner, "ada": authz.UserRoleUser, "bob": authz.UserRoleUser}

// newStage starts a service, in which each user has a session, and ada some projects.
func newStage(t *testing.T) *stage {
	t.Helper()
	t.Parallel()
	store, err := sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Migrate: true})
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{T: t}
	s.Running = servertest.Start(t, servertest.Options{Store: store, Now: func() time.Time { return time.Now().Add(-time.Duration(s.ago.Load())) }})
	s.url = "http://" + s.HTTPAddr + "/authz/"
	for user := range users {
		s.putSession(user)
	}
	for _, name := range []string{"Web shop", "Public API", "Data warehouse", "Documentation"} {
		s.putProject("ada", name)
	}
	s.putProject("bob", "Bob's own")
	return s
}

// session is the token of a user's session.
func session(user string) string { return "session-of-" + user }

func (s *stage) putSession(user string) {
	s.Helper()
	digest := apikey.DigestOf(session(user))
	role := v1.UserRole_USER_ROLE_USER
	if users[user] == authz.UserRoleOwner {
		role = v1.UserRole_USER_ROLE_OWNER
	}
	_, err := v1.NewSessionServiceClient(s.Admin).PutSession(s.Context(), &v1.PutSessionRequest{Session: &v1.Session{
		TokenSha256: digest[:], UserId: user, Role: role, ExpireTime: in(time.Hour)}})
	s.must(err)
}

func (s *stage) endSession(user string) {
	s.Helper()
	digest := apikey.DigestOf(session(user))
	_, err := v1.NewSessionServiceClient(s.Admin).RevokeSession(s.Context(), &v1.RevokeSessionRequest{TokenSha256: digest[:]})
	s.must(err)
}

// sessionCookie is what a browser has of a user's session.
func sessionCookie(user string) *http.Cookie {
	return &http.Cookie{Name: "aeroplane_session", Value: session(user), Path: "/", HttpOnly: true}
}

// slugOf is the slug, and with a letter before it the id, of a project.
func slugOf(name string) string {
	var slug []rune
	for _, r := range name {
		switch {
		case 'A' <= r && r <= 'Z':
			slug = append(slug, r+'a'-'A')
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
			slug = append(slug, r)
		default:
			slug = append(slug, '-')
		}
	}
	return string(slug)
}

func (s *stage) putProject(owner, name string) {
	s.Helper()
	_, err := v1.NewCatalogServiceClient(s.Admin).PutProject(s.Context(), &v1.PutProjectRequest{Project: &v1.Project{
		Id: "p-" + slugOf(name), Slug: slugOf(name), Name: name, OwnerId: owner}})
	s.must(err)
}

func (s *stage) renameProject(name, to string) {
	s.Helper()
	_, err := v1.NewCatalogServiceClient(s.Admin).PutProject(s.Context(), &v1.PutProjectRequest{Project: &v1.Project{
		Id: "p-" + slugOf(name), Slug: slugOf(name), Name: to, OwnerId: "ada"}})
	s.must(err)
}

func (s *stage) deleteProject(name string) {
	s.Helper()
	_, err := v1.NewCatalogServiceClient(s.Admin).DeleteProject(s.Context(), &v1.DeleteProjectRequest{Id: "p-" + slugOf(name)})
	s.must(err)
}

// create makes a key elsewhere than on the page, for all projects of its user.
func (s *stage) create(user, name string) *v1.CreateKeyResponse {
	s.Helper()
	made, err := v1.NewKeyServiceClient(s.Admin).CreateKey(s.Context(), &v1.CreateKeyRequest{
		Name: name, UserId: user, AccessLevel: v1.AccessLevel_ACCESS_LEVEL_WRITE, Projects: &v1.ProjectScope{All: true},
		Expiry: &v1.CreateKeyRequest_ExpiresIn{ExpiresIn: durationpb.New(90 * 24 * time.Hour)}})
	s.must(err)
	return made
}

// revoke ends a key elsewhere.
func (s *stage) revoke(id string) {
	s.Helper()
	_, err := v1.NewKeyServiceClient(s.Admin).RevokeKey(s.Context(), &v1.RevokeKeyRequest{Id: id})
	s.must(err)
}

// keysOf returns all keys of a user, newest first.
func (s *stage) keysOf(user string) []*v1.Key {
	s.Helper()
	out, err := v1.NewKeyServiceClient(s.Admin).ListKeys(s.Context(), &v1.ListKeysRequest{UserId: &user, States: []v1.KeyState{
		v1.KeyState_KEY_STATE_LIVE, v1.KeyState_KEY_STATE_EXPIRED, v1.KeyState_KEY_STATE_REVOKED}})
	s.must(err)
	return out.GetKeys()
}

// authorize asks as a gateway does, and returns the status of the refusal, or 0.
func (s *stage) authorize(key, method, path string) int32 {
	s.Helper()
	out, err := v1.NewAuthorizationServiceClient(s.Gateway).Authorize(s.Context(), &v1.AuthorizeRequest{
		Method: method, Path: path, Credential: &v1.AuthorizeRequest_ApiKey{ApiKey: key}})
	s.must(err)
	return out.GetDenial().GetHttpStatus()
}

func in(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(time.Now().Add(d)) }

func (s *stage) must(err error) {
	s.Helper()
	if err != nil {
		s.Fatal(err)
	}
}

// as opens the page in a tab of its own, for a user whose session it has.
func (s *stage) as(user string) *bt.Page {
	s.Helper()
	page := bt.New(s)
	page.SetCookie(s, s.url, sessionCookie(user))
	page.Load(s, s.url)
	quiet(s.T, page)
	return page
}

// press clicks a button or a link by what it says, in the dialog that is open or else on the page.
func (s *stage) press(page *bt.Page, name string) {
	s.Helper()
	page.ClickOn(s, fmt.Sprintf(`[...(document.querySelector("dialog:last-of-type") ?? document).querySelectorAll("button, a, summary, label.choice")].find(`+
		`(e) => e.checkVisibility() && e.textContent.trim().replace(/\s+/g, " ").startsWith(%s))`, quote(name)))
}

// enter replaces what is in the field of a label.
func (s *stage) enter(page *bt.Page, label, text string) {
	s.Helper()
	quoted := quote(label)
	find := fmt.Sprintf(`[...(document.querySelector("dialog:last-of-type") ?? document).querySelectorAll("label")].find(`+
		`(e) => e.textContent.trim() === %s)?.control`, quoted)
	page.Until(s, find+` !== undefined`)
	bt.Eval[bool](s, page, fmt.Sprintf(`(() => { const box = %s; box.focus(); box.select(); return true; })()`, find))
	page.Type(s, text)
}

// paste puts text into the field of a label at once.
func (s *stage) paste(page *bt.Page, label, text string) {
	s.Helper()
	s.enter(page, label, "")
	bt.Eval[bool](s, page, fmt.Sprintf(`document.execCommand("insertText", false, %s)`, quote(text)))
}

// clipboard is held by a test from when it copies until it has read what it copied: there is one in a browser.
var clipboard sync.Mutex

// copyKey copies the key that is shown, and returns what came onto the clipboard.
func (s *stage) copyKey(page *bt.Page) string {
	s.Helper()
	clipboard.Lock()
	defer clipboard.Unlock()
	s.press(page, "Copy API key")
	page.Text(s, "dialog", "Copied")
	return page.Clipboard(s)
}

// choose chooses an option of a list by its label.
func (s *stage) choose(page *bt.Page, label, option string) {
	s.Helper()
	page.Until(s, fmt.Sprintf(`[...document.querySelectorAll("label")].some((e) => e.textContent.trim() === %s)`, quote(label)))
	chosen := bt.Eval[bool](s, page, fmt.Sprintf(`(() => { const list = [...document.querySelectorAll("label")].find((e) => e.textContent.trim() === %s).control;`+
		` const at = [...list.options].findIndex((o) => o.text === %s); list.selectedIndex = at; list.dispatchEvent(new Event("change")); return at >= 0; })()`,
		quote(label), quote(option)))
	if !chosen {
		s.Fatalf("there is no option %q of %q", option, label)
	}
}

// quote returns text as JavaScript writes it.
func quote(text string) string {
	quoted, _ := json.Marshal(text) // which always works
	return string(quoted)
}

// row is the selector of a key's row.
func row(id string) string { return fmt.Sprintf(`tr[data-id="%s"]`, id) }
