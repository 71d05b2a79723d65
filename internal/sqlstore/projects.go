// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"context"
	"slices"
	"strings"

	"aeroplane.run/authz"
)

func projectColumns(p *authz.Project) []any { return []any{&p.ID, &p.Slug, &p.Name, &p.OwnerID} }

var projects = rowsByID{"projects", authz.ProjectDelete}

// A bearing is a slug and whose it is. No two projects have the same.
type bearing struct{ slug, owner string }

func bearingOf(p authz.Project) bearing { return bearing{p.Slug, p.OwnerID} }

// PutProjects creates or replaces projects. What counts is how things stand after the whole batch: two projects may
// exchange their slugs in one.
func (s *Store) PutProjects(ctx context.Context, c authz.Change, put []authz.Project) (done authz.Counted, err error) {
	if len(put) == 0 {
		return done, nil
	}
	done.Receipt, err = s.change(ctx, c, func(ctx context.Context, t *tx) error {
		done.N, err = t.putProjects(ctx, put)
		return err
	})
	return orNothing(done, err)
}

func (t *tx) putProjects(ctx context.Context, put []authz.Project) (n int, err error) {
	if len(put) == 0 {
		return 0, nil
	}
	// In the order of ids, so that two batches do not wait for each other.
	put = slices.SortedFunc(slices.Values(put), func(a, b authz.Project) int { return strings.Compare(a.ID, b.ID) })
	bearers := make(map[bearing]authz.Project, len(put))
	for _, p := range put {
		if first, ok := bearers[bearingOf(p)]; ok {
			return 0, slugTaken(first)
		}
		bearers[bearingOf(p)] = p
	}
	changes, err := t.differing(ctx, put)
	if err != nil || len(changes) == 0 {
		return 0, err
	}
	if err := t.makeWay(ctx, changes, bearers); err != nil {
		return 0, err
	}
	written, err := t.upsertProjects(ctx, changes)
	if err != nil {
		return 0, err
	}
	entries := make([]entry, len(written))
	for i, p := range written {
		entries[i] = entry{authz.ProjectPut, p.ID, map[string]string{"slug": p.Slug, "name": p.Name, "owner_id": p.OwnerID}}
	}
	return len(written), t.record(ctx, entries...)
}

// differing locks what is stored of the projects, and returns those that are new or different.
func (t *tx) differing(ctx context.Context, put []authz.Project) ([]authz.Project, error) {
	var p params
	ids := make([]string, len(put))
	for i := range put {
		ids[i] = put[i].ID
	}
	known, err := query(ctx, t, projectColumns, "SELECT id, slug, name, owner_id FROM projects WHERE id IN "+p.in(ids)+
		" ORDER BY id "+t.dialect.Lock, p...)
	if err != nil {
		return nil, err
	}
	same := make(map[authz.Project]bool, len(known))
	for _, k := range known {
		same[k] = true
	}
	return slices.DeleteFunc(slices.Clone(put), func(p authz.Project) bool { return same[p] }), nil
}

// makeWay sees to it that the bearings of changes are free. A project that the batch does not mention keeps its own, and
// is an error; one that gives up its bearing in this batch gives it up first, since uniqueness is checked row by row.
func (t *tx) makeWay(ctx context.Context, changes []authz.Project, bearers map[bearing]authz.Project) error {
	var p params
	taken, err := query(ctx, t, projectColumns,
		"SELECT id, slug, name, owner_id FROM projects WHERE (slug, owner_id) IN (VALUES "+
			rows(&p, changes, func(c authz.Project) []any { return []any{c.Slug, c.OwnerID} })+") ORDER BY id", p...)
	if err != nil {
		return err
	}
	var leaving []string
	for _, other := range taken {
		if bearers[bearingOf(other)].ID == other.ID {
			continue // it stays
		}
		if !slices.ContainsFunc(changes, func(c authz.Project) bool { return c.ID == other.ID }) {
			return slugTaken(other)
		}
		leaving = append(leaving, other.ID)
	}
	if leaving == nil {
		return nil
	}
	// No slug holds a control character. Nobody sees these: the same transaction writes over them.
	p = params{"\x01"}
	_, err = t.ExecContext(ctx, "UPDATE projects SET slug = $1 || id WHERE id IN "+p.in(leaving), p...)
	return err
}

// upsertProjects writes projects and returns those that were new or different.
func (t *tx) upsertProjects(ctx context.Context, put []authz.Project) ([]authz.Project, error) {
	var p params
	return query(ctx, t, projectColumns, `INSERT INTO projects (id, slug, name, owner_id) VALUES `+
		rows(&p, put, func(p authz.Project) []any { return []any{p.ID, p.Slug, p.Name, p.OwnerID} })+`
		ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, name = excluded.name, owner_id = excluded.owner_id
			WHERE (projects.slug, projects.name, projects.owner_id) <> (excluded.slug, excluded.name, excluded.owner_id)
		RETURNING id, slug, name, owner_id`, p...)
}

func slugTaken(by authz.Project) error {
	return &authz.Error{Kind: authz.AlreadyExists, Code: authz.CodeSlugTaken,
		Message: "the owner's project " + by.ID + " has the slug " + by.Slug + " already"}
}

// DeleteProjects deletes projects. Selections lose them by a foreign key.
func (s *Store) DeleteProjects(ctx context.Context, c authz.Change, ids []string) (authz.Counted, error) {
	return s.deleteByID(ctx, c, projects, ids)
}

// Projects returns the projects that match, in the filter's order.
func (s *Store) Projects(ctx context.Context, f authz.ProjectFilter, page authz.Page) (all []authz.Project, err error) {
	text, values := s.dialect.projects(f, page)
	err = s.do(ctx, func(ctx context.Context) error {
		all, err = query(ctx, s.db, projectColumns, text, values...)
		return err
	})
	return all, err
}

// projects returns the statement of a page of projects.
func (d Dialect) projects(f authz.ProjectFilter, page authz.Page) (text string, values []any) {
	var w filter
	if f.OwnerID != nil {
		w.equal("p.owner_id", *f.OwnerID)
	}
	if len(f.IDs) > 0 {
		w.and("p.id IN " + w.in(f.IDs))
	}
	w.contains(d, f.Query, "p.name", "p.slug", "p.id")
	order := "p.id"
	if f.Order == authz.ByName {
		order = byName("p")
	}
	switch after := page.After; {
	case after.IsZero():
	case f.Order == authz.ByName:
		w.afterName("p", after)
	default:
		w.and("p.id > " + w.bind(after.ID))
	}
	text = "SELECT p.id, p.slug, p.name, p.owner_id FROM projects p" + w.where() + " ORDER BY " + order + " LIMIT " + w.bind(page.Size)
	return text, w.params
}
