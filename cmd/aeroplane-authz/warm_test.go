// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"database/sql"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"google.golang.org/protobuf/types/known/timestamppb"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/testservers"
)

// TestWarmDecisionsAskNobody makes decisions while nobody can read in Postgres what they depend on, and compares what the
// service and Redis have counted before and after.
func TestWarmDecisionsAskNobody(t *testing.T) {
	t.Parallel()
	cache := testservers.Redis(t)
	dsn := testservers.Postgres(t).NewDatabase(t)
	p, address := startOperated(t, append(postgresFlags(t, dsn), redisFlags(t, cache.Addr())...)...)
	questions := p.questions(t)
	reads := func() map[string]string {
		_, text := get(t, address, "/metrics")
		all := make(map[string]string)
		for _, line := range regexp.MustCompile(`(?m)^aeroplane_authz_(\w+_reads_total\S*) (.*)$`).FindAllStringSubmatch(text, -1) {
			if !strings.HasPrefix(line[1], "cache_") { // which are those from memory
				all[line[1]] = line[2]
			}
		}
		return all
	}
	p.ask(t, 2, questions)

	before, beforeOfRedis := reads(), asked(t, cache.Addr())
	unlock := lock(t, dsn, "keys, key_projects, sessions, projects, services, deployments")
	p.ask(t, 4000, questions)
	if n := asked(t, cache.Addr()) - beforeOfRedis; n > 300 { // the service looks each second whether Redis is there
		t.Errorf("Redis was asked %d times for 32,000 warm decisions", n)
	}
	if diff := cmp.Diff(before, reads()); diff != "" {
		t.Errorf("warm decisions read (-before +after):\n%s", diff)
	}

	unlock()
	_, secret, err := p.createKey(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	p.mustAllow(t, secret, true)
	after := reads()
	for _, family := range []string{`record_reads_total{kind="key"}`, "redis_reads_total"} { // Redis may not have answered in time
		if maps.Equal(beginning(before, family), beginning(after, family)) {
			t.Errorf("a cold decision is not counted in %s: %v", family, after)
		}
	}
}

// beginning returns the series whose names begin alike.
func beginning(series map[string]string, prefix string) map[string]string {
	some := maps.Clone(series)
	maps.DeleteFunc(some, func(name, _ string) bool { return !strings.HasPrefix(name, prefix) })
	return some
}

// redisFlags returns the arguments that share records in a Redis. The entry key goes into a file.
func redisFlags(t testing.TB, address string) []string {
	t.Helper()
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"--redis", address, "--redis-entry-keys-file", keys}
}

// questions are some that are answered by each kind of record that there is. All are to be allowed.
func (p *process) questions(t testing.TB) (all []*v1.AuthorizeRequest) {
	t.Helper()
	done := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	catalog := v1.NewCatalogServiceClient(p)
	done(catalog.PutProject(t.Context(), &v1.PutProjectRequest{Project: &v1.Project{Id: "p", Slug: "web", OwnerId: "ada"}}))
	done(catalog.PutService(t.Context(), &v1.PutServiceRequest{Service: &v1.Service{Id: "s", ProjectId: "p"}}))
	done(catalog.PutDeployment(t.Context(), &v1.PutDeploymentRequest{Deployment: &v1.Deployment{Id: "d", ServiceId: "s"}}))
	hash := sha256.Sum256([]byte("cookie"))
	done(v1.NewSessionServiceClient(p).PutSession(t.Context(), &v1.PutSessionRequest{Session: &v1.Session{
		TokenSha256: hash[:], UserId: "ada", Role: v1.UserRole_USER_ROLE_USER, ExpireTime: timestamppb.New(time.Now().Add(time.Hour))}}))
	_, secret, err := p.createKey(t.Context())
	done(nil, err)
	for _, path := range []string{"/api/projects", "/api/projects/p/env-example-variable-suggestions", "/api/projects/web",
		"/api/services/s/overview", "/api/deployments/d/logs"} {
		all = append(all,
			&v1.AuthorizeRequest{Method: "GET", Path: path, Credential: &v1.AuthorizeRequest_ApiKey{ApiKey: secret}},
			&v1.AuthorizeRequest{Method: "GET", Path: path, Credential: &v1.AuthorizeRequest_SessionToken{SessionToken: "cookie"}})
	}
	return all
}

// ask asks the questions in turn, n times each of eight callers, and fails the test unless all is allowed.
func (p *process) ask(t testing.TB, n int, questions []*v1.AuthorizeRequest) {
	t.Helper()
	const callers = 8
	n = max(n, len(questions))
	var allowed atomic.Int64
	var running sync.WaitGroup
	for range callers {
		running.Go(func() {
			client := v1.NewAuthorizationServiceClient(p)
			for i := range n {
				q := questions[i%len(questions)]
				if out, err := client.Authorize(t.Context(), q); err != nil || !out.GetAllowed() {
					t.Errorf("%s: %v, %v", q.GetPath(), out, err)
					return
				}
				allowed.Add(1)
			}
		})
	}
	running.Wait()
	if got := allowed.Load(); got != int64(callers*n) {
		t.Fatalf("%d of %d are allowed", got, callers*n)
	}
}

// lock keeps everybody from reading tables.
func lock(t *testing.T, dsn, tables string) (unlock func()) {
	t.Helper()
	db, err := sql.Open("postgres", dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), "LOCK TABLE "+tables+" IN ACCESS EXCLUSIVE MODE"); err != nil {
		t.Fatal(err)
	}
	return func() { _ = tx.Rollback() }
}

// asked returns how often Redis says that it was asked for an entry.
func asked(t *testing.T, address string) int {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: address})
	defer client.Close()
	text, err := client.Info(t.Context(), "commandstats").Result()
	if err != nil {
		t.Fatal(err)
	}
	calls := regexp.MustCompile(`cmdstat_get:calls=(\d+)`).FindStringSubmatch(text)
	if calls == nil {
		t.Fatalf("Redis has counted no GET: %s", text)
	}
	n, err := strconv.Atoi(calls[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}
