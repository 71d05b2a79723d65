// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"context"

	"aeroplane.run/authz"
)

// Each change is made by the database, and answered when it is in force.

// CreateKey implements authz.Store.
func (s *Store) CreateKey(ctx context.Context, c authz.Change, k authz.NewKey) (authz.CreatedKey, error) {
	made, err := s.Store.CreateKey(ctx, c, k)
	made.Receipt, err = s.settle(ctx, c, made.Receipt, err)
	return orNothing(made, err)
}

// RevokeKey implements authz.Store.
func (s *Store) RevokeKey(ctx context.Context, c authz.Change, id string) (authz.RevokedKey, error) {
	revoked, err := s.Store.RevokeKey(ctx, c, id)
	revoked.Receipt, err = s.settle(ctx, c, revoked.Receipt, err)
	return orNothing(revoked, err)
}

// RevokeKeysOfUser implements authz.Store.
func (s *Store) RevokeKeysOfUser(ctx context.Context, c authz.Change, userID string) (authz.Counted, error) {
	n, err := s.Store.RevokeKeysOfUser(ctx, c, userID)
	return s.counted(ctx, c, n, err)
}

// PutSession implements authz.Store.
func (s *Store) PutSession(ctx context.Context, c authz.Change, put authz.Session) (authz.Receipt, error) {
	r, err := s.Store.PutSession(ctx, c, put)
	return s.settle(ctx, c, r, err)
}

// RevokeSession implements authz.Store.
func (s *Store) RevokeSession(ctx context.Context, c authz.Change, d authz.Digest) (authz.RevokedSession, error) {
	revoked, err := s.Store.RevokeSession(ctx, c, d)
	revoked.Receipt, err = s.settle(ctx, c, revoked.Receipt, err)
	return orNothing(revoked, err)
}

// RevokeSessionsOfUser implements authz.Store.
func (s *Store) RevokeSessionsOfUser(ctx context.Context, c authz.Change, userID string) (authz.Counted, error) {
	n, err := s.Store.RevokeSessionsOfUser(ctx, c, userID)
	return s.counted(ctx, c, n, err)
}

// PutProjects implements authz.Store.
func (s *Store) PutProjects(ctx context.Context, c authz.Change, put []authz.Project) (authz.Counted, error) {
	n, err := s.Store.PutProjects(ctx, c, put)
	return s.counted(ctx, c, n, err)
}

// DeleteProjects implements authz.Store.
func (s *Store) DeleteProjects(ctx context.Context, c authz.Change, ids []string) (authz.Counted, error) {
	n, err := s.Store.DeleteProjects(ctx, c, ids)
	return s.counted(ctx, c, n, err)
}

// PutServices implements authz.Store.
func (s *Store) PutServices(ctx context.Context, c authz.Change, put []authz.Service) (authz.Counted, error) {
	n, err := s.Store.PutServices(ctx, c, put)
	return s.counted(ctx, c, n, err)
}

// DeleteServices implements authz.Store.
func (s *Store) DeleteServices(ctx context.Context, c authz.Change, ids []string) (authz.Counted, error) {
	n, err := s.Store.DeleteServices(ctx, c, ids)
	return s.counted(ctx, c, n, err)
}

// PutDeployments implements authz.Store.
func (s *Store) PutDeployments(ctx context.Context, c authz.Change, put []authz.Deployment) (authz.Counted, error) {
	n, err := s.Store.PutDeployments(ctx, c, put)
	return s.counted(ctx, c, n, err)
}

// DeleteDeployments implements authz.Store.
func (s *Store) DeleteDeployments(ctx context.Context, c authz.Change, ids []string) (authz.Counted, error) {
	n, err := s.Store.DeleteDeployments(ctx, c, ids)
	return s.counted(ctx, c, n, err)
}

// Sync implements authz.Store.
func (s *Store) Sync(ctx context.Context, c authz.Change, d *authz.Delta, before int64, next authz.SyncState) (authz.Counted, error) {
	n, err := s.Store.Sync(ctx, c, d, before, next)
	return s.counted(ctx, c, n, err)
}

func (s *Store) counted(ctx context.Context, c authz.Change, n authz.Counted, err error) (authz.Counted, error) {
	n.Receipt, err = s.settle(ctx, c, n.Receipt, err)
	return orNothing(n, err)
}

// orNothing keeps the outcome of a change from who is told of an error.
func orNothing[T any](outcome T, err error) (T, error) {
	if err != nil {
		var nothing T
		return nothing, err
	}
	return outcome, nil
}
