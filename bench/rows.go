// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"iter"
	"time"

	"aeroplane.run/authz/internal/apikey"
)

// A table is what of a world goes into one table.
type table struct {
	name    string
	columns []string
	rows    iter.Seq[[]any]
}

// tables returns the world as rows, in the order in which foreign keys want them.
func (w *world) tables() []table {
	now := time.Now()
	made, ends := now.Add(-time.Hour).UnixMicro(), now.AddDate(0, 1, 0).UnixMicro()
	return []table{
		{"projects", []string{"id", "slug", "name", "owner_id"}, numbered(projects, func(i int) []any {
			return []any{projectID(i), slug(i), "A project", ownerOf(i)}
		})},
		{"services", []string{"id", "project_id"}, numbered(services, func(i int) []any {
			return []any{serviceID(i), projectID(i % projects)}
		})},
		{"deployments", []string{"id", "service_id"}, numbered(deployments, func(i int) []any {
			return []any{deploymentID(i), serviceID(i % services)}
		})},
		{"keys", []string{"id", "digest", "name", "prefix", "user_id", "access", "all_projects", "created_at"},
			numbered(len(w.all()), func(i int) []any { return w.all()[i].row(i, made) })},
		{"key_projects", []string{"key_id", "project_id"}, w.selections},
		{"sessions", []string{"digest", "user_id", "role", "expires_at"}, numbered(len(w.sessions), func(i int) []any {
			d := apikey.DigestOf(w.sessions[i])
			return []any{d[:], userID(i % users), 2, ends}
		})},
	}
}

// row returns key i as it is stored.
func (k *key) row(i int, made int64) []any {
	user, all := "", 1
	if k.user >= 0 {
		user = userID(k.user)
	}
	if k.selected != nil {
		all = 0
	}
	return []any{k.ID, k.Digest[:], fmt.Sprintf("key of %09d", i), k.Prefix, user, int(k.access()), all, made + int64(i)}
}

// all returns every key, the spare ones among them.
func (w *world) all() []key { return w.keys[:len(w.keys)+len(w.spare)] }

func (w *world) selections(yield func([]any) bool) {
	for _, k := range w.all() {
		for _, p := range k.selected {
			if !yield([]any{k.ID, projectID(p)}) {
				return
			}
		}
	}
}

func numbered(n int, row func(i int) []any) iter.Seq[[]any] {
	return func(yield func([]any) bool) {
		for i := range n {
			if !yield(row(i)) {
				return
			}
		}
	}
}
