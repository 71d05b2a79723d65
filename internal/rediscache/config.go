// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/secret"
)

// A Mode is how Redis is run.
type Mode uint8

const (
	// Single is one server, or what looks like one.
	Single Mode = iota
	// Sentinel is one server, which Sentinels replace when it fails.
	Sentinel
	// Cluster is several servers, of which each has a part.
	Cluster
)

// A Config says where Redis is, and what to seal with. Addresses and EntryKeys are required.
type Config struct {
	Mode Mode
	// Addresses are host and port: of the server; of Sentinels; of some servers of the cluster.
	Addresses []string
	// Master is the name that the Sentinels know the server by.
	Master string
	// Username and Password are for the servers, and for Sentinels that want any.
	Username string
	Password secret.Text
	// DB is the number of the database. A cluster has but 0.
	DB int
	// TLS is how to encrypt. Nil: not at all, which is for servers on this machine.
	TLS *tls.Config
	// AllowPlaintext lets TLS be nil for other machines, where the network can then read the password.
	AllowPlaintext bool
	// EntryKeys are one key or two, as ParseEntryKeys returns them. The first one seals, both open.
	EntryKeys []secret.Text
	// Logger is told when Redis begins and ceases to answer. Nil: nobody is.
	Logger *slog.Logger
	// LeaveLog leaves go-redis' own log alone, which is one for the process, and there may be others in it who use go-redis.
	LeaveLog bool
}

const (
	entryKeySize = 32 // bytes
	maxEntryKeys = 2
)

// ParseEntryKeys reads entry keys, one a line: 32 random bytes in base64, as `openssl rand -base64 32` makes them. Empty
// lines say nothing. An error tells the line, and nothing of what is on it.
func ParseEntryKeys(text string) ([]secret.Text, error) {
	var keys []secret.Text
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		raw, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil || len(raw) != entryKeySize {
			return nil, fmt.Errorf("line %d: must be %d random bytes in base64, as `openssl rand -base64 %d` makes them",
				number, entryKeySize, entryKeySize)
		}
		keys = append(keys, secret.New(string(raw)))
	}
	return keys, checkEntryKeys(keys)
}

func checkEntryKeys(keys []secret.Text) error {
	switch {
	case len(keys) == 0:
		return fmt.Errorf("there is no entry key")
	case len(keys) > maxEntryKeys:
		return fmt.Errorf("there are %d entry keys: keep the one that seals and the one before it", len(keys))
	case len(keys) == 2 && keys[0].Reveal() == keys[1].Reveal():
		return fmt.Errorf("both entry keys are the same")
	}
	for _, key := range keys {
		if len(key.Reveal()) != entryKeySize {
			return fmt.Errorf("an entry key must be %d bytes", entryKeySize)
		}
	}
	return nil
}

// check returns what seals, or what is wrong.
func (c *Config) check() ([]*sealer, error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if err := checkEntryKeys(c.EntryKeys); err != nil {
		return nil, authz.Errorf(authz.FailedPrecondition, "%v", err)
	}
	wrong := ""
	switch {
	case len(c.Addresses) == 0:
		wrong = "Redis needs an address"
	case c.Mode == Single && len(c.Addresses) > 1:
		wrong = "a single Redis server has one address"
	case c.Mode == Sentinel && c.Master == "":
		wrong = "Sentinels must be asked for a master by its name"
	case c.Mode == Cluster && c.DB != 0:
		wrong = "a Redis cluster has no database but 0"
	}
	if wrong != "" {
		return nil, authz.Errorf(authz.FailedPrecondition, "%s", wrong)
	}
	var sealers []*sealer
	for _, key := range c.EntryKeys {
		sealers = append(sealers, newSealer(key))
	}
	return sealers, nil
}

// servers begins to make connections.
func (c *Config) servers(cache *Cache) directory {
	d := &dialer{life: cache.life, tls: c.TLS, allowPlaintext: c.AllowPlaintext}
	options := c.options(cache.timing, d)
	name := strings.Join(c.Addresses, ",")
	switch c.Mode {
	case Cluster:
		all := &cluster{Cache: cache, client: redis.NewClusterClient(options.Cluster()), log: c.Logger,
			nodes: make(map[*redis.Client]*node)}
		cache.running.Go(all.discover)
		return all
	case Sentinel:
		c.askSentinels(options, d)
		name = c.Master + " of " + name
	}
	n := newNode(redis.NewClient(options.Simple()), name, cache.timing, c.Logger, &cache.counts.opened, func() {})
	cache.running.Go(func() { n.keep(cache.life) })
	return one{n}
}

// askSentinels has connections lead to the server that Sentinels name.
func (c *Config) askSentinels(options *redis.UniversalOptions, d *dialer) {
	s := &sentinels{options: *options, master: c.Master}
	options.Dialer = (&dialer{life: d.life, tls: d.tls, allowPlaintext: d.allowPlaintext, resolve: s.address}).dial
}

// options are how we use go-redis: for one connection at a time, which a node keeps, with no retries and no time but ours.
func (c *Config) options(t timing, d *dialer) *redis.UniversalOptions {
	return &redis.UniversalOptions{
		Addrs: c.Addresses, Username: c.Username, Password: c.Password.Reveal(), DB: c.DB,
		Dialer: d.dial,

		Protocol:        2, // in which a server says nothing that it is not asked
		DisableIdentity: true,
		MaintNotificationsConfig: &maintnotifications.Config{
			Mode: maintnotifications.ModeDisabled, // which may lengthen timeouts, and connect to elsewhere
		},

		MaxRetries: -1, DialerRetries: 1, MaxRedirects: -1,
		DialTimeout: t.dialling, ReadTimeout: t.patience, WriteTimeout: t.patience, PoolTimeout: t.patience,
		ContextTimeoutEnabled: true, // or a context's deadline would end no read

		// A node has its own connections. The pool must only not run out of room, nor of dials that failed: after as many as
		// there is room for it would fail those that follow without trying.
		PoolSize: 1024, PipelinePoolSize: -1, ConnMaxIdleTime: -1,
		ReadBufferSize: 4 << 10, WriteBufferSize: 4 << 10,
	}
}

// silence keeps go-redis, which has one log for all, from writing to standard error. What matters we log ourselves.
var silence = sync.OnceFunc(logging.Disable)
