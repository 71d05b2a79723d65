// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"

	"aeroplane.run/authz/internal/settings"
)

// listeners are the addresses of a server, http and ops nil where there are to be none.
type listeners struct{ grpc, http, ops net.Listener }

// listen opens all listeners, or none.
func listen(ctx context.Context, v *settings.Settings) (*listeners, error) {
	var l listeners
	for _, c := range []struct {
		to            *net.Listener
		name, address string
		exposable     bool // it may be beyond this machine
		advice        string
	}{
		{&l.grpc, "listen", v.Listen, v.TLSCert != "" || v.InsecurePlaintext, "; choose another with --listen"},
		{&l.http, "http-listen", v.HTTPListen, v.TLSCert != "" || v.InsecurePlaintext, ", and each server on a machine needs an address of its own for " +
			"gateways that ask over HTTP; choose another with --http-listen, or none with --http-listen off"},
		{&l.ops, "ops-listen", v.OpsListen, v.InsecureOps, ", and each server on a machine needs an address of its own for metrics and probes; " +
			"choose another with --ops-listen, or none with --ops-listen off"},
	} {
		if c.address == settings.Off {
			continue
		}
		var err error
		if *c.to, err = new(net.ListenConfig).Listen(ctx, "tcp", c.address); err != nil {
			if errors.Is(err, syscall.EADDRINUSE) {
				err = fmt.Errorf("%w: another process listens there%s", err, c.advice)
			}
			return nil, errors.Join(usage("%s: %w", c.name, err), l.close())
		}
		// A name that was found to mean this machine alone is held to that.
		if !c.exposable && !isLoopback((*c.to).Addr()) {
			return nil, errors.Join(usage("%s: %s is not loopback any more", c.name, c.address), l.close())
		}
	}
	return &l, nil
}

func (l *listeners) close() (err error) {
	for _, one := range []net.Listener{l.grpc, l.http, l.ops} {
		if one != nil {
			err = errors.Join(err, one.Close())
		}
	}
	return err
}
