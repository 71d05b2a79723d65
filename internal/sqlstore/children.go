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

// A childTable is where children of one kind are kept.
type childTable struct {
	name   string
	parent string // the column
	put    authz.Action
}

var (
	services    = childTable{"services", "project_id", authz.ServicePut}
	deployments = childTable{"deployments", "service_id", authz.DeploymentPut}
)

// PutServices creates or replaces services.
func (s *Store) PutServices(ctx context.Context, c authz.Change, put []authz.Service) (authz.Counted, error) {
	children := make([]child, len(put))
	for i, p := range put {
		children[i] = child{p.ID, p.ProjectID}
	}
	return s.putChildren(ctx, c, services, children)
}

// PutDeployments creates or replaces deployments.
func (s *Store) PutDeployments(ctx context.Context, c authz.Change, put []authz.Deployment) (authz.Counted, error) {
	children := make([]child, len(put))
	for i, p := range put {
		children[i] = child{p.ID, p.ServiceID}
	}
	return s.putChildren(ctx, c, deployments, children)
}

// putChildren is one statement, which returns what was new or different, and the audit records of that. Rows are
// written in the order of their ids, so that two batches do not wait for each other.
func (s *Store) putChildren(ctx context.Context, c authz.Change, to childTable, children []child) (put authz.Counted, err error) {
	if len(children) == 0 {
		return put, nil
	}
	slices.SortFunc(children, func(a, b child) int { return strings.Compare(a.id, b.id) })
	var p params
	text := "INSERT INTO " + to.name + " (id, " + to.parent + ") VALUES " +
		rows(&p, children, func(c child) []any { return []any{c.id, c.parent} }) +
		" ON CONFLICT (id) DO UPDATE SET " + to.parent + " = excluded." + to.parent +
		" WHERE " + to.name + "." + to.parent + " <> excluded." + to.parent +
		" RETURNING id, " + to.parent
	put.Receipt, err = s.change(ctx, c, func(ctx context.Context, t *tx) error {
		changed, err := query(ctx, t, childColumns, text, p...)
		if err != nil {
			return err
		}
		put.N = len(changed)
		entries := make([]entry, len(changed))
		for i, c := range changed {
			entries[i] = entry{to.put, c.id, map[string]string{to.parent: c.parent}}
		}
		return t.record(ctx, entries...)
	})
	return orNothing(put, err)
}

func childColumns(c *child) []any { return []any{&c.id, &c.parent} }

// DeleteServices deletes services.
func (s *Store) DeleteServices(ctx context.Context, c authz.Change, ids []string) (authz.Counted, error) {
	return s.deleteByID(ctx, c, "services", authz.ServiceDelete, ids)
}

// DeleteDeployments deletes deployments.
func (s *Store) DeleteDeployments(ctx context.Context, c authz.Change, ids []string) (authz.Counted, error) {
	return s.deleteByID(ctx, c, "deployments", authz.DeploymentDelete, ids)
}

// deleteByID deletes rows of a table, which it locks in the order of their ids.
func (s *Store) deleteByID(ctx context.Context, c authz.Change, table string, action authz.Action,
	ids []string) (gone authz.Counted, err error) {
	if len(ids) == 0 {
		return gone, nil
	}
	var p params
	text := "DELETE FROM " + table + " WHERE id IN (SELECT id FROM " + table + " WHERE id IN " + p.in(ids) +
		" ORDER BY id " + s.dialect.Lock + ") RETURNING id"
	gone.Receipt, err = s.change(ctx, c, func(ctx context.Context, t *tx) error {
		deleted, err := query(ctx, t, column[string], text, p...)
		if err != nil {
			return err
		}
		gone.N = len(deleted)
		return t.recordEach(ctx, action, deleted)
	})
	return orNothing(gone, err)
}

// Services returns the services in a project, or all, by id.
func (s *Store) Services(ctx context.Context, projectID string, page authz.Page) ([]authz.Service, error) {
	return list(ctx, s, "SELECT id, project_id FROM services", services.parent, nonEmpty(projectID), page,
		func(s *authz.Service) []any { return []any{&s.ID, &s.ProjectID} })
}

// Deployments returns the deployments of a service, or all, by id.
func (s *Store) Deployments(ctx context.Context, serviceID string, page authz.Page) ([]authz.Deployment, error) {
	return list(ctx, s, "SELECT id, service_id FROM deployments", deployments.parent, nonEmpty(serviceID), page,
		func(d *authz.Deployment) []any { return []any{&d.ID, &d.ServiceID} })
}

func nonEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// list returns a page of rows by id, those where the column has the value if it is not nil.
func list[T any](ctx context.Context, s *Store, text, column string, value *string, page authz.Page,
	dest func(*T) []any) (all []T, err error) {
	var w filter
	if value != nil {
		w.equal(column, *value)
	}
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
