// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"testing"
	"time"

	"aeroplane.run/authz"
)

// Admin is a change by an administrator, for the tests that a store has of its own.
var Admin = authz.Change{
	Actor: authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "test"},
	At:    time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC),
}

// SimpleKey returns a key that reads everything. Its digest begins with its id.
func SimpleKey(id string) authz.NewKey {
	k := authz.NewKey{Key: authz.Key{
		ID: id, Name: id, Access: authz.Read, Projects: authz.ProjectScope{All: true}, CreatedAt: Admin.At,
	}}
	copy(k.Digest[:], id)
	return k
}

// Create stores SimpleKey.
func Create(t *testing.T, s authz.Store, id string) {
	t.Helper()
	if _, err := s.CreateKey(t.Context(), Admin, SimpleKey(id)); err != nil {
		t.Fatal(err)
	}
}
