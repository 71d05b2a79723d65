// SPDX-License-Identifier: Apache-2.0

//go:build sim

package simulation

import (
	"context"
	"maps"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/fence"
)

// someChange draws a change of whatever kind.
func (w *world) someChange() change {
	now := w.history.newest().after
	key := universe.keys[w.chance.IntN(len(universe.keys))]
	session := w.chance.IntN(len(universe.sessions))
	user, project := w.pick(universe.users), w.pick(universe.projects)
	service, deployment := w.pick(universe.services), w.pick(universe.deployments)
	switch w.chance.IntN(14) {
	case 0, 1, 2:
		if _, there := now.keys[key.digest]; there {
			return revokeKeyChange(key)
		}
		return w.createKeyChange()
	case 3:
		return w.createKeyChange()
	case 4:
		return change{"revoke keys of " + user, func(ctx context.Context, s *fence.Store, c authz.Change) (authz.Receipt, error) {
			n, err := s.RevokeKeysOfUser(ctx, c, user)
			return n.Receipt, err
		}, func(to *catalog) {
			for d, k := range maps.Clone(to.keys) {
				if k.UserID == user {
					revokeKey(to, d, w.cluster.now())
				}
			}
		}}
	case 5:
		put := universe.session(session, user, 1+authz.UserRole(w.chance.IntN(2)), w.cluster.now())
		return change{"put session", func(ctx context.Context, s *fence.Store, c authz.Change) (authz.Receipt, error) {
			return s.PutSession(ctx, c, put)
		}, func(to *catalog) { to.sessions[put.Digest] = put }}
	case 6:
		digest := universe.sessions[session].digest
		return change{"revoke session", func(ctx context.Context, s *fence.Store, c authz.Change) (authz.Receipt, error) {
			revoked, err := s.RevokeSession(ctx, c, digest)
			return revoked.Receipt, err
		}, func(to *catalog) { delete(to.sessions, digest) }}
	case 7:
		return change{"revoke sessions of " + user, func(ctx context.Context, s *fence.Store, c authz.Change) (authz.Receipt, error) {
			n, err := s.RevokeSessionsOfUser(ctx, c, user)
			return n.Receipt, err
		}, func(to *catalog) {
			maps.DeleteFunc(to.sessions, func(_ authz.Digest, x authz.Session) bool { return x.UserID == user })
		}}
	case 8, 9:
		put := authz.Project{ID: project, Slug: w.pick(universe.slugs), OwnerID: user}
		return change{"put project " + project, func(ctx context.Context, s *fence.Store, c authz.Change) (authz.Receipt, error) {
			n, err := s.PutProjects(ctx, c, []authz.Project{put})
			return n.Receipt, err
		}, func(to *catalog) { _ = putProject(to, put) }}
	case 10:
		return change{"delete project " + project, func(ctx context.Context, s *fence.Store, c authz.Change) (authz.Receipt, error) {
			n, err := s.DeleteProjects(ctx, c, []string{project})
			return n.Receipt, err
		}, func(to *catalog) { delete(to.projects, project) }}
	case 11:
		return change{"move service " + service, func(ctx context.Context, s *fence.Store, c authz.Change) (authz.Receipt, error) {
			n, err := s.PutServices(ctx, c, []authz.Service{{ID: service, ProjectID: project}})
			return n.Receipt, err
		}, func(to *catalog) { to.services[service] = project }}
	case 12:
		return change{"delete service " + service, func(ctx context.Context, s *fence.Store, c authz.Change) (authz.Receipt, error) {
			n, err := s.DeleteServices(ctx, c, []string{service})
			return n.Receipt, err
		}, func(to *catalog) { delete(to.services, service) }}
	}
	if w.chance.IntN(3) == 0 {
		return change{"delete deployment " + deployment, func(ctx context.Context, s *fence.Store, c authz.Change) (authz.Receipt, error) {
			n, err := s.DeleteDeployments(ctx, c, []string{deployment})
			return n.Receipt, err
		}, func(to *catalog) { delete(to.deployments, deployment) }}
	}
	return change{"move deployment " + deployment, func(ctx context.Context, s *fence.Store, c authz.Change) (authz.Receipt, error) {
		n, err := s.PutDeployments(ctx, c, []authz.Deployment{{ID: deployment, ServiceID: service}})
		return n.Receipt, err
	}, func(to *catalog) { to.deployments[deployment] = service }}
}

func (w *world) pick(from []string) string { return from[w.chance.IntN(len(from))] }

func revokeKeyChange(key credential) change {
	return change{"revoke key " + key.name, func(ctx context.Context, s *fence.Store, c authz.Change) (authz.Receipt, error) {
		revoked, err := s.RevokeKey(ctx, c, key.name)
		return revoked.Receipt, err
	}, func(to *catalog) { delete(to.keys, key.digest) }}
}

func (w *world) createKeyChange() change {
	k := universe.key(w.chance.IntN(len(universe.keys)), w.cluster.now())
	return change{"create key " + k.ID, func(ctx context.Context, s *fence.Store, c authz.Change) (authz.Receipt, error) {
		made, err := s.CreateKey(ctx, c, k)
		return made.Receipt, err
	}, func(*catalog) {}}
}

// byHand is what an operator types, straight into the primary. Nobody waits for it, and it may do what no call does.
func (w *world) byHand() {
	s := w.cluster.primary()
	if !s.up {
		return
	}
	service, from, user := w.pick(universe.services), w.pick(universe.projects), w.pick(universe.users)
	put := authz.Project{ID: from, Slug: w.pick(universe.slugs), OwnerID: user}
	to := w.pick(universe.projects)
	tx := [...]*transaction{
		{name: "by hand: a project and its service part", change: func(c *catalog) error {
			c.services[service] = to
			return putProject(c, put)
		}},
		{name: "by hand: what has ended is deleted", change: func(c *catalog) error {
			maps.DeleteFunc(c.keys, func(_ authz.Digest, k authz.Key) bool { return k.State(w.cluster.now()) != authz.Live })
			maps.DeleteFunc(c.sessions, func(_ authz.Digest, x authz.Session) bool { return !x.RevokedAt.IsZero() })
			return nil
		}},
		{name: "by hand: a table is emptied", rows: []authz.Subject{{Kind: authz.OfEverything}},
			change: func(c *catalog) error {
				clear(c.deployments)
				return nil
			}},
		{name: "by hand: a kind that this release does not know", rows: []authz.Subject{{Kind: 8, ID: "p1"}},
			change: func(c *catalog) error {
				p := c.projects["p1"]
				p.ID, p.OwnerID = "p1", user
				return putProject(c, p)
			}},
	}[w.chance.IntN(4)]
	w.counts.add(tx.name, 1)
	s.transact(tx, func(outcome, error) {})
}
