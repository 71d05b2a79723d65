// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/redis/go-redis/v9"
)

// sentinels are the Sentinels that know which server is the master. They are asked for each connection, and not in
// between: when a master is replaced, its connections end, since it is dead, or since Sentinel ends them when it makes the
// server a replica. Until then we may read what is old, which does no harm.
//
// go-redis has a client that follows Sentinel by itself. But it takes a malformed answer of a Sentinel for granted, and
// panics.
type sentinels struct {
	options redis.UniversalOptions
	master  string
}

// address returns the address of the master, from the first Sentinel that tells.
func (s *sentinels) address(ctx context.Context) (address string, err error) {
	for _, sentinel := range s.options.Addrs {
		address, err = s.ask(ctx, sentinel, s.options.Username, s.options.Password)
		var refusal redis.Error
		if errors.As(err, &refusal) && s.options.Password != "" { // it may have no password of its own
			address, err = s.ask(ctx, sentinel, "", "")
		}
		if err == nil {
			return address, nil
		}
	}
	// Not wrapped: what a Sentinel answered must not pass for an answer of the server.
	return "", fmt.Errorf("no Sentinel names the master %s: %v", s.master, err)
}

func (s *sentinels) ask(ctx context.Context, sentinel, user, password string) (string, error) {
	options := s.options
	options.Addrs, options.DB, options.Username, options.Password = []string{sentinel}, 0, user, password
	client := redis.NewSentinelClient(options.Simple())
	defer client.Close()
	answer, err := client.GetMasterAddrByName(ctx, s.master).Result()
	switch {
	case err != nil:
		return "", err
	case len(answer) != 2:
		return "", errors.New("a Sentinel's answer is malformed")
	}
	return net.JoinHostPort(answer[0], answer[1]), nil
}
