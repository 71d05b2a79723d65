// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"aeroplane.run/authz"
)

// RecordUse notes uses, at most chunk of them in a transaction. Each is one statement, without an audit record, and
// without what makes sure that a change lasts: these times may be lost.
func (s *Store) RecordUse(ctx context.Context, uses []authz.KeyUse) error {
	// By id, so that two stores do not wait for each other, and of one key the latest: no row is written twice.
	uses = slices.SortedFunc(slices.Values(uses), func(a, b authz.KeyUse) int {
		return cmp.Or(cmp.Compare(a.KeyID, b.KeyID), b.At.Compare(a.At))
	})
	uses = slices.CompactFunc(uses, func(a, b authz.KeyUse) bool { return a.KeyID == b.KeyID })
	for some := range slices.Chunk(uses, chunk) {
		text, args := noteUses(some)
		err := s.do(ctx, func(ctx context.Context) error {
			_, err := s.db.ExecContext(ctx, text, args...)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// noteUses is the statement that notes uses of different keys.
func noteUses(uses []authz.KeyUse) (text string, args []any) {
	var p params
	var values []string
	for _, u := range uses {
		values = append(values, "("+p.bind(u.KeyID)+", CAST("+p.bind(u.At.UnixMicro())+" AS BIGINT))")
	}
	return "INSERT INTO key_use (key_id, last_used_at) SELECT u.column1, u.column2 FROM (VALUES " + strings.Join(values, ", ") +
		`) AS u WHERE EXISTS (SELECT 1 FROM keys k WHERE k.id = u.column1)
		ON CONFLICT (key_id) DO UPDATE SET last_used_at = excluded.last_used_at
		WHERE excluded.last_used_at > key_use.last_used_at`, p
}
