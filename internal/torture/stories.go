// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"fmt"
	"slices"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/torture/history"
)

// A story is some requests that are allowed, and a change that takes all of that away at once and for good.
type story struct {
	kind     history.Kind
	requests []request
	take     func(context.Context, door) (receipted, error)
}

// A request is what a gateway asks about.
type request struct {
	*v1.AuthorizeRequest
	// allows reports whether an answer that lets the request pass grants what the story is about. Nil: it does.
	allows func(*v1.AuthorizeResponse) bool
}

// tell makes what a story of a kind needs.
func (w *world) tell(ctx context.Context, d door, kind history.Kind) (s story, err error) {
	tell := map[history.Kind]func(context.Context, door) (story, error){
		history.RevokeKey:            w.revokeKey,
		history.RevokeKeysOfUser:     w.revokeKeysOfUser,
		history.PutSession:           w.narrowSession,
		history.RevokeSession:        w.revokeSession,
		history.RevokeSessionsOfUser: w.revokeSessionsOfUser,
		history.MoveService:          w.moveService,
		history.DeleteService:        w.deleteService,
		history.MoveDeployment:       w.moveDeployment,
		history.DeleteDeployment:     w.deleteDeployment,
		history.DeleteProject:        w.deleteProject,
		history.ChangeOwner:          w.changeOwner,
		history.ChangeSlug:           w.changeSlug,
	}[kind]
	s, err = tell(ctx, d)
	s.kind = kind
	return s, err
}

// A key is revoked.
func (w *world) revokeKey(ctx context.Context, d door) (s story, err error) {
	id, secret, err := w.key(ctx, d, w.user)
	s.requests = []request{withKey(secret, "GET", servicePath(w.services[0]))}
	s.take = func(ctx context.Context, d door) (receipted, error) {
		return d.keys.RevokeKey(ctx, &v1.RevokeKeyRequest{Id: id})
	}
	return s, err
}

// All keys of a user are revoked in one transaction.
func (w *world) revokeKeysOfUser(ctx context.Context, d door) (s story, err error) {
	user := w.id("user")
	for range 3 {
		_, secret, err := w.key(ctx, d, user)
		if err != nil {
			return s, err
		}
		s.requests = append(s.requests, withKey(secret, "GET", "/api/projects"))
	}
	s.take = func(ctx context.Context, d door) (receipted, error) {
		return d.keys.RevokeKeysOfUser(ctx, &v1.RevokeKeysOfUserRequest{UserId: user})
	}
	return s, err
}

// A session is put again with less: its user is no owner any more.
func (w *world) narrowSession(ctx context.Context, d door) (s story, err error) {
	token, err := w.session(ctx, d, w.user, v1.UserRole_USER_ROLE_OWNER)
	s.requests = []request{withSession(token, "GET", "/api/system/settings")}
	s.take = func(ctx context.Context, d door) (receipted, error) {
		return putSession(ctx, d, token, w.user, v1.UserRole_USER_ROLE_USER, farOff())
	}
	return s, err
}

// A session is revoked.
func (w *world) revokeSession(ctx context.Context, d door) (s story, err error) {
	token, err := w.session(ctx, d, w.user, v1.UserRole_USER_ROLE_USER)
	s.requests = []request{withSession(token, "GET", servicePath(w.services[0])), withSession(token, "POST", "/api/system/ai")}
	s.take = func(ctx context.Context, d door) (receipted, error) {
		return d.sessions.RevokeSession(ctx, &v1.RevokeSessionRequest{TokenSha256: hash(token)})
	}
	return s, err
}

// All sessions of a user are revoked in one transaction.
func (w *world) revokeSessionsOfUser(ctx context.Context, d door) (s story, err error) {
	user := w.id("user")
	for range 3 {
		token, err := w.session(ctx, d, user, v1.UserRole_USER_ROLE_USER)
		if err != nil {
			return s, err
		}
		s.requests = append(s.requests, withSession(token, "GET", "/api/projects"))
	}
	s.take = func(ctx context.Context, d door) (receipted, error) {
		return d.sessions.RevokeSessionsOfUser(ctx, &v1.RevokeSessionsOfUserRequest{UserId: user})
	}
	return s, err
}

// A service moves out of what a key has selected, and its deployment along with it.
func (w *world) moveService(ctx context.Context, d door) (s story, err error) {
	service, err := w.service(ctx, d, w.home)
	if err != nil {
		return s, err
	}
	deployment, err := w.deployment(ctx, d, service)
	s.requests = []request{withKey(w.local, "POST", servicePath(service)), withKey(w.local, "GET", deploymentPath(deployment))}
	s.take = func(ctx context.Context, d door) (receipted, error) {
		return d.catalog.PutService(ctx, &v1.PutServiceRequest{Service: &v1.Service{Id: service, ProjectId: w.abroad}})
	}
	return s, err
}

// A service is deleted.
func (w *world) deleteService(ctx context.Context, d door) (s story, err error) {
	service, err := w.service(ctx, d, w.home)
	s.requests = []request{withKey(w.everything, "GET", servicePath(service)), withKey(w.local, "GET", servicePath(service))}
	s.take = func(ctx context.Context, d door) (receipted, error) {
		return d.catalog.DeleteService(ctx, &v1.DeleteServiceRequest{Id: service})
	}
	return s, err
}

// A deployment moves to a service of another project.
func (w *world) moveDeployment(ctx context.Context, d door) (s story, err error) {
	deployment, err := w.deployment(ctx, d, w.services[0])
	s.requests = []request{withKey(w.local, "GET", deploymentPath(deployment))}
	s.take = func(ctx context.Context, d door) (receipted, error) {
		return d.catalog.PutDeployment(ctx, &v1.PutDeploymentRequest{
			Deployment: &v1.Deployment{Id: deployment, ServiceId: w.services[1]}})
	}
	return s, err
}

// A deployment is deleted.
func (w *world) deleteDeployment(ctx context.Context, d door) (s story, err error) {
	deployment, err := w.deployment(ctx, d, w.services[0])
	s.requests = []request{withKey(w.everything, "GET", deploymentPath(deployment))}
	s.take = func(ctx context.Context, d door) (receipted, error) {
		return d.catalog.DeleteDeployment(ctx, &v1.DeleteDeploymentRequest{Id: deployment})
	}
	return s, err
}

// A project is deleted, and leaves the selection of a key.
func (w *world) deleteProject(ctx context.Context, d door) (s story, err error) {
	project, slug, err := w.project(ctx, d, w.user)
	if err != nil {
		return s, err
	}
	_, selected, err := w.key(ctx, d, w.user, project)
	s.requests = []request{
		withKey(w.everything, "GET", "/api/projects/"+slug),
		withKey(selected, "PATCH", "/api/projects/"+project),
		listing(withKey(w.everything, "GET", "/api/search"), project),
	}
	s.take = func(ctx context.Context, d door) (receipted, error) {
		return d.catalog.DeleteProject(ctx, &v1.DeleteProjectRequest{Id: project})
	}
	return s, err
}

// A project is given to another user.
func (w *world) changeOwner(ctx context.Context, d door) (s story, err error) {
	project, slug, err := w.project(ctx, d, w.user)
	if err != nil {
		return s, err
	}
	service, err := w.service(ctx, d, project)
	s.requests = []request{
		withKey(w.everything, "DELETE", "/api/projects/"+project),
		withKey(w.everything, "GET", "/api/projects/"+slug),
		withKey(w.everything, "GET", servicePath(service)),
		listing(withKey(w.everything, "GET", "/api/projects"), project),
	}
	heir := w.id("user")
	s.take = func(ctx context.Context, d door) (receipted, error) {
		return d.catalog.PutProject(ctx, &v1.PutProjectRequest{
			Project: &v1.Project{Id: project, Slug: slug, Name: project, OwnerId: heir}})
	}
	return s, err
}

// A project is renamed, and its former name means nothing any more.
func (w *world) changeSlug(ctx context.Context, d door) (s story, err error) {
	project, slug, err := w.project(ctx, d, w.user)
	s.requests = []request{withKey(w.everything, "GET", "/api/projects/"+slug)}
	s.take = func(ctx context.Context, d door) (receipted, error) {
		return d.catalog.PutProject(ctx, &v1.PutProjectRequest{
			Project: &v1.Project{Id: project, Slug: slug + "-new", Name: project, OwnerId: w.user}})
	}
	return s, err
}

func servicePath(id string) string    { return fmt.Sprintf("/api/services/%s/deployments", id) }
func deploymentPath(id string) string { return fmt.Sprintf("/api/deployments/%s/logs", id) }

func withKey(secret, method, path string) request {
	return request{AuthorizeRequest: &v1.AuthorizeRequest{Method: method, Path: path, Credential: &v1.AuthorizeRequest_Headers{
		Headers: &v1.CredentialHeaders{Authorization: []string{"Bearer " + secret}}}}}
}

func withSession(token, method, path string) request {
	return request{AuthorizeRequest: &v1.AuthorizeRequest{Method: method, Path: path,
		Credential: &v1.AuthorizeRequest_SessionToken{SessionToken: token}}}
}

// listing is a request for a list, in which the story is about one project.
func listing(r request, project string) request {
	r.allows = func(a *v1.AuthorizeResponse) bool {
		return slices.Contains(a.GetGrant().GetVisibleProjects().GetProjectIds(), project)
	}
	return r
}
