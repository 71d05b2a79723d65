// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"encoding/hex"
	"slices"
	"strconv"
	"time"

	"aeroplane.run/authz"
)

// SyncState returns how what is kept stands to Aeroplane.
func (s *Store) SyncState(ctx context.Context) (state authz.SyncState, err error) {
	err = s.do(ctx, func(ctx context.Context) error {
		var ok bool
		state, ok, err = queryOne(ctx, s.db, syncColumns, `SELECT revision, tag, complete, source, synced_at, seen_at, trouble, trouble_at,
			refused, keys_ours FROM catalog_sync WHERE id = 1`)
		if err == nil && !ok {
			err = authz.Errorf(authz.Internal, "the row of catalog_sync is gone, which it never is: restore it")
		}
		return err
	})
	return state, err
}

func syncColumns(s *authz.SyncState) []any {
	return []any{&s.Revision, &s.Tag, &s.Complete, &s.Source, stored(&s.SyncedAt), stored(&s.SeenAt), &s.Trouble, stored(&s.TroubleAt),
		&s.Refused, &s.KeysOurs}
}

// Sync does all that a delta says. What goes goes first, so that what it holds is free.
func (s *Store) Sync(ctx context.Context, c authz.Change, d *authz.Delta, before int64, next authz.SyncState) (did authz.Counted, err error) {
	did.Receipt, err = s.change(ctx, c, func(ctx context.Context, t *tx) error {
		did.N = 0
		ours := next.KeysOurs
		if d.Len() == 0 { // it may be all that changes
			if err := t.QueryRowContext(ctx, "SELECT keys_ours FROM catalog_sync WHERE id = 1").Scan(&ours); err != nil {
				return err
			}
		}
		if err := t.moveOn(ctx, before, next); err != nil {
			return err
		}
		if err := t.lockFor(ctx, d); err != nil {
			return err
		}
		for _, part := range []func() (int, error){
			func() (int, error) { return t.endKeys(ctx, d.GoneKeys, "revoked_at", c.At, authz.KeyRevoke) },
			func() (int, error) {
				return t.endKeys(ctx, d.DoubtfulKeys, "expires_at", c.At.Add(-doubtfulFor), authz.KeySuspend)
			},
			func() (int, error) { return t.endSessions(ctx, d.GoneSessions) },
			func() (int, error) { return t.deleteByID(ctx, deployments.rowsByID, d.GoneDeployments) },
			func() (int, error) { return t.deleteByID(ctx, services.rowsByID, d.GoneServices) },
			func() (int, error) { return t.deleteByID(ctx, projects, d.GoneProjects) },
			func() (int, error) { return t.putProjects(ctx, d.Projects) },
			func() (int, error) { return t.putChildren(ctx, services, childrenOfProjects(d.Services)) },
			func() (int, error) { return t.putChildren(ctx, deployments, childrenOfServices(d.Deployments)) },
			func() (int, error) { return t.putForeignKeys(ctx, d.Keys) },
			func() (int, error) { return t.putSessions(ctx, d.Sessions, true) },
		} {
			n, err := part()
			if err != nil {
				return err
			}
			did.N += n
		}
		if d.Len() == 0 && ours == next.KeysOurs {
			return nil
		}
		return t.record(ctx, entry{authz.CatalogSync, "", map[string]string{
			"source": next.Source, "revision": strconv.FormatInt(next.Revision, 10), "changed": strconv.Itoa(did.N),
			"keys_ours": strconv.FormatBool(next.KeysOurs),
		}})
	})
	return orNothing(did, err)
}

// moveOn makes next the state, if the one that is there has the tag of before. Whoever does the same meanwhile waits for us, and is
// refused then.
func (t *tx) moveOn(ctx context.Context, before int64, next authz.SyncState) error {
	_, moved, err := queryOne(ctx, t, column[int64], `UPDATE catalog_sync SET revision = $1, tag = $2, complete = $3, source = $4,
			synced_at = $5, seen_at = $6, trouble = $7, trouble_at = $8, refused = $9, keys_ours = $10
		WHERE id = 1 AND tag = $11 RETURNING tag`,
		next.Revision, next.Tag, next.Complete, next.Source, micros(next.SyncedAt), micros(next.SeenAt), next.Trouble,
		micros(next.TroubleAt), next.Refused, next.KeysOurs, before)
	if err == nil && !moved {
		err = authz.SyncConflict()
	}
	return err
}

// lockFor locks what is there of all that a delta is about, a table at a time and each in order, as others do who change many rows of
// one: part by part of the delta it would be in no order, and two that wait for each other both lose a second.
func (t *tx) lockFor(ctx context.Context, d *authz.Delta) error {
	ids := func(gone []string, put int, id func(i int) string) (all []any) {
		for _, g := range gone {
			all = append(all, g)
		}
		for i := range put {
			all = append(all, id(i))
		}
		return all
	}
	var digests []any
	for i := range d.GoneSessions {
		digests = append(digests, d.GoneSessions[i][:])
	}
	for i := range d.Sessions {
		digests = append(digests, d.Sessions[i].Digest[:])
	}
	for _, of := range []struct {
		table, key, lock string
		rows             []any
	}{
		{"keys", "id", t.dialect.Lock, ids(slices.Concat(d.GoneKeys, d.DoubtfulKeys), len(d.Keys), func(i int) string { return d.Keys[i].ID })},
		{"sessions", "digest", t.dialect.Lock, digests},
		{"deployments", "id", t.dialect.LockWhole, ids(d.GoneDeployments, len(d.Deployments), func(i int) string { return d.Deployments[i].ID })},
		{"services", "id", t.dialect.LockWhole, ids(d.GoneServices, len(d.Services), func(i int) string { return d.Services[i].ID })},
		{"projects", "id", t.dialect.LockWhole, ids(d.GoneProjects, len(d.Projects), func(i int) string { return d.Projects[i].ID })},
	} {
		if len(of.rows) == 0 || of.lock == "" {
			continue
		}
		var p params
		_, err := t.ExecContext(ctx, "SELECT 1 FROM "+of.table+" WHERE "+of.key+" IN "+p.row(of.rows...)+" ORDER BY "+of.key+" "+of.lock, p...)
		if err != nil {
			return err
		}
	}
	return nil
}

// ReportSync notes what is reported, unless something newer is. What is far ahead was noted by a clock that was wrong, and is not newer.
func (s *Store) ReportSync(ctx context.Context, r authz.SyncReport) error {
	set := "seen_at = $1, trouble = '', trouble_at = NULL"
	args := []any{r.At.UnixMicro(), r.At.Add(aheadAtMost).UnixMicro()}
	if r.Trouble != "" {
		set = "trouble = $3, trouble_at = COALESCE(trouble_at, $1)"
		args = append(args, r.Trouble)
	}
	return s.do(ctx, func(ctx context.Context) error {
		_, err := s.db.ExecContext(ctx, "UPDATE catalog_sync SET "+set+" WHERE id = 1 AND (COALESCE(seen_at, 0) <= $1 OR seen_at > $2)", args...)
		return err
	})
}

// aheadAtMost is how far the clocks of replicas may be apart.
const aheadAtMost = time.Minute

// doubtfulFor is how long ago keys in doubt are made to expire: at the time of the change by our clock some other replica's might not be so far.
const doubtfulFor = time.Minute

// endKeys sets the time at which keys are over, for those that Aeroplane has made and that are not over before.
func (t *tx) endKeys(ctx context.Context, ids []string, which string, end time.Time, action authz.Action) (n int, err error) {
	if len(ids) == 0 {
		return 0, nil
	}
	var p params
	at := p.bind(end.UnixMicro())
	ended, err := query(ctx, t, column[string], "UPDATE keys SET "+which+" = "+at+" WHERE id IN (SELECT id FROM keys WHERE id IN "+p.in(ids)+
		" AND synced AND revoked_at IS NULL AND ("+which+" IS NULL OR "+which+" > "+at+") ORDER BY id "+t.dialect.Lock+") RETURNING id", p...)
	if err != nil {
		return 0, err
	}
	return len(ended), t.recordEach(ctx, action, ended)
}

// endSessions revokes sessions that Aeroplane has told of.
func (t *tx) endSessions(ctx context.Context, digests []authz.Digest) (n int, err error) {
	if len(digests) == 0 {
		return 0, nil
	}
	var p params
	at := p.bind(t.change.At.UnixMicro())
	all := make([]any, len(digests))
	for i := range digests {
		all[i] = digests[i][:]
	}
	ended, err := query(ctx, t, column[[]byte], "UPDATE sessions SET revoked_at = "+at+" WHERE digest IN (SELECT digest FROM sessions WHERE digest IN "+
		p.row(all...)+" AND synced AND revoked_at IS NULL ORDER BY digest "+t.dialect.Lock+") RETURNING digest", p...)
	if err != nil {
		return 0, err
	}
	subjects := make([]string, len(ended))
	for i, digest := range ended {
		subjects[i] = hex.EncodeToString(digest)
	}
	return len(ended), t.recordEach(ctx, authz.SessionRevoke, subjects)
}
