// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"slices"
	"strings"

	"aeroplane.run/authz"
)

// A child is a service or a deployment: an id, and the id of what it belongs to.
type child struct{ id, parent string }

// A rowsByID is a table whose rows are deleted by their id.
type rowsByID struct {
	name string
	gone authz.Action
}

// A childTable is where children of one kind are kept.
type childTable struct {
	rowsByID
	parent string // the column
	put    authz.Action
}

var (
	services    = childTable{rowsByID{"services", authz.ServiceDelete}, "project_id", authz.ServicePut}
	deployments = childTable{rowsByID{"deployments", authz.DeploymentDelete}, "service_id", authz.DeploymentPut}
)

// PutServices creates or replaces services.
func (s *Store) PutServices(ctx context.Context, c authz.Change, put []authz.Service) (authz.Counted, error) {
	return s.putChildren(ctx, c, services, childrenOfProjects(put))
}

// PutDeployments creates or replaces deployments.
func (s *Store) PutDeployments(ctx context.Context, c authz.Change, put []authz.Deployment) (authz.Counted, error) {
	return s.putChildren(ctx, c, deployments, childrenOfServices(put))
}

func childrenOfProjects(put []authz.Service) []child {
	children := make([]child, len(put))
	for i, p := range put {
		children[i] = child{p.ID, p.ProjectID}
	}
	return children
}

func childrenOfServices(put []authz.Deployment) []child {
	children := make([]child, len(put))
	for i, p := range put {
		children[i] = child{p.ID, p.ServiceID}
	}
	return children
}

func (s *Store) putChildren(ctx context.Context, c authz.Change, to childTable, children []child) (put authz.Counted, err error) {
	if len(children) == 0 {
		return put, nil
	}
	put.Receipt, err = s.change(ctx, c, func(ctx context.Context, t *tx) error {
		put.N, err = t.putChildren(ctx, to, children)
		return err
	})
	return orNothing(put, err)
}

// putChildren writes what is new or different, and the audit records of that. Rows are written in the order of their ids, so
// that two batches do not wait for each other.
func (t *tx) putChildren(ctx context.Context, to childTable, children []child) (n int, err error) {
	if len(children) == 0 {
		return 0, nil
	}
	slices.SortFunc(children, func(a, b child) int { return strings.Compare(a.id, b.id) })
	var entries []entry
	for some := range byRows(children, 2) {
		var p params
		text := "INSERT INTO " + to.name + " (id, " + to.parent + ") VALUES " +
			rows(&p, some, func(c child) []any { return []any{c.id, c.parent} }) +
			" ON CONFLICT (id) DO UPDATE SET " + to.parent + " = excluded." + to.parent +
			" WHERE " + to.name + "." + to.parent + " <> excluded." + to.parent +
			" RETURNING id, " + to.parent
		changed, err := query(ctx, t, childColumns, text, p...)
		if err != nil {
			return 0, err
		}
		for _, c := range changed {
			entries = append(entries, entry{to.put, c.id, map[string]string{to.parent: c.parent}})
		}
	}
	return len(entries), t.record(ctx, entries...)
}

func childColumns(c *child) []any { return []any{&c.id, &c.parent} }

// DeleteServices deletes services.
func (s *Store) DeleteServices(ctx context.Context, c authz.Change, ids []string) (authz.Counted, error) {
	return s.deleteByID(ctx, c, services.rowsByID, ids)
}

// DeleteDeployments deletes deployments.
func (s *Store) DeleteDeployments(ctx context.Context, c authz.Change, ids []string) (authz.Counted, error) {
	return s.deleteByID(ctx, c, deployments.rowsByID, ids)
}

func (s *Store) deleteByID(ctx context.Context, c authz.Change, of rowsByID, ids []string) (gone authz.Counted, err error) {
	if len(ids) == 0 {
		return gone, nil
	}
	gone.Receipt, err = s.change(ctx, c, func(ctx context.Context, t *tx) error {
		gone.N, err = t.deleteByID(ctx, of, ids)
		return err
	})
	return orNothing(gone, err)
}

// deleteByID deletes rows of a table, which it locks in the order of their ids.
func (t *tx) deleteByID(ctx context.Context, of rowsByID, ids []string) (n int, err error) {
	if len(ids) == 0 {
		return 0, nil
	}
	var p params
	deleted, err := query(ctx, t, column[string], "DELETE FROM "+of.name+" WHERE id IN (SELECT id FROM "+of.name+" WHERE id IN "+p.in(ids)+
		" ORDER BY id "+t.dialect.LockWhole+") RETURNING id", p...)
	if err != nil {
		return 0, err
	}
	return len(deleted), t.recordEach(ctx, of.gone, deleted)
}

// Services returns the services in a project, or all, by id.
func (s *Store) Services(ctx context.Context, projectID string, page authz.Page) ([]authz.Service, error) {
	return list(ctx, s, "SELECT id, project_id FROM services", services.parent, projectID, page,
		func(s *authz.Service) []any { return []any{&s.ID, &s.ProjectID} })
}

// Deployments returns the deployments of a service, or all, by id.
func (s *Store) Deployments(ctx context.Context, serviceID string, page authz.Page) ([]authz.Deployment, error) {
	return list(ctx, s, "SELECT id, service_id FROM deployments", deployments.parent, serviceID, page,
		func(d *authz.Deployment) []any { return []any{&d.ID, &d.ServiceID} })
}

// list returns a page of rows by id, those where the column has the value if that is not empty.
func list[T any](ctx context.Context, s *Store, text, column, value string, page authz.Page,
	dest func(*T) []any) (all []T, err error) {
	var w filter
	w.narrow(column, value)
	if !page.After.IsZero() {
		w.and("id > " + w.bind(page.After.ID))
	}
	text += w.where() + " ORDER BY id LIMIT " + w.bind(page.Size)
	err = s.do(ctx, func(ctx context.Context) error {
		all, err = query(ctx, s.db, dest, text, w.params...)
		return err
	})
	return all, err
}
