// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/aeroplane"
	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
)

// A made-up Aeroplane of some size, whose deployments have 2 kB of a log each.
const (
	someProjects    = 1000
	someServices    = 10_000
	someDeployments = 100_000
	someLog         = 2048
)

// measureFollow measures what it takes to take over from an Aeroplane, and to keep in step with it.
func measureFollow(b *bench) {
	a, err := aeroplanetest.StartIn(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	defer a.Stop()
	b.say("filling an Aeroplane")
	a.User("ada", "owner")
	a.Fill(someProjects, someServices, someDeployments, someLog)
	a.Exec("UPDATE project_groups SET owner_user_id = 'ada'")
	a.Project("here", "ada", "here")
	a.Project("there", "ada", "there")
	a.Service("moving", "here")
	_, key := a.Key(aeroplanetest.Key{User: "ada", Selected: true, Projects: []string{"here"}})
	a.Checkpoint("TRUNCATE")
	if err := a.Err(); err != nil {
		b.Fatal(err)
	}
	b.imports(a)
	b.follows(a, key)
}

// imports imports into empty databases.
func (b *bench) imports(a *aeroplanetest.Aeroplane) {
	b.Helper()
	b.startPostgres()
	table := newTable(b.out, fmt.Sprintf("Import of %d services and %d deployments, s", someServices, someDeployments),
		"database", "to read the file alone", "the first import", "the same again")
	for _, on := range []struct {
		name     string
		settings func(*bench) []string
	}{
		{"SQLite", func(b *bench) []string { return onSQLite(b.TempDir()) }},
		{"Postgres", func(b *bench) []string { return onPostgres(b, b.postgres.NewDatabase(b), "") }},
	} {
		var read, first, again []float64
		for range b.pairs {
			b.within("import", func(b *bench) {
				c := startService(b, on.name, b.binary, on.settings(b)).await(b)
				read = append(read, seconds(func() error {
					_, err := aeroplane.Read(b.Context(), a.Path, time.Now(), nil)
					return err
				}, b))
				first = append(first, seconds(func() error { return b.importOnce(c, a) }, b))
				again = append(again, seconds(func() error { return b.importOnce(c, a) }, b))
				b.say("%s: read in %.2f s, imported in %.2f s, again in %.2f s", on.name, read[len(read)-1], first[len(first)-1], again[len(again)-1])
			})
		}
		table.row(on.name, spreadOf(read).String(), spreadOf(first).String(), spreadOf(again).String())
	}
}

func (b *bench) importOnce(c *contestant, a *aeroplanetest.Aeroplane) error {
	cmd := exec.CommandContext(b.Context(), b.binary, "import", "aeroplane", a.Path, "--follow-keys", "--address", c.address)
	cmd.Env = []string{variable("TOKEN", adminToken), variable("DATA_DIR", b.TempDir())}
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.Discard, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%w\n%s", err, said.Bytes())
	}
	return nil
}

func seconds(do func() error, b *bench) float64 {
	b.Helper()
	begun := time.Now()
	if err := do(); err != nil {
		b.Fatal(err)
	}
	return time.Since(begun).Seconds()
}

// follows compares a service that follows with one that does not.
func (b *bench) follows(a *aeroplanetest.Aeroplane, key string) {
	b.Helper()
	dir := b.TempDir()
	follower := startService(b, "following", b.binary, append(onSQLite(dir), variable("AEROPLANE_FILE", a.Path))).await(b)
	alone := startService(b, "alone", b.binary, onSQLite(b.TempDir())).await(b)
	b.waitFor(follower, key, true)
	table := newTable(b.out, "In step with Aeroplane", "Aeroplane", "following, % of a processor", "not following", "from Aeroplane's commit to the refusal, ms")
	for _, load := range []struct {
		name string
		run  func() (end func())
	}{
		{"is quiet", func() func() { return func() {} }},
		{"notes the use of a key, 100 times a second", func() func() { return b.usesKeys(a) }},
		{"makes a deployment, and removes another, 10 times a second", func() func() {
			w := a.Write("fill-s-000001", 100*time.Millisecond)
			return func() { w.Stop() }
		}},
	} {
		end := load.run()
		busy, idle := b.beside(follower, alone)
		lag := b.lags(a, follower, key)
		end()
		if err := a.Err(); err != nil {
			b.Fatal(err)
		}
		table.row("it "+load.name, spreadOf(busy).String(), spreadOf(idle).String(), spreadOf(lag).String())
	}
}

// beside returns what parts of a processor, in per cent, two services use at the same time.
func (b *bench) beside(one, other *contestant) (ones, others []float64) {
	b.Helper()
	long := 5 * b.time
	for range b.pairs {
		before, beforeOther := one.cpu(), other.cpu()
		sleepUntil(b.Context(), time.Now().Add(long))
		ones = append(ones, 100*(one.cpu()-before).Seconds()/long.Seconds())
		others = append(others, 100*(other.cpu()-beforeOther).Seconds()/long.Seconds())
	}
	return ones, others
}

// lags returns how long it takes from a commit in Aeroplane, by which a service moves, until the key of its old project is refused, in
// milliseconds.
func (b *bench) lags(a *aeroplanetest.Aeroplane, follower *contestant, key string) (all []float64) {
	b.Helper()
	for range 10 * b.pairs {
		a.Move("moving", "here")
		b.waitFor(follower, key, true)
		sleepUntil(b.Context(), time.Now().Add(time.Second)) // it rests after the last
		a.Move("moving", "there")
		begun := time.Now()
		b.waitFor(follower, key, false)
		all = append(all, float64(time.Since(begun).Microseconds())/1000)
	}
	return all
}

// usesKeys does what Aeroplane does at each request with a key, until the result is called.
func (b *bench) usesKeys(a *aeroplanetest.Aeroplane) (end func()) {
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			_, _ = a.Try("UPDATE api_keys SET last_used_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')")
			sleepUntil(ctx, time.Now().Add(10*time.Millisecond))
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}

// waitFor asks again and again until the service that moves may be read by a key, or may not.
func (b *bench) waitFor(c *contestant, key string, allowed bool) {
	b.Helper()
	in := headers("GET", "/api/services/moving", &authzv1.CredentialHeaders{Authorization: []string{"Bearer " + key}})
	for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		answer, err := authzv1.NewAuthorizationServiceClient(c.gateway[0]).Authorize(b.Context(), in)
		if err == nil && answer.GetAllowed() == allowed {
			return
		}
		if time.Now().After(end) {
			b.Fatalf("it never becomes %v: %v, %v\n%s", allowed, answer, err, c.lastWords())
		}
	}
}
