// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/torture/history"
)

// A world is what one worker's stories take place in: a user with two projects, services in both, and standing keys, so
// that most of what a decision needs has long been known to every replica when something is taken away.
type world struct {
	name     string // begins all ids, and is nobody else's
	made     int    // ids
	newest   history.Revision
	user     string
	home     string // the user's project, in which the stories are
	abroad   string // the user's other project, where things are moved to
	services [2]string
	// everything is a key of the user for all projects, and local one for home alone.
	everything, local string
}

func (w *world) id(kind string) string {
	w.made++
	return fmt.Sprintf("%s-%s-%d", w.name, kind, w.made)
}

// note keeps the revision of a change, for who wants answers that know of it.
func (w *world) note(answer receipted) {
	if at := parseRevision(answer.GetReceipt().GetRevision()); at.Seq != 0 { // it was made
		w.newest = at
	}
}

// build makes what stands.
func (w *world) build(ctx context.Context, d door) (err error) {
	w.user = w.id("user")
	if w.home, _, err = w.project(ctx, d, w.user); err != nil {
		return err
	}
	if w.abroad, _, err = w.project(ctx, d, w.user); err != nil {
		return err
	}
	for i, project := range []string{w.home, w.abroad} {
		if w.services[i], err = w.service(ctx, d, project); err != nil {
			return err
		}
	}
	if _, w.everything, err = w.key(ctx, d, w.user); err != nil {
		return err
	}
	_, w.local, err = w.key(ctx, d, w.user, w.home)
	return err
}

func (w *world) project(ctx context.Context, d door, owner string) (id, slug string, err error) {
	id = w.id("project")
	slug = id + "-slug"
	answer, err := d.catalog.PutProject(ctx, &v1.PutProjectRequest{
		Project: &v1.Project{Id: id, Slug: slug, Name: id, OwnerId: owner}})
	w.note(answer)
	return id, slug, err
}

func (w *world) service(ctx context.Context, d door, project string) (id string, err error) {
	id = w.id("service")
	answer, err := d.catalog.PutService(ctx, &v1.PutServiceRequest{Service: &v1.Service{Id: id, ProjectId: project}})
	w.note(answer)
	return id, err
}

func (w *world) deployment(ctx context.Context, d door, service string) (id string, err error) {
	id = w.id("deployment")
	answer, err := d.catalog.PutDeployment(ctx, &v1.PutDeploymentRequest{Deployment: &v1.Deployment{Id: id, ServiceId: service}})
	w.note(answer)
	return id, err
}

// key makes a key that writes, for all projects of a user or for the given ones.
func (w *world) key(ctx context.Context, d door, user string, projects ...string) (id, secret string, err error) {
	answer, err := d.keys.CreateKey(ctx, &v1.CreateKeyRequest{
		Name: w.id("key"), UserId: user, AccessLevel: v1.AccessLevel_ACCESS_LEVEL_WRITE,
		Projects: &v1.ProjectScope{All: len(projects) == 0, ProjectIds: projects},
		Expiry:   &v1.CreateKeyRequest_NeverExpires{NeverExpires: true},
	})
	w.note(answer)
	return answer.GetKey().GetId(), answer.GetSecret(), err
}

// session puts a session of a user and returns its token.
func (w *world) session(ctx context.Context, d door, user string, role v1.UserRole) (token string, err error) {
	token = w.id("token")
	answer, err := putSession(ctx, d, token, user, role, farOff())
	w.note(answer)
	return token, err
}

func putSession(ctx context.Context, d door, token, user string, role v1.UserRole, end time.Time) (*v1.PutSessionResponse, error) {
	return d.sessions.PutSession(ctx, &v1.PutSessionRequest{Session: &v1.Session{TokenSha256: hash(token), UserId: user, Role: role,
		ExpireTime: timestamppb.New(end)}})
}

// farOff is beyond every clock that is tried.
func farOff() time.Time { return time.Now().Add(24 * time.Hour) }

func hash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
