// SPDX-License-Identifier: Apache-2.0

package fence

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"aeroplane.run/authz"
)

// What a service and a deployment lead to comes along, until any of it is let go of, for whatever reason.
func TestProjectsComeAlong(t *testing.T) {
	t.Parallel()
	for what, letGo := range map[string]func(*generation, authz.Subject){
		"changed":               func(g *generation, s authz.Subject) { g.apply(row(21, s)) },
		"everything, and so it": func(g *generation, _ authz.Subject) { g.apply(row(21, authz.Subject{Kind: authz.OfEverything})) },
		"read once more, and changed": func(g *generation, s authz.Subject) {
			g.admit(s, authz.Record{Projects: []authz.ProjectRef{{ID: s.ID, OwnerID: "ada"}}}, rev(20))
			g.apply(row(21, s))
		},
		"aged": func(g *generation, s authz.Subject) {
			sh, _ := g.shard(s)
			sh.age()
		},
		"displaced": func(g *generation, s authz.Subject) {
			sh, _ := g.shard(s)
			sh.known.evict()
		},
		"found not to exist": func(g *generation, s authz.Subject) { g.admit(s, authz.Record{}, rev(20)) },
	} {
		for _, long := range []string{"", strings.Repeat("-", 100)} {
			g := following(10, 20, roomy)
			deployment, service, project := family(g, long)
			refs := []authz.ProjectRef{{ID: project.ID, OwnerID: "ada"}}
			g.admit(deployment, authz.Record{Parent: service.ID}, rev(20))
			wantProjects(t, g, what, deployment, "")
			g.admit(service, authz.Record{Parent: project.ID}, rev(20))
			wantProjects(t, g, what, service, "")
			wantProjects(t, g, what, deployment, "")
			g.admit(project, authz.Record{Projects: refs}, rev(20))
			for range 2 { // by a search, and as it was found
				wantProjects(t, g, what, service, "ada")
				wantProjects(t, g, what, deployment, "ada")
			}

			letGo(g, project)
			if _, err := read(g, service); err == nil {
				wantProjects(t, g, what, service, "")
				wantProjects(t, g, what, deployment, "")
			}
			head := g.applied.Load().Seq
			g.admit(deployment, authz.Record{Parent: service.ID}, rev(head))
			g.admit(service, authz.Record{Parent: project.ID}, rev(head))
			g.admit(project, authz.Record{Projects: []authz.ProjectRef{{ID: project.ID, OwnerID: "ben"}}}, rev(head))
			wantProjects(t, g, what, service, "ben")
			wantProjects(t, g, what, deployment, "ben")
		}
	}
}

// A service that is in another project now leads there, from its deployments as well.
func TestProjectsOfAServiceThatMoved(t *testing.T) {
	t.Parallel()
	g := following(10, 20, roomy)
	deployment, service, project := family(g, "")
	elsewhere := authz.Subject{Kind: authz.OfProject, ID: "elsewhere"}
	g.admit(deployment, authz.Record{Parent: service.ID}, rev(20))
	g.admit(service, authz.Record{Parent: project.ID}, rev(20))
	g.admit(project, authz.Record{Projects: []authz.ProjectRef{{ID: project.ID, OwnerID: "ada"}}}, rev(20))
	g.admit(elsewhere, authz.Record{Projects: []authz.ProjectRef{{ID: elsewhere.ID, OwnerID: "ben"}}}, rev(20))
	wantProjects(t, g, "before", deployment, "ada")
	g.apply(row(21, service))
	wantProjects(t, g, "meanwhile", deployment, "")
	g.admit(service, authz.Record{Parent: elsewhere.ID}, rev(21))
	wantProjects(t, g, "moved", deployment, "ben")
	wantProjects(t, g, "moved", service, "ben")
}

// family returns a deployment, its service and the project of that, in shards of their own.
func family(g *generation, suffix string) (deployment, service, project authz.Subject) {
	seen := make(map[*shard]bool)
	apart := func(kind authz.SubjectKind) authz.Subject {
		for i := 0; ; i++ {
			s := authz.Subject{Kind: kind, ID: strconv.Itoa(i) + suffix}
			if sh, _ := g.shard(s); !seen[sh] {
				seen[sh] = true
				return s
			}
		}
	}
	return apart(authz.OfDeployment), apart(authz.OfService), apart(authz.OfProject)
}

// wantProjects asks for what comes along with a subject that is kept: one project of an owner, or nothing.
func wantProjects(t *testing.T, g *generation, when string, s authz.Subject, owner string) {
	t.Helper()
	r, err := read(g, s)
	switch {
	case err != nil || r.Parent == "":
		t.Errorf("%s: %s %q: %v, %v", when, s.Kind, s.ID, r, err)
	case owner == "" && r.Projects != nil:
		t.Errorf("%s: with %s %q came %v", when, s.Kind, s.ID, r.Projects)
	case owner != "" && (len(r.Projects) != 1 || r.Projects[0].OwnerID != owner):
		t.Errorf("%s: with %s %q came %v, not what is %s's", when, s.Kind, s.ID, r.Projects, owner)
	}
}

// Services are asked for while their project changes all the time: nobody sees what was let go of before they asked.
func TestProjectsComeAlongWhileTheyChange(t *testing.T) {
	t.Parallel()
	l := roomy
	l.window = 1000
	g := following(10, 10, l)
	_, service, project := family(g, "")
	stop := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			default:
			}
			least := g.applied.Load().Seq
			r, err := read(g, service)
			if err != nil || r.Projects == nil {
				continue
			}
			if at, err := strconv.ParseInt(r.Projects[0].OwnerID, 10, 64); err != nil || at < least {
				t.Errorf("at %d the project came along as it was at %d", least, at)
				return
			}
		}
	}()
	g.admit(service, authz.Record{Parent: project.ID}, rev(10))
	for seq := int64(11); seq < 500; seq += 2 {
		g.admit(project, authz.Record{Projects: []authz.ProjectRef{{ID: project.ID, OwnerID: strconv.FormatInt(seq-1, 10)}}}, rev(seq-1))
		time.Sleep(10 * time.Microsecond)
		g.apply(row(seq, project))
		g.apply(row(seq+1, authz.Subject{}))
	}
	close(stop)
	<-done
}
