// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"aeroplane.run/authz/server/servertest"
)

// Of one user's sessions two lists are read at a time, by whatever page, and fifty wait for it. Nobody else waits with them, nor does what
// the user changes.
func TestTurnsOfAUser(t *testing.T) {
	t.Parallel()
	var reading atomic.Int32
	held := make(chan struct{})
	store := &failing{Store: openStore(t), fail: func(method string) error {
		if method == "Keys" {
			reading.Add(1)
			<-held
		}
		return nil
	}}
	s := start(t, servertest.Options{Store: store})
	ada, again, bob := s.browseAsUser(t, "ada"), s.browseAsUser(t, "ada"), s.browseAsUser(t, "bob")
	answers := make(chan string)
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
	if n := reading.Load(); n > 2 {
		t.Errorf("%d of ada's lists are being read", n)
	}
	id, _ := ada.create(fmt.Sprintf(forAll, "k"))
	if status, answer := s.bySession(t, again, "POST", "/authz/v1/keys/"+id+":revoke", "{}"); status != 200 {
		t.Errorf("a change: %d %s", status, answer)
	}
	for range 2 {
		go list(bob, "/authz/v1/keys")
	}
	for reading.Load() < 4 { // bob's, besides two of ada's
		select {
		case answer := <-answers:
			t.Fatalf("answered while lists are read: %s", answer)
		default:
		}
	}
	close(held)
	for range 52 {
		if answer := <-answers; !strings.HasPrefix(answer, "200") {
			t.Errorf("in line: %s", answer)
		}
	}
}
