// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/embedded"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/testservers"
	"aeroplane.run/authz/resolver"
)

// A local is decisions of a replica in this process, all of whose records are in memory.
type local struct {
	name       string
	replica    *embedded.Replica
	asked      []authz.Request
	processors int // which decide at the same time
}

// measureEmbedded measures by how much decisions grow, and what a second processor adds.
func measureEmbedded(b *bench) {
	table := newComparison(b.out, "In this process", perSecondColumn, column{"ns", nanoseconds})
	compare := func(what, against string, sides func() (ours, other local)) {
		if !b.wanted(what, against) {
			return
		}
		b.within(what, func(b *bench) {
			ours, other := sides()
			b.say("measuring %s, against %s", what, against)
			table.add(what, against, pairs(b.pairs, ours.measured(b), other.measured(b)))
		})
	}
	b.startPostgres()
	join := func(t testing.TB, w *world) *embedded.Replica { return joinWorld(t, b.postgres.PostgresServer, w) }
	for _, on := range []struct {
		name string
		open func(testing.TB, *world) *embedded.Replica
	}{{"SQLite", openWorld}, {"Postgres", join}} {
		compare("two processors, "+on.name, "one processor", func() (ours, other local) {
			w := newWorld(b.keys, 0)
			other = local{on.name + ", one processor", on.open(b, w), requests(newQuestions(w, drawn, false)), 1}
			ours = other
			ours.name, ours.processors = on.name+", two processors", 2
			return ours, other
		})
	}
	compare(fmt.Sprintf("%d keys, uniform", b.most), fmt.Sprintf("%d keys", b.most/100), func() (ours, other local) {
		return localKeys(b, b.most), localKeys(b, b.most/100)
	})
	compare("a key that selects 1000 projects", "one that selects 1", func() (ours, other local) {
		return localKey(b, "1000 projects", embedded.Options{}, 1000), localKey(b, "1 project", embedded.Options{}, 1)
	})
	compare("1000 routes", fmt.Sprintf("the %d that are built in", len(resolver.Default().Routes())), func() (ours, other local) {
		return localKey(b, "1000 routes", embedded.Options{Routes: manyRoutes(b, 1000)}, 1), localKey(b, "those built in", embedded.Options{}, 1)
	})
}

// nanoseconds is what a decision takes on its processor.
func nanoseconds(r result) float64 { return 1000 * serverCPU(r) }

// measured returns what measures decisions, once all was asked for.
func (p local) measured(b *bench) func() result {
	b.Helper()
	askOnce(b, p.replica, p.asked)
	return func() result {
		r := p.decide(b, b.time)
		b.say("%s: %.0f ns, %.0f/s", p.name, nanoseconds(r), perSecond(r))
		return r
	}
}

// decide decides for a while, on as many processors as there are to be.
func (p local) decide(t testing.TB, d time.Duration) result {
	t.Helper()
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(p.processors))
	runtime.GC() // so that each begins alike
	counts, errs := make([]int, p.processors), make([]error, p.processors)
	began := time.Now()
	var deciding sync.WaitGroup
	for i := range p.processors {
		deciding.Go(func() { counts[i], errs[i] = p.decideUntil(t.Context(), began.Add(d), i*len(p.asked)/p.processors) })
	}
	deciding.Wait()
	took := time.Since(began)
	r := result{took: took, server: took * time.Duration(p.processors)}
	for i, n := range counts {
		r.decisions += n
		if errs[i] != nil {
			t.Fatalf("%s: %v", p.name, errs[i])
		}
	}
	return r
}

// decideUntil decides until it is late, from a place among what is asked on, and returns how often.
func (p local) decideUntil(ctx context.Context, end time.Time, at int) (n int, err error) {
	const looks = 256 // decisions from one look at the clock to the next
	for ; n%looks > 0 || time.Now().Before(end); n++ {
		if _, err := p.replica.Authorize(ctx, p.asked[at]); err != nil {
			return n, err
		}
		if at++; at == len(p.asked) {
			at = 0
		}
	}
	return n, ctx.Err()
}

// askOnce asks for everything once.
func askOnce(t testing.TB, r *embedded.Replica, asked []authz.Request) {
	t.Helper()
	for _, q := range asked {
		if _, err := r.Authorize(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	runtime.GC() // what the filling has left is not what is measured
}

// requests returns the questions as a gateway has them in its hands, credential headers read.
func requests(q *questions) (all []authz.Request) {
	for i := range q.all {
		in := q.all[i].request
		h := in.GetHeaders()
		all = append(all, authz.Request{Method: in.GetMethod(), Target: in.GetPath(), Credential: authz.CredentialHeaders{
			Authorization: h.GetAuthorization(), APIKey: h.GetXApiKey(), Cookie: h.GetCookie(),
		}.Credential()})
	}
	return all
}

// localKeys is the mix about so many keys, which are asked for alike.
func localKeys(t testing.TB, keys int) local {
	t.Helper()
	w := newWorld(keys, 0)
	return local{count(keys, "key"), openWorld(t, w), requests(newQuestions(w, drawn, true)), 1}
}

// localKey is one key that selects some projects, for a service in the last of them.
func localKey(t testing.TB, name string, o embedded.Options, selected int) local {
	t.Helper()
	s := openEmbedded(t, embedded.Config{Dir: t.TempDir(), Options: o})
	admin := authz.Actor{Role: authz.CallerRoleAdmin, TokenName: "bench"}
	r := authz.KeyRequest{Name: "bench", Access: authz.Read, Forever: true}
	for i := range selected {
		p := authz.Project{ID: projectID(i), Slug: slug(i)}
		if _, err := s.Catalog.PutProjects(t.Context(), admin, "project", []authz.Project{p}); err != nil {
			t.Fatal(err)
		}
		r.Projects.IDs = append(r.Projects.IDs, p.ID)
	}
	last := authz.Service{ID: serviceID(0), ProjectID: projectID(selected - 1)}
	if _, err := s.Catalog.PutServices(t.Context(), admin, "service", []authz.Service{last}); err != nil {
		t.Fatal(err)
	}
	made, err := s.Issuer.Create(t.Context(), admin, r)
	if err != nil {
		t.Fatal(err)
	}
	return local{name, s.Replica, []authz.Request{{Method: "GET", Target: "/api/services/" + last.ID + "/overview",
		Credential: authz.KeyText(made.Secret.Reveal())}}, 1}
}

// manyRoutes is the table that is built in, and more.
func manyRoutes(t testing.TB, rows int) *resolver.Table {
	t.Helper()
	text := resolver.Source()
	for i := len(resolver.Default().Routes()); i < rows; i++ {
		text += fmt.Sprintf("GET\t/api/services/{serviceId}/more-%d/{of}\tany\tservice\n", i)
	}
	routes, err := resolver.Parse(strings.NewReader(text), "routes")
	if err != nil {
		t.Fatal(err)
	}
	return routes
}

func openWorld(t testing.TB, w *world) *embedded.Replica {
	t.Helper()
	dir := t.TempDir()
	fillSQLite(t, dir, w)
	return openEmbedded(t, embedded.Config{Dir: dir}).Replica
}

func joinWorld(t testing.TB, server *testservers.PostgresServer, w *world) *embedded.Replica {
	t.Helper()
	dsn := server.NewDatabase(t)
	fillPostgres(t, dsn, w)
	role, as := server.NewRole(t, dsn)
	grants, err := postgres.Grants(role)
	if err != nil {
		t.Fatal(err)
	}
	owner := openDB(t, "postgres", dsn)
	defer owner.Close()
	execute(t, owner, grants)
	r, err := embedded.Join(t.Context(), embedded.JoinConfig{DSN: as})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

func openEmbedded(t testing.TB, c embedded.Config) *embedded.Service {
	t.Helper()
	s, err := embedded.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}
