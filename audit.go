// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"strings"
	"time"
)

// An Actor is who makes a change. No change is made without one.
type Actor struct {
	Role      CallerRole
	TokenName string // the name of the token that the call carried; of the service itself, what it does
	UserID    string // the user of Aeroplane for whom the caller said it was acting, or whose session it was; empty: none
	Address   string // where the call came from
}

// CallerRole is what a caller of this service may do.
type CallerRole uint8

const (
	// CallerRoleGateway may ask for decisions.
	CallerRoleGateway CallerRole = iota + 1
	// CallerRoleAdmin may do everything.
	CallerRoleAdmin
	// CallerRoleSystem is the service itself: for retention, and for the users of browser sessions. No token has it.
	CallerRoleSystem
)

// String returns "gateway", "admin" or "system".
func (r CallerRole) String() string { return word(r, "", "gateway", "admin", "system") }

// An Action names what an Event tells of.
type Action string

// The closed list of actions.
const (
	KeyCreate        Action = "key.create"
	KeyImport        Action = "key.import"
	KeySuspend       Action = "key.suspend"
	KeyRevoke        Action = "key.revoke"
	SessionPut       Action = "session.put"
	SessionRevoke    Action = "session.revoke"
	ProjectPut       Action = "project.put"
	ProjectDelete    Action = "project.delete"
	ServicePut       Action = "service.put"
	ServiceDelete    Action = "service.delete"
	DeploymentPut    Action = "deployment.put"
	DeploymentDelete Action = "deployment.delete"
	CatalogSync      Action = "catalog.sync"
	ConsoleLink      Action = "console.link"
	ConsoleOpen      Action = "console.open"
	ConsoleClose     Action = "console.close"
	RetentionDelete  Action = "retention.delete"
)

// Actions returns every Action.
func Actions() []Action {
	return []Action{
		KeyCreate, KeyImport, KeySuspend, KeyRevoke, SessionPut, SessionRevoke, ProjectPut, ProjectDelete,
		ServicePut, ServiceDelete, DeploymentPut, DeploymentDelete, CatalogSync,
		ConsoleLink, ConsoleOpen, ConsoleClose, RetentionDelete,
	}
}

// Family returns the actions that a word selects: an action itself, or all those that begin as "key.*" does. None: there are no such.
func (a Action) Family() (family []Action) {
	begins, all := strings.CutSuffix(string(a), "*")
	for _, action := range Actions() {
		if action == a || all && strings.HasSuffix(begins, ".") && strings.HasPrefix(string(action), begins) {
			family = append(family, action)
		}
	}
	return family
}

// An Event is an audit record: one thing that was changed, by whom, when, and from where. It never holds a secret.
type Event struct {
	ID        int64 // drawn while the change is made: of two at the same time the lower one may appear later
	At        time.Time
	Actor     Actor
	Action    Action
	SubjectID string // the id of a key, project, service or deployment; the hexadecimal digest of a session; empty for what is about none
	Details   map[string]string
}

// An EventFilter selects events. Zero fields select all.
type EventFilter struct {
	Action    Action // or a family of them, as Action.Family has it
	SubjectID string
	TokenName string
	UserID    string    // Actor.UserID
	Since     time.Time // at or after
	Until     time.Time // before
}

// Audit lists what was recorded.
type Audit struct {
	Store AuditStore
}

// List returns a page of the events that match, newest first. Errors: Invalid.
func (s *Audit) List(ctx context.Context, f EventFilter, r PageRequest) ([]Event, string, error) {
	var v violations
	if f.Action != "" && f.Action.Family() == nil {
		var known []string
		for _, action := range Actions() {
			known = append(known, string(action))
		}
		v.add("action", "must be one of %s, or several as key.*", strings.Join(known, ", "))
	}
	checkText(&v, "subject_id", f.SubjectID, 0, maxID)
	checkText(&v, "token_name", f.TokenName, 0, maxID)
	checkUserID(&v, "user_id", f.UserID, optional)
	if !f.Since.IsZero() && !f.Until.IsZero() && !f.Since.Before(f.Until) {
		v.add("end_time", "must be after start_time")
	}
	if err := v.err(); err != nil {
		return nil, "", err
	}
	return paged(r, "events", f, func(e Event) Cursor { return Cursor{At: e.ID} },
		func(p Page) ([]Event, error) { return s.Store.Events(ctx, f, p) })
}
