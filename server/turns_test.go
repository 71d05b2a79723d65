// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"sync"
	"testing"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server/servertest"
)

// Of one user's sessions two lists are read at a time, by whatever page, and fifty are in line. Nobody else waits with them, nor does what the
// user changes.
func TestTurnsOfAUser(t *testing.T) {
	t.Parallel()
	store, s := startHeld(t, "Keys")
	ada, again, bob := s.browseAsUser(t, "ada"), s.browseAsUser(t, "ada"), s.browseAsUser(t, "bob")
	answers := make(chan string, 53)
	list := func(by browser, path string) {
		status, answer := by.call("GET", path, "")
		answers <- fmt.Sprint(status, answer)
	}
	for i := range 17 {
		go list(ada, "/authz/v1/keys")
		go list(again, fmt.Sprint("/authz/v1/keys?pageSize=", i+1))
		go list(again, apiKeys)
	}
	if answer := <-answers; !strings.HasPrefix(answer, "503") || !strings.Contains(answer, "wait") {
		t.Errorf("the first to be answered has %s", answer)
	}
	store.await(2)
	id, _ := ada.create(fmt.Sprintf(forAll, "k"))
	if status, answer := s.bySession(t, again, "POST", "/authz/v1/keys/"+id+":revoke", "{}"); status != 200 {
		t.Errorf("a change: %d %s", status, answer)
	}
	for range 2 {
		go list(bob, "/authz/v1/keys")
	}
	store.await(2) // they are read beside two of ada's
	select {
	case <-store.begun:
		t.Error("a third list of ada's is read")
	default:
	}
	store.letGo()
	for range 52 {
		if answer := <-answers; !strings.HasPrefix(answer, "200") {
			t.Errorf("in line: %s", answer)
		}
	}
}

// Why a request is refused is no change: asking stands in the line of what is read.
func TestTurnsOfExplaining(t *testing.T) {
	t.Parallel()
	store, s := startHeld(t, "KeyHead")
	ada := s.browseAsUser(t, "ada")
	id, _ := ada.create(fmt.Sprintf(forAll, "k"))
	answers := make(chan int, 2)
	for range 2 {
		go func() {
			status, _ := s.bySession(t, ada, "POST", "/authz/v1/authorize:explain", `{"method":"GET","path":"/api/projects","keyId":"`+id+`"}`)
			answers <- status
		}()
	}
	store.await(2)
	ada.create(fmt.Sprintf(forAll, "k2"))
	store.letGo()
	for range 2 {
		if status := <-answers; status != 200 {
			t.Errorf("%d", status)
		}
	}
}

// Whose session ends while a call is in line does not get what the call asks for, nor its change made: when RevokeSession has answered, that is over.
func TestTurnsAfterTheSession(t *testing.T) {
	t.Parallel()
	for name, create := range map[string]func(s *service, b browser) (int, string){
		"in JSON": func(s *service, b browser) (int, string) {
			return s.bySession(t, b, "POST", "/authz/v1/keys", fmt.Sprintf(restKey, "late", ""))
		},
		"the dashboard": func(_ *service, b browser) (int, string) { return b.call("POST", apiKeys, fmt.Sprintf(forAll, "late")) },
	} {
		store, s := startHeld(t, "CreateKey")
		ada := s.browseAsUser(t, "ada")
		answers := make(chan string, 53)
		for range 3 {
			go func() {
				status, answer := create(s, ada)
				answers <- fmt.Sprint(status, answer)
			}()
		}
		store.await(2)
		digest := sha256.Sum256([]byte(ada.session))
		if _, err := s.sessions.RevokeSession(t.Context(), &authzv1.RevokeSessionRequest{TokenSha256: digest[:]}); err != nil {
			t.Fatal(err)
		}
		store.letGo()
		refused := 0
		for range 3 {
			if strings.HasPrefix(<-answers, "401") {
				refused++
			}
		}
		if keys, err := s.keys.ListKeys(t.Context(), &authzv1.ListKeysRequest{}); err != nil || refused != 1 || len(keys.GetKeys()) != 2 {
			t.Errorf("%s: %d calls were refused, and there are %d keys, %v", name, refused, len(keys.GetKeys()), err)
		}
	}
}

// A held store is a real one that makes the calls of one method wait.
type held struct {
	begun chan struct{} // one for each such call
	letGo func()
}

func startHeld(t *testing.T, method string) (*held, *service) {
	gone := make(chan struct{})
	h := &held{begun: make(chan struct{}, 100), letGo: sync.OnceFunc(func() { close(gone) })}
	s := start(t, servertest.Options{Store: &failing{Store: openStore(t), fail: func(m string) error {
		if m == method {
			h.begun <- struct{}{}
			<-gone
		}
		return nil
	}}})
	t.Cleanup(h.letGo) // before the server waits for them
	return h, s
}

// await waits until so many more calls have begun.
func (h *held) await(n int) {
	for range n {
		<-h.begun
	}
}
