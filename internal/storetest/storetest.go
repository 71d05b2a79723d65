// SPDX-License-Identifier: Apache-2.0

// Package storetest is the contract that every authz.Store passes, whatever it keeps its data in. It is the ports'
// comments as tests, and what a database might do otherwise: compare without case, sort by language, round times,
// forget a rollback.
//
// A store runs it from a test of its own:
//
//	func TestContract(t *testing.T) {
//		storetest.Run(t, func(t *testing.T) storetest.Database { return database{t.TempDir()} })
//	}
//
//	type database struct{ dir string }
//
//	func (d database) Open(t testing.TB) authz.Store { ... } // t.Fatal where that fails
//	func (d database) Shared() bool                  { return false }
package storetest

import (
	"testing"

	"aeroplane.run/authz"
)

// A Database is where stores keep their data: one file, or one database of a server.
type Database interface {
	// Open opens a store on the database, which is empty at first and keeps its data from then on. The suite closes it.
	Open(t testing.TB) authz.Store
	// Shared reports whether several stores may be open on the database at once, as those of several replicas are.
	Shared() bool
}

// Run runs the contract. It asks for an empty database for each part, and runs the parts in parallel.
func Run(t *testing.T, empty func(t *testing.T) Database) {
	for _, part := range contract {
		t.Run(part.name, func(t *testing.T) {
			t.Parallel()
			part.test(t, newFixture(t, empty(t)))
		})
	}
}

// contract lists the parts, each beside the file that holds it.
var contract = []struct {
	name string
	test func(*testing.T, *fixture)
}{
	// keys.go
	{"keys/come back as they were created", keysRoundTrip},
	{"keys/absent ones are NotFound", absentKeys},
	{"keys/an id or digest that is taken is no other key's", keysAreDistinct},
	{"keys/are selected by user, project and state", keyFilters},
	{"keys/ten thousand", tenThousandKeys},
	// requestid.go
	{"request id/repeats return the first key", requestIDRepeats},
	{"request id/another request is refused", requestIDClash},
	{"request id/concurrent repeats make one key", requestIDConcurrent},
	// selection.go
	{"selection/unknown and foreign projects are refused", selectionIsChecked},
	{"selection/a deleted project leaves for good", selectionForgets},
	{"selection/is not the owner's test", selectionAndOwner},
	{"selection/a thousand projects", selectionOfAThousand},
	{"selection/never outlives a project deleted meanwhile", selectionRace},
	// revoke.go
	{"revoke/ends a key once", revokeKey},
	{"revoke/every key of a user", revokeKeysOfUser},
	{"revoke/more keys of a user than a transaction takes", revokeManyOfUser},
	{"revoke/concurrent calls, one first", revokeConcurrent},
	{"revoke/keys created meanwhile", revokeWhileCreating},
	// sessions.go
	{"sessions/put, replace, revoke", sessions},
	{"sessions/of a user", sessionsOfUser},
	{"sessions/put while revoked", sessionsRace},
	// console.go
	{"console/a session from its code to its end", consoleSessions},
	{"console/codes that open nothing", consoleCodes},
	{"console/a code opens one session", consoleCodeOnce},
	{"console/what has expired is swept", consoleSweep},
	// lookup.go
	{"lookup/credentials", lookupCredentials},
	{"lookup/a key of Aeroplane's own", lookupImported},
	{"lookup/what a scope means", lookupScopes},
	{"lookup/what moves and dangles", lookupMoves},
	{"lookup/transfer", lookupTransfer},
	// lookup_many.go
	{"lookup/slugs", lookupSlugs},
	{"lookup/lists", lookupLists},
	// history.go
	{"history/each change has a place of its own", historyOfChanges},
	{"history/concurrent changes", historyConcurrent},
	{"history/a record is of its revision", historyOfRecords},
	// logged.go
	{"history/what changes is logged, and what takes away narrows", changesAreLogged},
	// catalog.go
	{"catalog/projects", catalogProjects},
	{"catalog/services and deployments", catalogChildren},
	{"catalog/a slug is its owner's once", catalogSlugs},
	{"catalog/batches are all or nothing", catalogBatches},
	{"catalog/slugs and owners change places", catalogSwaps},
	{"catalog/a full batch", catalogFullBatch},
	{"catalog/concurrent creators of a slug", catalogRace},
	{"catalog/concurrent batches in any order", catalogCrossing},
	// sync.go
	{"sync/puts, changes and takes away", syncAll},
	{"sync/leaves alone what is not its own", syncLeavesAlone},
	{"sync/selections", syncSelections},
	{"sync/follows what came before, or is refused", syncFollows},
	{"sync/reports", syncReports},
	// sync_kept.go, sync_beside.go
	{"sync/what is not forgotten", syncSweep},
	{"sync/sessions that are not forgotten", syncSweepSessions},
	{"sync/uses", syncUses},
	{"sync/beside everything else", syncBeside},
	// identity.go
	{"identity/look-alike ids", lookAlikeIDs},
	{"identity/look-alike slugs and names", lookAlikeTexts},
	{"identity/look-alike users", lookAlikeUsers},
	// paging.go
	{"paging/catalog", pagingCatalog},
	{"paging/keys", pagingKeys},
	{"paging/events", pagingEvents},
	{"paging/what a sync has put", pagingForeign},
	{"paging/rows that come and go", pagingUnderChange},
	// lists.go
	{"lists/keys, by each filter and order", listKeys},
	{"lists/projects, by each filter and order", listProjects},
	{"lists/a thousand projects by their ids", listManyByID},
	{"lists/rows that come, go and get other names", listUnderChange},
	// audit.go
	{"audit/one record a change", auditChanges},
	{"audit/no record without a change", auditNoChange},
	{"audit/filters", auditFilters},
	// use.go
	{"use/only goes forward", useForward},
	{"use/concurrent", useConcurrent},
	// sweep.go
	{"sweep/zero cutoffs keep all", sweepNothing},
	{"sweep/keys", sweepKeys},
	{"sweep/sessions", sweepSessions},
	{"sweep/audit records", sweepEvents},
	{"sweep/request ids", sweepRequestIDs},
	{"sweep/request ids outlive their keys", sweepRemembered},
	{"sweep/more than a transaction, twice at once", sweepMany},
	// durable.go
	{"durable/a new store finds everything", restart},
	{"durable/another store sees a change at once", twoStores},
	{"durable/ping", ping},
	// values.go
	{"values/times", times},
	{"values/arguments are left alone", arguments},
	{"values/a context that has ended", endedContext},
}
