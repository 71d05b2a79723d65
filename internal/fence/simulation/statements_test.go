// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"context"
	"maps"
	"slices"
	"time"

	"aeroplane.run/authz"
)

// What each change of a store does to the tables. Where a call makes a batch, it is of one here.

func (d database) counted(name string, wait bool, change func(*catalog) error) (authz.Counted, error) {
	out, err := d.change(&transaction{name: name, wait: wait, change: change})
	return authz.Counted{Receipt: out.receipt}, err
}

// CreateKey implements authz.KeyStore.
func (d database) CreateKey(_ context.Context, c authz.Change, k authz.NewKey) (authz.CreatedKey, error) {
	out, err := d.change(&transaction{name: "create key", wait: c.Wait, free: true, change: func(to *catalog) error {
		if _, there := to.keys[k.Digest]; !there {
			to.keys[k.Digest] = k.Key
		}
		return nil
	}})
	return authz.CreatedKey{Receipt: out.receipt}, err
}

// RevokeKey implements authz.KeyStore.
func (d database) RevokeKey(_ context.Context, c authz.Change, id string) (authz.RevokedKey, error) {
	out, err := d.change(&transaction{name: "revoke key " + id, change: func(to *catalog) error {
		for digest, k := range to.keys {
			if k.ID == id {
				revokeKey(to, digest, c.At)
				return nil
			}
		}
		return authz.Errorf(authz.NotFound, "there is no such key")
	}})
	return authz.RevokedKey{Receipt: out.receipt}, err
}

// RevokeKeysOfUser implements authz.KeyStore.
func (d database) RevokeKeysOfUser(_ context.Context, c authz.Change, user string) (authz.Counted, error) {
	return d.counted("revoke keys of "+user, c.Wait, func(to *catalog) error {
		for digest, k := range maps.Clone(to.keys) {
			if k.UserID == user {
				revokeKey(to, digest, c.At)
			}
		}
		return nil
	})
}

func revokeKey(to *catalog, digest authz.Digest, at time.Time) {
	if k := to.keys[digest]; k.RevokedAt.IsZero() {
		k.RevokedAt = at
		to.keys[digest] = k
	}
}

// PutSession implements authz.SessionStore.
func (d database) PutSession(_ context.Context, c authz.Change, put authz.Session) (authz.Receipt, error) {
	out, err := d.change(&transaction{name: "put session", wait: c.Wait, change: func(to *catalog) error {
		if !to.sessions[put.Digest].RevokedAt.IsZero() {
			return authz.Errorf(authz.FailedPrecondition, "the session was revoked")
		}
		to.sessions[put.Digest] = put
		return nil
	}})
	return out.receipt, err
}

// RevokeSession implements authz.SessionStore.
func (d database) RevokeSession(_ context.Context, c authz.Change, digest authz.Digest) (authz.RevokedSession, error) {
	out, err := d.change(&transaction{name: "revoke session", change: func(to *catalog) error {
		x, there := to.sessions[digest]
		if !there {
			return authz.Errorf(authz.NotFound, "there is no such session")
		}
		if x.RevokedAt.IsZero() {
			x.RevokedAt = c.At
			to.sessions[digest] = x
		}
		return nil
	}})
	return authz.RevokedSession{Receipt: out.receipt}, err
}

// RevokeSessionsOfUser implements authz.SessionStore.
func (d database) RevokeSessionsOfUser(_ context.Context, c authz.Change, user string) (authz.Counted, error) {
	return d.counted("revoke sessions of "+user, c.Wait, func(to *catalog) error {
		for digest, x := range maps.Clone(to.sessions) {
			if x.UserID == user && x.RevokedAt.IsZero() {
				x.RevokedAt = c.At
				to.sessions[digest] = x
			}
		}
		return nil
	})
}

// PutProjects implements authz.CatalogStore.
func (d database) PutProjects(_ context.Context, c authz.Change, put []authz.Project) (authz.Counted, error) {
	return d.counted("put project "+put[0].ID, c.Wait, func(to *catalog) error { return putProject(to, put[0]) })
}

func putProject(to *catalog, put authz.Project) error {
	for _, p := range to.projects {
		if p.ID != put.ID && p.Slug == put.Slug && p.OwnerID == put.OwnerID {
			return &authz.Error{Kind: authz.AlreadyExists, Code: authz.CodeSlugTaken, Message: "the slug is taken"}
		}
	}
	to.projects[put.ID] = put
	return nil
}

// DeleteProjects implements authz.CatalogStore.
func (d database) DeleteProjects(_ context.Context, c authz.Change, ids []string) (authz.Counted, error) {
	return d.counted("delete project "+ids[0], c.Wait, func(to *catalog) error {
		delete(to.projects, ids[0])
		for digest, k := range maps.Clone(to.keys) {
			if i, selected := slices.BinarySearch(k.Projects.IDs, ids[0]); selected {
				k.Projects.IDs = slices.Delete(slices.Clone(k.Projects.IDs), i, i+1)
				to.keys[digest] = k
			}
		}
		return nil
	})
}

// PutServices implements authz.CatalogStore.
func (d database) PutServices(_ context.Context, c authz.Change, put []authz.Service) (authz.Counted, error) {
	return d.counted("put service "+put[0].ID, c.Wait, func(to *catalog) error {
		to.services[put[0].ID] = put[0].ProjectID
		return nil
	})
}

// DeleteServices implements authz.CatalogStore.
func (d database) DeleteServices(_ context.Context, c authz.Change, ids []string) (authz.Counted, error) {
	return d.counted("delete service "+ids[0], c.Wait, func(to *catalog) error {
		delete(to.services, ids[0])
		return nil
	})
}

// PutDeployments implements authz.CatalogStore.
func (d database) PutDeployments(_ context.Context, c authz.Change, put []authz.Deployment) (authz.Counted, error) {
	return d.counted("put deployment "+put[0].ID, c.Wait, func(to *catalog) error {
		to.deployments[put[0].ID] = put[0].ServiceID
		return nil
	})
}

// DeleteDeployments implements authz.CatalogStore.
func (d database) DeleteDeployments(_ context.Context, c authz.Change, ids []string) (authz.Counted, error) {
	return d.counted("delete deployment "+ids[0], c.Wait, func(to *catalog) error {
		delete(to.deployments, ids[0])
		return nil
	})
}
