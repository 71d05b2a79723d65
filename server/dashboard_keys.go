// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/door"
)

// What a list shows at the most, so that nobody can make the server hold more: the newest keys, and of their selections so many ids in all;
// and the projects of the lowest ids.
const (
	maxListed    = 10_000
	maxListedIDs = 200_000
	listedAtOnce = 200
)

// maxKeyBody bounds the body of a call, in bytes: a thousand projects fit into it.
const maxKeyBody = 64 << 10

// noSuchKey is answered for the id of no key, for somebody else's, and for one that is revoked.
const noSuchKey = "API key not found"

// list answers with the keys of the user that are not revoked, and the projects that the user may select.
func (d *dashboard) list(of *dashboardRequest) (any, error) {
	ctx := of.Context()
	ids := 0
	keys, err := wholeList(ctx, d, func(p authz.PageRequest) ([]authz.Key, string, error) {
		keys, next, err := d.issuer.List(ctx, authz.KeyFilter{UserID: &of.user, States: []authz.KeyState{authz.Live, authz.Expired}}, p)
		for i := range keys {
			ids += len(keys[i].Projects.IDs)
		}
		return keys, next, err
	}, func() bool { return ids > maxListedIDs })
	if err != nil {
		return nil, err
	}
	var theirs authz.ProjectFilter
	if of.user != "" { // who has no user reaches all projects
		theirs.OwnerID = &of.user
	}
	projects, err := wholeList(ctx, d, func(p authz.PageRequest) ([]authz.Project, string, error) {
		return d.catalog.Projects(ctx, theirs, p)
	}, func() bool { return false })
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(keys, func(a, b authz.Key) int { return strings.Compare(a.Name, b.Name) }) // of one name the newest first
	slices.SortStableFunc(projects, func(a, b authz.Project) int { return strings.Compare(a.Name, b.Name) })
	return keyList{APIKeys: each(keys, shownKeyOf), Projects: each(projects, shownProjectOf)}, nil
}

// wholeList fetches a list page by page. It ends early, and says so in the log, when there is too much of it.
func wholeList[T any](ctx context.Context, d *dashboard, page func(authz.PageRequest) ([]T, string, error), enough func() bool) (all []T, err error) {
	for next := ""; ; {
		var some []T
		if some, next, err = page(authz.PageRequest{Size: listedAtOnce, Token: next}); err != nil {
			return nil, err
		}
		all = append(all, some...)
		switch {
		case next == "":
			return all, nil
		case len(all) >= maxListed || enough():
			if logged, like := d.guard.failed.allow(time.Now(), slog.LevelWarn); logged {
				d.guard.log.WarnContext(ctx, "a list for the dashboard was cut short", "shown", len(all), "others_not_logged", like)
			}
			return all, nil
		}
	}
}

// readKeyRequest reads what key is asked for.
func readKeyRequest(of *dashboardRequest) error {
	if kind := of.Header["Content-Type"]; len(kind) != 1 || !door.PlainJSON(kind, of.Header["Content-Encoding"]) {
		return authz.Errorf(authz.Invalid, "The request must be application/json").Because(errMediaType)
	}
	body, err := io.ReadAll(http.MaxBytesReader(of.to, of.Body, maxKeyBody))
	if errors.As(err, new(*http.MaxBytesError)) {
		return authz.Errorf(authz.Invalid, "The request must be at most %d bytes", maxKeyBody).Because(err)
	} else if err != nil {
		return authz.Errorf(authz.Invalid, "The request could not be read").Because(err)
	}
	of.key, err = parseKeyRequest(body)
	return err
}

// create makes a key of the user's. Like CreateKey over gRPC it lets the key's secret leave its type, for the one answer that may hold it.
func (d *dashboard) create(of *dashboardRequest) (any, error) {
	of.key.UserID = of.user
	issued, err := d.issuer.Create(of.Context(), of.actor, of.key)
	if authz.KindOf(err) == authz.Invalid {
		return nil, inDashboardsWords(err)
	} else if err != nil {
		return nil, err
	}
	return createdKey{APIKey: shownKeyOf(issued.Key), Token: issued.Secret.Reveal()}, nil
}

// inDashboardsWords says of input that the rules refuse what is wrong with it, as far as it is the user's. It does not keep their words,
// which repeat the input: somebody may have pasted a key there.
func inDashboardsWords(err error) error {
	for _, v := range classified(err).Violations {
		switch {
		case v.Field == "name":
			return authz.Errorf(authz.Invalid, "API key name %s", v.Description)
		case v.Field == "projects":
			return authz.Errorf(authz.Invalid, "Choose at most 1000 projects for a selected-project key")
		case strings.HasPrefix(v.Field, "projects."):
			return authz.Errorf(authz.Invalid, "One or more selected projects no longer exist")
		}
	}
	return authz.Errorf(authz.Internal, "the rules for keys refuse what the dashboard may ask for").Because(err)
}

// readNothing refuses a body.
func readNothing(of *dashboardRequest) error {
	if n, err := io.ReadFull(of.Body, make([]byte, 1)); n > 0 || err != io.EOF {
		return authz.Errorf(authz.Invalid, "The request must have no body")
	}
	return nil
}

// revoke ends a key of the user's. One that was revoked before is not found, but only once that is in force on every replica: an earlier
// call may have ended before it knew.
func (d *dashboard) revoke(of *dashboardRequest) (any, error) {
	ctx := of.Context()
	notFound := authz.Errorf(authz.NotFound, noSuchKey)
	switch user, err := d.issuer.UserOf(ctx, of.id); {
	case authz.KindOf(err) == authz.Invalid: // which is no id
		return nil, notFound
	case err != nil:
		return nil, err
	case user != of.user: // whom nothing changes but a sync of Aeroplane's own keys, which may come just now: then it was theirs a moment ago
		return nil, notFound
	}
	switch revoked, err := d.issuer.Revoke(ctx, of.actor, of.id); {
	case err != nil:
		return nil, err
	case revoked.Already:
		return nil, notFound
	}
	return done{OK: true}, nil
}
