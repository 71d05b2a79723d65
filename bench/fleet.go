// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
)

// A fleet is replicas on one Postgres.
type fleet []*contestant

// startFleet starts replicas on a database, and a Redis unless its address is empty, and returns when they serve.
func (b *bench) startFleet(replicas int, dsn, redis string) (f fleet) {
	b.Helper()
	settings := append(onPostgres(b, dsn, redis), variable("POSTGRES_MAX_CONNS", 8)) // ten replicas use one small server
	for i := range replicas {
		f = append(f, startService(b, fmt.Sprintf("replica %d", i), b.binary, settings))
	}
	for _, c := range f {
		c.await(b)
	}
	return f
}

// together returns the replicas as one server, over which callers are spread.
func (f fleet) together() *contestant {
	all := &contestant{name: count(len(f), "replica"), asked: make(map[*questions]bool)}
	for i := range connections {
		for _, c := range f {
			all.gateway = append(all.gateway, c.gateway[i])
		}
	}
	return all
}
