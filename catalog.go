// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"time"
)

// A Project is a project of Aeroplane.
type Project struct {
	ID      string
	Slug    string // the name in URLs; one owner has it once, and so has nobody
	Name    string // the name that people see
	OwnerID string // empty: nobody's
}

// A Service is a service of Aeroplane. It may name a project that is not known; it is then unknown itself.
type Service struct {
	ID        string
	ProjectID string
}

// A Deployment is a deployment of a service. It may name a service that is not known; it is then unknown itself.
type Deployment struct {
	ID        string
	ServiceID string
}

// A ProjectFilter selects and orders projects.
type ProjectFilter struct {
	OwnerID *string  // only projects that belong to this user; empty: to nobody
	IDs     []string // only these projects, as far as they are known; none: all
	Query   string   // only projects whose Name, Slug or ID contains this, ASCII letters in any case; empty: all
	Order   Order    // ByName; otherwise ByID
}

// MaxBatch bounds the items of one batch, which is one transaction: a change beside it never waits long.
const MaxBatch = 500

// Catalog changes and lists what is known of Aeroplane. Its rules for input are here; Store keeps what passes them.
type Catalog struct {
	Store CatalogStore
	Now   func() time.Time
}

func (c *Catalog) change(a Actor) Change { return Change{Actor: a, At: stamp(c.Now())} }

// PutProjects creates or replaces 1 to MaxBatch projects, all or none, and returns how many were new or different.
// In violations field names the input: "project", or "projects[%d]" for a batch.
func (c *Catalog) PutProjects(ctx context.Context, a Actor, field string, projects []Project) (Counted, error) {
	var v violations
	checkBatch(&v, field, ".id", projects, func(p Project) string { return p.ID })
	for i, p := range projects {
		checkProject(&v, at(field, i), p)
	}
	if err := v.err(); err != nil {
		return Counted{}, err
	}
	return c.Store.PutProjects(ctx, c.change(a), projects)
}

// PutServices creates or replaces 1 to MaxBatch services, all or none, and returns how many were new or different.
func (c *Catalog) PutServices(ctx context.Context, a Actor, field string, services []Service) (Counted, error) {
	var v violations
	checkBatch(&v, field, ".id", services, func(s Service) string { return s.ID })
	for i, s := range services {
		checkService(&v, at(field, i), s)
	}
	if err := v.err(); err != nil {
		return Counted{}, err
	}
	return c.Store.PutServices(ctx, c.change(a), services)
}

// PutDeployments creates or replaces 1 to MaxBatch deployments, all or none, and returns how many were new or different.
func (c *Catalog) PutDeployments(ctx context.Context, a Actor, field string, deployments []Deployment) (Counted, error) {
	var v violations
	checkBatch(&v, field, ".id", deployments, func(d Deployment) string { return d.ID })
	for i, d := range deployments {
		checkDeployment(&v, at(field, i), d)
	}
	if err := v.err(); err != nil {
		return Counted{}, err
	}
	return c.Store.PutDeployments(ctx, c.change(a), deployments)
}

// DeleteProjects deletes up to MaxBatch projects, all in one transaction, and returns how many there were.
func (c *Catalog) DeleteProjects(ctx context.Context, a Actor, field string, ids []string) (Counted, error) {
	return c.delete(ctx, a, field, ids, c.Store.DeleteProjects)
}

// DeleteServices deletes up to MaxBatch services, all in one transaction, and returns how many there were.
func (c *Catalog) DeleteServices(ctx context.Context, a Actor, field string, ids []string) (Counted, error) {
	return c.delete(ctx, a, field, ids, c.Store.DeleteServices)
}

// DeleteDeployments deletes up to MaxBatch deployments, all in one transaction, and returns how many there were.
func (c *Catalog) DeleteDeployments(ctx context.Context, a Actor, field string, ids []string) (Counted, error) {
	return c.delete(ctx, a, field, ids, c.Store.DeleteDeployments)
}

func (c *Catalog) delete(ctx context.Context, a Actor, field string, ids []string,
	del func(context.Context, Change, []string) (Counted, error)) (Counted, error) {
	var v violations
	checkBatch(&v, field, "", ids, func(id string) string { return id })
	if err := v.err(); err != nil {
		return Counted{}, err
	}
	return del(ctx, c.change(a), ids)
}

// Projects returns a page of the projects that match. IDs may be up to 1000, in any order; Query is trimmed; no Order means ByID.
// Errors: Invalid.
func (c *Catalog) Projects(ctx context.Context, f ProjectFilter, r PageRequest) ([]Project, string, error) {
	var v violations
	if f.OwnerID != nil {
		checkUserID(&v, "owner_id", *f.OwnerID, optional)
	}
	checkIDs(&v, "ids", f.IDs)
	f.Query = checkQuery(&v, f.Query)
	f.Order = checkOrder(&v, f.Order, ByID)
	if err := v.err(); err != nil {
		return nil, "", err
	}
	f.IDs = sorted(f.IDs) // so that a page token does not depend on their order
	cursor := func(p Project) Cursor { return Cursor{ID: p.ID} }
	if f.Order == ByName {
		cursor = func(p Project) Cursor { return Cursor{Name: p.Name, ID: p.ID} }
	}
	return paged(r, "projects", f, cursor, func(p Page) ([]Project, error) { return c.Store.Projects(ctx, f, p) })
}

// Services returns a page of the services in a project, or of all where projectID is empty, by id.
func (c *Catalog) Services(ctx context.Context, projectID string, r PageRequest) ([]Service, string, error) {
	if projectID != "" {
		if err := checkOne("project_id", projectID); err != nil {
			return nil, "", err
		}
	}
	return paged(r, "services", projectID, func(s Service) Cursor { return Cursor{ID: s.ID} },
		func(p Page) ([]Service, error) { return c.Store.Services(ctx, projectID, p) })
}

// Deployments returns a page of the deployments of a service, or of all where serviceID is empty, by id.
func (c *Catalog) Deployments(ctx context.Context, serviceID string, r PageRequest) ([]Deployment, string, error) {
	if serviceID != "" {
		if err := checkOne("service_id", serviceID); err != nil {
			return nil, "", err
		}
	}
	return paged(r, "deployments", serviceID, func(d Deployment) Cursor { return Cursor{ID: d.ID} },
		func(p Page) ([]Deployment, error) { return c.Store.Deployments(ctx, serviceID, p) })
}
