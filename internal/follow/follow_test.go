// SPDX-License-Identifier: Apache-2.0

package follow_test

import (
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
)

const readS, readD = "/api/services/s", "/api/deployments/d/logs"

// What happens in Aeroplane is in force here.
func TestInStep(t *testing.T) {
	t.Parallel()
	p := start(t)
	_, web := p.key(aeroplanetest.Key{User: "ada", Selected: true, Projects: []string{"p-web"}})
	ada := authz.SessionToken(p.Session("of-ada", "ada", time.Now().Add(time.Hour)))
	bob := authz.SessionToken(p.Session("of-bob", "bob", time.Now().Add(time.Hour)))
	p.becomes(true, web, "GET", readS)
	p.becomes(true, web, "GET", readD)
	p.becomes(true, ada, "GET", "/api/system/settings")
	p.becomes(true, bob, "GET", "/api/projects/web")

	p.Move("s", "p-shop")
	p.becomes(false, web, "GET", readS)
	p.is(false, web, "GET", readD) // its deployments move along
	p.Move("s", "p-web")
	p.becomes(true, web, "GET", readD)

	p.Exec("UPDATE users SET role = 'owner' WHERE id = 'bob'")
	p.Project("p-new", "bob", "new")
	p.becomes(true, bob, "GET", "/api/projects/new")
	p.EndSession("of-ada")
	p.becomes(false, ada, "GET", "/api/projects/web")
	p.Exec("UPDATE project_groups SET owner_user_id = 'bob', slug = 'taken' WHERE id = 'p-web'")
	p.becomes(false, web, "GET", readS)
	p.becomes(true, bob, "GET", "/api/projects/taken")
	p.Delete("project_groups", "p-new")
	p.becomes(false, bob, "GET", "/api/projects/new")
	p.Delete("users", "bob")
	p.becomes(false, bob, "GET", "/api/projects")
}

// Keys that are made and revoked on Aeroplane's own page.
func TestKeysOfAeroplane(t *testing.T) {
	t.Parallel()
	p := start(t)
	id, key := p.key(aeroplanetest.Key{User: "ada", Access: "write"})
	p.becomes(true, key, "DELETE", readS)
	p.Exec("UPDATE api_keys SET access_level = 'read' WHERE id = $1", id)
	p.becomes(false, key, "DELETE", readS)
	p.is(true, key, "GET", readS)
	p.Exec("UPDATE api_keys SET expires_at = 'soon' WHERE id = $1", id)
	p.becomes(false, key, "GET", readS)
	p.Exec("UPDATE api_keys SET expires_at = NULL WHERE id = $1", id)
	p.becomes(true, key, "GET", readS)
	p.RevokeKey(id)
	p.becomes(false, key, "GET", readS)
	p.Exec("UPDATE api_keys SET revoked_at = NULL WHERE id = $1", id)
	gone, other := p.key(aeroplanetest.Key{User: "ada"})
	p.becomes(true, other, "GET", readS)
	p.is(false, key, "GET", readS) // for good
	p.Delete("api_keys", gone)
	p.becomes(false, other, "GET", readS)
}

// Once keys are ours, what Aeroplane's page does with them is not followed, and all else is.
func TestKeysThatAreOurs(t *testing.T) {
	t.Parallel()
	p := start(t)
	id, key := p.key(aeroplanetest.Key{User: "ada", Selected: true, Projects: []string{"p-web"}})
	p.becomes(true, key, "GET", readS)
	p.imported(authz.SyncRequest{TakeKeys: true})
	p.RevokeKey(id)
	_, late := p.key(aeroplanetest.Key{User: "ada"})
	p.Move("s", "p-shop")
	p.becomes(false, key, "GET", readS)
	p.Move("s", "p-web")
	p.becomes(true, key, "GET", readS)
	p.is(false, late, "GET", readS)
	p.imported(authz.SyncRequest{TakeKeys: true}) // once more: what is new is added, and what was revoked there is revoked
	p.is(false, key, "GET", readS)
	p.is(true, late, "GET", readS)
}

// When keys are ours, it is no trouble that Aeroplane has none of its own any more.
func TestNoKeysOfAeroplanesAreLeft(t *testing.T) {
	t.Parallel()
	p := start(t)
	var last authz.Credential
	for range 12 {
		_, last = p.key(aeroplanetest.Key{User: "ada", Selected: true, Projects: []string{"p-web"}})
	}
	p.becomes(true, last, "GET", readS)
	p.imported(authz.SyncRequest{TakeKeys: true})
	p.stop()
	p.follow() // and so has just compared everything
	p.Exec("DELETE FROM api_keys")
	p.Move("s", "p-shop")
	p.becomes(false, last, "GET", readS)
	p.Move("s", "p-web")
	p.becomes(true, last, "GET", readS)
}

// What was revoked here stays so, whatever Aeroplane says of it.
func TestWhatIsRevokedHere(t *testing.T) {
	t.Parallel()
	p := start(t)
	id, key := p.key(aeroplanetest.Key{User: "ada"})
	session := authz.SessionToken(p.Session("of-ada", "ada", time.Now().Add(time.Hour)))
	p.becomes(true, key, "GET", readS)
	p.becomes(true, session, "GET", readS)
	if _, err := p.store.RevokeKey(t.Context(), byHand(), id); err != nil {
		t.Fatal(err)
	}
	if _, err := p.store.RevokeSessionsOfUser(t.Context(), byHand(), "ada"); err != nil {
		t.Fatal(err)
	}
	p.Exec("UPDATE api_keys SET name = 'renamed' WHERE id = $1", id)
	_, other := p.key(aeroplanetest.Key{User: "ada"})
	p.becomes(true, other, "GET", readS)
	p.is(false, key, "GET", readS)
	p.stop()
	p.follow()
	p.is(false, key, "GET", readS)
	p.is(false, session, "GET", readS)
}

// A follower that starts anew goes on from what there is.
func TestRestart(t *testing.T) {
	t.Parallel()
	p := start(t)
	_, key := p.key(aeroplanetest.Key{User: "ada", Selected: true, Projects: []string{"p-web", "p-shop"}})
	p.becomes(true, key, "GET", readS)
	p.stop()
	p.Move("s", "p-bob")
	p.Delete("deployments", "d")
	p.Service("late", "p-shop")
	p.is(true, key, "GET", readS)
	p.follow()
	p.is(false, key, "GET", readS)
	p.is(true, key, "GET", "/api/services/late")
	p.Move("s", "p-web")
	p.becomes(true, key, "GET", readS)
	p.is(false, key, "GET", readD)
}

// Somebody else changes what is kept.
func TestOthersChangeIt(t *testing.T) {
	t.Parallel()
	p := start(t)
	_, key := p.key(aeroplanetest.Key{User: "ada", Selected: true, Projects: []string{"p-web"}})
	p.becomes(true, key, "GET", readS)
	p.imported(authz.SyncRequest{}) // after which what the follower knows of is not what is kept
	p.Move("s", "p-shop")
	p.becomes(false, key, "GET", readS)
	if _, err := p.store.PutProjects(t.Context(), byHand(), []authz.Project{{ID: "by-hand", Slug: "fresh", OwnerID: "ada"}}); err != nil {
		t.Fatal(err)
	}
	p.Project("p-fresh", "ada", "fresh") // whose slug is taken here
	p.Move("s", "p-web")
	p.becomes(true, key, "GET", readS)
}

// The service is away for a while, and nothing is lost.
func TestTheServiceIsAway(t *testing.T) {
	t.Parallel()
	p := start(t)
	_, key := p.key(aeroplanetest.Key{User: "ada", Selected: true, Projects: []string{"p-web"}})
	p.becomes(true, key, "GET", readS)
	p.target.broken.Store(true)
	p.Move("s", "p-shop")
	p.trouble()
	p.Delete("deployments", "d")
	p.target.broken.Store(false)
	p.becomes(false, key, "GET", readS)
	p.wellAgain()
	p.Move("s", "p-web")
	p.becomes(true, key, "GET", readS)
	p.is(false, key, "GET", readD)
}

// A writer is at work all the time, and more changes at once than fit into one step.
func TestMuchAtOnce(t *testing.T) {
	t.Parallel()
	p := start(t)
	_, key := p.key(aeroplanetest.Key{User: "ada", Selected: true, Projects: []string{"p-web"}})
	p.becomes(true, key, "GET", readS)
	w := p.Write("t", time.Millisecond)
	p.Fill(10, 100, 2000, 10)
	p.Exec("UPDATE projects SET project_group_id = 'p-web'")
	p.becomes(true, key, "GET", "/api/services/fill-s-000099")
	p.Exec("UPDATE projects SET project_group_id = 'p-shop'")
	p.becomes(false, key, "GET", readS)
	p.is(false, key, "GET", "/api/services/fill-s-000099")
	if w.Stop() == 0 {
		t.Error("the writer wrote nothing")
	}
}

// A session whose time is over has not been ended by anybody: nothing is done about it, and nothing is on record.
func TestASessionsTimeIsOver(t *testing.T) {
	t.Parallel()
	p := start(t)
	short := authz.SessionToken(p.Session("short", "ada", time.Now().Add(2*time.Second)))
	p.becomes(true, short, "GET", readS)
	p.becomes(false, short, "GET", readS)
	p.Move("s", "p-shop")
	p.Service("late", "p-web")
	_, key := p.key(aeroplanetest.Key{User: "ada"})
	p.becomes(true, key, "GET", "/api/services/late")
	p.stop()
	p.follow() // and compares everything
	events, err := p.store.Events(t.Context(), authz.EventFilter{Action: authz.SessionRevoke}, authz.Page{Size: 10})
	if err != nil || len(events) > 0 {
		t.Errorf("%v, %v", events, err)
	}
}

// A sync of somebody else's is noticed though Aeroplane is quiet.
func TestOthersSyncIsNoticed(t *testing.T) {
	t.Parallel()
	p := start(t)
	_, key := p.key(aeroplanetest.Key{User: "ada"})
	p.becomes(true, key, "GET", readS)
	in := p.reading()
	in.Services = nil
	r := authz.SyncRequest{Revision: p.state().Revision + 1, Source: "another"}
	if _, err := p.syncer.Whole(t.Context(), authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "operator"}, r, in); err != nil {
		t.Fatal(err)
	}
	p.is(false, key, "GET", readS)
	p.becomes(true, key, "GET", readS)
}
