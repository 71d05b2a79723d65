// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server/servertest"
)

// A failing store is a real one that fails as it is told to.
type failing struct {
	servertest.Store
	fail func(method string) error
	keys int // how many it says that there are
}

func (f *failing) Keys(ctx context.Context, k authz.KeyFilter, p authz.Page) ([]authz.Key, error) {
	if err := f.fail("Keys"); err != nil || f.keys == 0 {
		keys, storeErr := f.Store.Keys(ctx, k, p)
		return keys, errors.Join(err, storeErr)
	}
	at := time.UnixMicro(1 << 50)
	if !p.After.IsZero() {
		at = time.UnixMicro(p.After.At)
	}
	keys := make([]authz.Key, p.Size)
	for i := range keys {
		keys[i] = authz.Key{ID: "k", CreatedAt: at.Add(-time.Microsecond * time.Duration(i+1)), Projects: authz.ProjectScope{IDs: make([]string, f.keys)}}
	}
	return keys, nil
}

func (f *failing) CreateKey(ctx context.Context, c authz.Change, k authz.NewKey) (authz.CreatedKey, error) {
	made, err := f.Store.CreateKey(ctx, c, k)
	return made, errors.Join(f.fail("CreateKey"), err)
}

func (f *failing) RevokeKey(ctx context.Context, c authz.Change, id string) (authz.RevokedKey, error) {
	revoked, err := f.Store.RevokeKey(ctx, c, id)
	return revoked, errors.Join(f.fail("RevokeKey"), err)
}

func (f *failing) KeyHead(ctx context.Context, id string) (authz.KeyHead, error) {
	if err := f.fail("KeyHead"); err != nil {
		return authz.KeyHead{}, err
	}
	return f.Store.KeyHead(ctx, id)
}

// No error is turned into a success, or into there being no such key.
func TestDashboardFaults(t *testing.T) {
	t.Parallel()
	const (
		noList    = "The API keys cannot be listed now: try again"
		created   = "It is not known whether the API key was created: look for it in the list, revoke it if it is there, and create another"
		revoked   = "It is not known whether the API key is revoked: revoke it again"
		nothing   = "The database does not answer, and nothing was changed: try again"
		full      = "The disk of the database is full, and nothing was changed: try again when there is room"
		undecided = "Authorization is not available"
	)
	away := &authz.Error{Kind: authz.Unavailable, Code: authz.CodeStoreUnavailable, Message: "away"}
	noRoom := &authz.Error{Kind: authz.Unavailable, Code: authz.CodeDiskFull, Message: "full"}
	unknown := &authz.Error{Kind: authz.Unavailable, Code: authz.CodeOutcomeUnknown, Message: "unknown"}
	for _, c := range []struct {
		method, call string
		err          error // nil: it panics
		text         string
	}{
		{"Keys", "GET", away, nothing}, {"Keys", "GET", unknown, noList}, {"Keys", "GET", errors.New("x"), noList}, {"Keys", "GET", nil, noList},
		{"CreateKey", "POST", away, nothing}, {"CreateKey", "POST", noRoom, full}, {"CreateKey", "POST", unknown, created}, {"CreateKey", "POST", context.DeadlineExceeded, created},
		{"CreateKey", "POST", errors.New("x"), created}, {"CreateKey", "POST", nil, created},
		{"KeyHead", "DELETE", away, nothing}, {"KeyHead", "DELETE", errors.New("x"), revoked}, {"KeyHead", "DELETE", nil, revoked},
		{"RevokeKey", "DELETE", away, nothing}, {"RevokeKey", "DELETE", unknown, revoked}, {"RevokeKey", "DELETE", errors.New("x"), revoked}, {"RevokeKey", "DELETE", nil, revoked},
	} {
		failed := ""
		store := &failing{Store: openStore(t), fail: func(method string) error {
			switch {
			case method != failed:
				return nil
			case c.err == nil:
				panic("of a test")
			}
			return c.err
		}}
		s := start(t, servertest.Options{Store: store})
		ada := s.browseAsUser(t, "ada")
		id, _ := ada.create(fmt.Sprintf(forAll, "k"))
		target, body := apiKeys, ""
		switch c.call {
		case "POST":
			body = fmt.Sprintf(forAll, "k")
		case "DELETE":
			target += "/" + id
		}
		failed = c.method
		if status, answer := ada.call(c.call, target, body); status != 503 || answer != `{"error":"`+c.text+`"}` {
			t.Errorf("%s with %v: %d %s", c.method, c.err, status, answer)
		}
		if c.method != "RevokeKey" {
			continue
		}
		// Who revokes again is told that there is no such key when that is in force, and not before.
		if status, answer := ada.call("DELETE", target, ""); status != 503 {
			t.Errorf("again with %v: %d %s", c.err, status, answer)
		}
		failed = ""
		if status, _ := ada.call("DELETE", target, ""); status != 404 {
			t.Errorf("afterwards: %d", status)
		}
	}

	lost := &faulty{Store: openStore(t)}
	s := start(t, servertest.Options{Store: lost})
	ada := s.browseAsUser(t, "ada")
	lost.lookup = func(context.Context, authz.Query) (authz.Facts, error) { return authz.Facts{}, away }
	for method, target := range map[string]string{"GET": apiKeys, "POST": apiKeys, "DELETE": apiKeys + "/x"} {
		if status, answer := ada.call(method, target, ""); status != 503 || answer != `{"error":"`+undecided+`"}` {
			t.Errorf("%s without a decision: %d %s", method, status, answer)
		}
	}
	lost.lookup = func(context.Context, authz.Query) (authz.Facts, error) { panic("of a test") }
	if status, answer := ada.call("GET", apiKeys, ""); status != 503 || answer != `{"error":"`+undecided+`"}` {
		t.Errorf("with a panic: %d %s", status, answer)
	}
}

// A list that is too long is cut, and there is a word of it in the log.
func TestDashboardLongLists(t *testing.T) {
	t.Parallel()
	for ids, want := range map[int]int{1: 10_000, 1000: 400} { // by keys, and by ids
		var log servertest.Logbook
		s := start(t, servertest.Options{Store: &failing{Store: openStore(t), fail: func(string) error { return nil }, keys: ids}, Log: log.Logger()})
		keys, _ := s.browse(t, "ada", authzv1.UserRole_USER_ROLE_USER).names()
		if len(keys) != want || !strings.Contains(log.String(), "was cut short") {
			t.Errorf("%d keys with %d projects each", len(keys), ids)
		}
	}
}

// How the calls are counted: as those over gRPC are, and decisions as decisions.
func TestDashboardIsCounted(t *testing.T) {
	t.Parallel()
	var told tally
	s := start(t, servertest.Options{Observer: &told})
	ada := s.browseAsUser(t, "ada")
	told.take()
	want := func(lines ...string) {
		t.Helper()
		if diff := cmp.Diff(lines, told.take()); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
	}
	id, _ := ada.create(fmt.Sprintf(forAll, "k"))
	want("decided 0", "CreateKey ok")
	ada.call("POST", apiKeys, "{}")
	want("decided 0", "CreateKey invalid_argument")
	ada.send("POST "+apiKeys+" HTTP/1.1\r\nHost: a.test\r\nCookie: aeroplane_session="+ada.session+"\r\n", "")
	want("decided 0", "CreateKey permission_denied")
	ada.call("DELETE", apiKeys+"/"+id, "")
	want("decided 0", "RevokeKey ok")
	ada.call("DELETE", apiKeys+"/"+id, "")
	want("decided 0", "RevokeKey not_found")
	ada.names()
	want("decided 0")
	browser{t, s.HTTPAddr, "x"}.call("GET", apiKeys, "")
	want(fmt.Sprint("decided ", int(authz.AuthenticationRequired)))
}
