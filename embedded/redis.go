// SPDX-License-Identifier: Apache-2.0

package embedded

import (
	"crypto/tls"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/rediscache"
	"aeroplane.run/authz/internal/secret"
)

// A Redis is a second place for records, which a replica that starts finds there. Addresses and EntryKeys are required. Decisions
// are the same without it.
//
// go-redis has one log for the whole process, and it is left as it is: on standard error, unless redis.SetLogger says otherwise.
type Redis struct {
	// Addresses are host and port: of the server; of Sentinels, with Master; of some servers of a cluster, with Cluster.
	Addresses []string
	Master    string // the name that the Sentinels know the server by
	Cluster   bool
	Username  string
	Password  string
	DB        int         // the number of the database
	TLS       *tls.Config // nil: plaintext, which is refused for another machine unless JoinConfig allows it
	// EntryKeys are one key or two that seal what is kept, one a line, each as `openssl rand -base64 32` makes them. Whoever has them,
	// and can write to Redis, can forge what every replica with the same keys decides by. So the service's are not for gateways, and
	// each gateway has its own, or those have the same that trust each other.
	EntryKeys string
}

func (r *Redis) config(c JoinConfig) (rediscache.Config, error) {
	keys, err := rediscache.ParseEntryKeys(r.EntryKeys)
	if err != nil {
		return rediscache.Config{}, authz.Errorf(authz.FailedPrecondition, "the entry keys for Redis: %v", err)
	}
	mode := rediscache.Single
	switch {
	case r.Cluster && r.Master != "":
		return rediscache.Config{}, authz.Errorf(authz.FailedPrecondition, "Redis is a cluster or behind Sentinels, not both")
	case r.Cluster:
		mode = rediscache.Cluster
	case r.Master != "":
		mode = rediscache.Sentinel
	}
	return rediscache.Config{
		Mode: mode, Addresses: r.Addresses, Master: r.Master, Username: r.Username, Password: secret.New(r.Password), DB: r.DB,
		TLS: r.TLS, AllowPlaintext: c.AllowPlaintext, EntryKeys: keys, Logger: c.Logger, LeaveLog: true,
	}, nil
}
