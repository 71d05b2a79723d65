// SPDX-License-Identifier: Apache-2.0

package storetest

import (
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"aeroplane.run/authz"
)

// auditChanges makes every change once and compares what each leaves. Of the details, the named ones are compared: a
// store may tell more.
func auditChanges(t *testing.T, f *fixture) {
	actor := authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "名前 \"o'token\"", UserID: "ada", Address: "[2001:db8::1%eth0]:443"}
	change := authz.Change{At: noon.Add(time.Second), Actor: actor}
	ctx := t.Context()
	projects := []authz.Project{project("p", "ada")}
	services := []authz.Service{{ID: "s", ProjectID: "p"}}
	deployments := []authz.Deployment{{ID: "d", ServiceID: "s"}}
	key := newKey("k", "ada", "p")
	s := session("s", "ada", authz.UserRoleOwner)
	subject := hex.EncodeToString(s.Digest[:])
	revokeKey := func() error { return error2(f.RevokeKey(ctx, change, "k")) }
	revokeSession := func() error { return error2(f.RevokeSession(ctx, change, s.Digest)) }
	type details = map[string]string
	for _, step := range []struct {
		do      func() error
		action  authz.Action
		subject string
		details details
	}{
		{func() error { return error2(f.PutProjects(ctx, change, projects)) }, authz.ProjectPut, "p",
			details{"slug": "slug-p", "name": "Project p", "owner_id": "ada"}},
		{func() error { return error2(f.PutServices(ctx, change, services)) }, authz.ServicePut, "s",
			details{"project_id": "p"}},
		{func() error { return error2(f.PutDeployments(ctx, change, deployments)) }, authz.DeploymentPut, "d",
			details{"service_id": "s"}},
		{func() error { return error2(f.CreateKey(ctx, change, key)) }, authz.KeyCreate, "k",
			details{"name": "Key k", "user_id": "ada"}},
		{func() error { return error2(f.PutSession(ctx, change, s)) }, authz.SessionPut, subject, details{"user_id": "ada"}},
		{revokeKey, authz.KeyRevoke, "k", nil},
		{revokeKey, authz.KeyRevoke, "k", nil},
		{revokeSession, authz.SessionRevoke, subject, nil},
		{revokeSession, authz.SessionRevoke, subject, nil},
		{func() error { return error2(f.DeleteDeployments(ctx, change, []string{"d"})) }, authz.DeploymentDelete, "d", nil},
		{func() error { return error2(f.DeleteServices(ctx, change, []string{"s"})) }, authz.ServiceDelete, "s", nil},
		{func() error { return error2(f.DeleteProjects(ctx, change, []string{"p"})) }, authz.ProjectDelete, "p", nil},
	} {
		events := f.recorded(t, func() { must(t, 0, step.do()) })
		if len(events) != 1 {
			t.Fatalf("%s left %d records, want one", step.action, len(events))
		}
		got := events[0].Details
		for name, want := range step.details {
			same(t, string(step.action)+": "+name, got[name], want)
		}
		events[0].Details = nil
		same(t, string(step.action), events[0], authz.Event{At: change.At, Actor: change.Actor, Action: step.action,
			SubjectID: step.subject})
	}
}

// auditNoChange makes calls that change nothing, some of them beside items that do change.
func auditNoChange(t *testing.T, f *fixture) {
	ctx := t.Context()
	f.projects(t, project("p", "ada"), project("q", "ada"))
	f.services(t, authz.Service{ID: "s", ProjectID: "p"})
	f.deployments(t, authz.Deployment{ID: "d", ServiceID: "s"})
	f.create(t, requested("k", "request", "this"))
	events := f.recorded(t, func() {
		f.projects(t, project("p", "ada"), project("q", "ada"))
		f.services(t, authz.Service{ID: "s", ProjectID: "p"})
		f.deployments(t, authz.Deployment{ID: "d", ServiceID: "s"})
		f.deleteProjects(t, "P", "unknown")
		_, err := f.DeleteServices(ctx, at(0), []string{"S"})
		must(t, 0, err)
		_, err = f.DeleteDeployments(ctx, at(0), []string{"D"})
		must(t, 0, err)
		made, err := f.CreateKey(ctx, at(0), requested("again", "request", "this"))
		same(t, "replayed", must(t, made, err).Replayed, true)
		_, err = f.RevokeKey(ctx, at(0), "unknown")
		refused(t, "RevokeKey", err, authz.NotFound)
		_, err = f.RevokeSession(ctx, at(0), digest("unknown"))
		refused(t, "RevokeSession", err, authz.NotFound)
	})
	same(t, "no change", events, []authz.Event{})

	events = f.recorded(t, func() {
		renamed := project("q", "ada")
		renamed.Name = "renamed"
		f.projects(t, project("p", "ada"), renamed, project("r", "ada"))
		f.services(t, authz.Service{ID: "s", ProjectID: "p"}, authz.Service{ID: "s2", ProjectID: "p"})
		f.deleteProjects(t, "unknown", "p")
	})
	subjects := map[string]int{}
	for _, e := range events {
		subjects[string(e.Action)+" "+e.SubjectID]++
	}
	same(t, "some change", subjects,
		map[string]int{"project.put q": 1, "project.put r": 1, "service.put s2": 1, "project.delete p": 1})
}

func auditFilters(t *testing.T, f *fixture) {
	second := func(n int) time.Time { return noon.Add(time.Duration(n) * time.Second) }
	for i, c := range []struct{ token, user, project string }{
		{"one", "ada", "a"}, {"one", "", "b"}, {"One", "Ada", "A"}, {"two", "ada", "b"}, {"two", "", "a"},
	} {
		change := authz.Change{At: second(i), Actor: authz.Actor{Role: authz.CallerRoleAdmin, TokenName: c.token, UserID: c.user}}
		p := project(c.project, "")
		p.Name = fmt.Sprint(i)
		_, err := f.PutProjects(t.Context(), change, []authz.Project{p})
		must(t, i, err)
	}
	_, err := f.DeleteProjects(t.Context(), authz.Change{At: second(5), Actor: operator}, []string{"a"})
	must(t, 0, err)

	whole, err := f.Events(t.Context(), authz.EventFilter{}, everything)
	if must(t, whole, err); len(whole) != 6 {
		t.Fatalf("%d records, want 6", len(whole))
	}
	for i, e := range whole[1:] {
		if e.ID >= whole[i].ID {
			t.Errorf("record %d comes after record %d", e.ID, whole[i].ID)
		}
	}
	for _, test := range []struct {
		name   string
		filter authz.EventFilter
		want   []int // seconds, newest first
	}{
		{"all", authz.EventFilter{}, []int{5, 4, 3, 2, 1, 0}},
		{"action", authz.EventFilter{Action: authz.ProjectDelete}, []int{5}},
		{"a family of actions", authz.EventFilter{Action: "project.*"}, []int{5, 4, 3, 2, 1, 0}},
		{"a family that was not", authz.EventFilter{Action: "key.*"}, nil},
		{"an action that was not", authz.EventFilter{Action: authz.KeyCreate}, nil},
		{"subject", authz.EventFilter{SubjectID: "a"}, []int{5, 4, 0}},
		{"token", authz.EventFilter{TokenName: "one"}, []int{1, 0}},
		{"user", authz.EventFilter{UserID: "ada"}, []int{3, 0}},
		{"since, that instant included", authz.EventFilter{Since: second(4)}, []int{5, 4}},
		{"since, just after", authz.EventFilter{Since: second(4).Add(time.Nanosecond)}, []int{5}},
		{"until, that instant not included", authz.EventFilter{Until: second(1)}, []int{0}},
		{"until, just after", authz.EventFilter{Until: second(1).Add(time.Nanosecond)}, []int{1, 0}},
		{"between", authz.EventFilter{Since: second(1), Until: second(3)}, []int{2, 1}},
		{"never", authz.EventFilter{Since: second(3), Until: second(3)}, nil},
		{"all at once", authz.EventFilter{Action: authz.ProjectPut, SubjectID: "b", TokenName: "two", UserID: "ada",
			Since: second(3), Until: second(4)}, []int{3}},
	} {
		events, err := f.Events(t.Context(), test.filter, everything)
		var got []int
		for _, e := range must(t, events, err) {
			got = append(got, int(e.At.Sub(noon)/time.Second))
		}
		same(t, test.name, got, test.want)
	}
}
