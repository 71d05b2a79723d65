// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"aeroplane.run/authz"
)

// A Condition is how Redis is, for people.
type Condition struct {
	// RoundTrip is how long a read takes on a connection that is there, at best.
	RoundTrip time.Duration
	// MaxMemory bounds what it keeps, in bytes, 0 for not at all, and Policy is what it does beyond. Policy is empty where the
	// user may not ask, which it need not.
	MaxMemory int64
	Policy    string
}

// Budget is how long a decision waits for Redis.
const Budget = budget

// Examine reads, as a Cache would, an entry that is not there. Errors: FailedPrecondition if the Config is wrong or Redis refuses
// it, Unavailable if Redis does not answer.
func Examine(ctx context.Context, config Config) (found Condition, err error) {
	if _, err := config.check(); err != nil {
		return found, err
	}
	if !config.LeaveLog {
		silence()
	}
	how := timing{patience: usual.dialling, dialling: usual.dialling} // it is to be told that it is slow, and not given up
	d := &dialer{life: ctx, tls: config.TLS, allowPlaintext: config.AllowPlaintext}
	options := config.options(how, d)
	if config.Mode == Sentinel {
		config.askSentinels(options, d)
	}
	var client redis.UniversalClient
	if config.Mode == Cluster {
		client = redis.NewClusterClient(options.Cluster())
	} else {
		client = redis.NewClient(options.Simple())
	}
	defer client.Close()
	name := prefix + rand.Text()
	for i := range 4 { // the first makes the connection
		before := time.Now()
		if err := client.Get(ctx, name).Err(); !errors.Is(err, redis.Nil) && err != nil {
			return found, config.refusal(err)
		}
		if took := time.Since(before); i == 1 || i > 1 && took < found.RoundTrip {
			found.RoundTrip = took
		}
	}
	if info, err := client.Info(ctx, "memory").Result(); err == nil {
		found.remember(info)
	}
	return found, nil
}

// remember picks what matters of INFO.
func (c *Condition) remember(info string) {
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch name {
		case "maxmemory":
			c.MaxMemory, _ = strconv.ParseInt(value, 10, 64)
		case "maxmemory_policy":
			c.Policy = value
		}
	}
}

// passing are the beginnings of replies by which a server says that it cannot answer just now.
var passing = []string{"LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY"}

// refusal tells a server that does not answer from one that refuses us, or that we refuse.
func (c *Config) refusal(err error) error {
	text := presentable(err, c.Password.Reveal())
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &certificate):
		return authz.Errorf(authz.FailedPrecondition, "the certificate of Redis is not trusted: %s", text)
	case errors.As(err, &record):
		return authz.Errorf(authz.FailedPrecondition, "Redis does not speak TLS: %s", text)
	case errors.Is(err, errPlaintext):
		return authz.Errorf(authz.FailedPrecondition, "%s", text)
	case !isReply(err):
		return authz.Errorf(authz.Unavailable, "Redis does not answer: %s", text)
	}
	for _, word := range passing {
		if strings.HasPrefix(text, word) {
			return authz.Errorf(authz.Unavailable, "Redis cannot answer now: %s", text)
		}
	}
	return authz.Errorf(authz.FailedPrecondition, "Redis refuses: %s", text)
}
