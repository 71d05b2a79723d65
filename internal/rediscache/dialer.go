// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"
)

// A dialer makes connections for go-redis, which has one of its own; but that goes on when the Cache is closed, connects
// in plaintext to wherever it is sent, and has no place for a guard.
type dialer struct {
	life           context.Context
	tls            *tls.Config // nil: plaintext
	allowPlaintext bool
	// resolve returns where to connect to. Nil: where we are told.
	resolve func(context.Context) (address string, err error)
}

var errPlaintext = errors.New("the server is another machine and so needs TLS: Redis named it, or its name has another address now")

func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(d.life, cancel)()
	if d.resolve != nil {
		var err error
		if address, err = d.resolve(ctx); err != nil {
			return nil, err
		}
	}
	dial := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 5 * time.Second, Count: 3}}
	conn, err := dial.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	secured, err := d.secure(ctx, conn, address)
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	return &guard{Conn: secured}, nil
}

// secure puts a connection behind TLS, or makes sure that it may do without.
func (d *dialer) secure(ctx context.Context, conn net.Conn, address string) (net.Conn, error) {
	if d.tls == nil {
		remote, ok := conn.RemoteAddr().(*net.TCPAddr)
		if !d.allowPlaintext && (!ok || !remote.IP.IsLoopback()) {
			return nil, errPlaintext
		}
		return conn, nil
	}
	config := d.tls.Clone()
	if config.ServerName == "" {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		config.ServerName = host
	}
	encrypted := tls.Client(conn, config)
	return encrypted, encrypted.HandshakeContext(ctx)
}
