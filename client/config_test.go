// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"aeroplane.run/authz/client"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server/servertest"
)

const token = "a-token-that-nobody-may-see-0123456789"

func TestNewRefusesWhatIsNotSafe(t *testing.T) {
	encrypted, unverified := new(tls.Config), &tls.Config{InsecureSkipVerify: true}
	pinned := &tls.Config{InsecureSkipVerify: true, VerifyConnection: func(tls.ConnectionState) error { return nil }}
	for _, c := range []struct {
		target string
		change func(*client.Config)
		want   string // part of the error; empty: none
	}{
		{"127.0.0.1:8460", nil, ""},
		{"[::1]:8460", nil, ""},
		{"[::ffff:127.0.0.1]:8460", nil, ""},
		{"LOCALHOST:8460", nil, ""},
		{"dns:///localhost:8460", nil, ""},
		{"dns:127.0.0.1:8460", nil, ""},
		{"127.0.0.1:1, 127.0.0.2:1", nil, ""},

		{"authz.internal:8460", nil, "is another machine"},
		{"10.0.0.1:8460", nil, "is another machine"},
		{"0.0.0.0:8460", nil, "is another machine"},
		{"localhost.internal:8460", nil, "is another machine"},
		{"dns:///authz.internal:8460", nil, "is another machine"},
		{"dns://localhost:53/authz.internal:8460", nil, "is another machine"},
		{"127.0.0.1:1,10.0.0.1:1", nil, "is another machine"},
		{"10.0.0.1:1,127.0.0.1:1", nil, "is another machine"},
		{"passthrough:///127.0.0.1:8460", nil, "is another machine"},
		{"unix:///run/authz.sock", nil, "is another machine"},

		{"authz.internal:8460", func(c *client.Config) { c.TLS = encrypted }, ""},
		{"dns:///authz.internal:8460", func(c *client.Config) { c.TLS = encrypted }, ""},
		{"a:1,b:1", func(c *client.Config) { c.TLS = pinned }, ""},
		{"authz.internal:8460", func(c *client.Config) { c.TLS = unverified }, "InsecureSkipVerify"},
		{"authz.internal:8460", func(c *client.Config) { c.InsecurePlaintext = true }, ""},
		{"127.0.0.1:1", func(c *client.Config) { c.TLS, c.InsecurePlaintext = encrypted, true }, "both TLS and"},

		{"", nil, "Target is missing"},
		{"localhost", nil, "Target must be a host and a port"},
		{":8460", nil, "Target must be a host and a port"},
		{"dns:///localhost", nil, "Target must be a host and a port"},
		{"127.0.0.1:1,", nil, "Target must be a host and a port"},
		{"127.0.0.1:grpc", nil, "Target must end in a port"},
		{"127.0.0.1:0", nil, "Target must end in a port"},
		{"127.0.0.1:65536", nil, "Target must end in a port"},
		{"https://authz.internal:8460", func(c *client.Config) { c.TLS = encrypted }, "begins with https://"},

		{"127.0.0.1:1", func(c *client.Config) { c.Token = client.Secret{} }, "Token is missing"},
		{"127.0.0.1:1", func(c *client.Config) { c.Token = client.NewSecret(token + "\n") }, "Token must be visible ASCII"},
		{"127.0.0.1:1", func(c *client.Config) { c.Token = client.NewSecret("gateway " + token) }, "Token must be visible ASCII"},
		{"127.0.0.1:1", func(c *client.Config) { c.Token = client.NewSecret(token + "é") }, "Token must be visible ASCII"},
		{"127.0.0.1:1", func(c *client.Config) { c.Timeout = -1 }, "Timeout must be longer than 0"},
	} {
		config := client.Config{Target: c.target, Token: client.NewSecret(token)}
		if c.change != nil {
			c.change(&config)
		}
		made, err := client.New(config)
		if made != nil {
			_ = made.Close()
		}
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q %+v: %v, want %q", c.target, config, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "nobody-may-see") {
			t.Errorf("the token is in %q", err)
		}
	}
}

// The token is in nothing that is printed, logged or encoded, and in no error.
func TestTheTokenIsNotSeen(t *testing.T) {
	run := start(t, servertest.Options{})
	var out bytes.Buffer
	for _, target := range []string{run.Addr, "127.0.0.1:1", "127.0.0.1:1,127.0.0.1:2"} {
		config := client.Config{
			Target: target, Token: client.NewSecret(token), Timeout: 5 * time.Second, Log: slog.New(slog.NewJSONHandler(&out, nil)),
		}
		c := connect(t, config)
		hidden := struct{ config client.Config }{config}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			for _, v := range []any{config, &config, hidden, &hidden, c, []any{config, c}, map[string]any{"c": c}} {
				fmt.Fprintf(&out, verb, v)
			}
		}
		for _, v := range []any{config.Token, c, struct{ Token client.Secret }{config.Token}} {
			if err := json.NewEncoder(&out).Encode(v); err != nil {
				t.Fatal(err)
			}
			config.Log.Error("x", "v", v)
		}
		_, err := c.Authorize(t.Context(), new(authzv1.AuthorizeRequest))
		if err == nil {
			t.Fatal("a token that is not known has been taken")
		}
		fmt.Fprintf(&out, "%v %+v %#v", err, err, status.Convert(err).Proto())
	}
	if c := connect(t, client.Config{Target: "127.0.0.1:1", Token: client.NewSecret(token)}); fmt.Sprintf("%+v %s", c, c) !=
		"client of dns:///127.0.0.1:1 client of dns:///127.0.0.1:1" {
		t.Errorf("it prints as %+v %s", c, c)
	}
	if hex := fmt.Sprintf("%x", token); strings.Contains(out.String(), token) || strings.Contains(out.String(), hex) {
		t.Errorf("the token is in\n%s", &out)
	}
}

// A wrong token is an error that says so, whether calls or the watch of the replica's health are refused first.
func TestWrongToken(t *testing.T) {
	run := start(t, servertest.Options{})
	c := connect(t, client.Config{Target: run.Addr, Token: client.NewSecret(token), Timeout: time.Minute})
	_, err := c.Authorize(t.Context(), new(authzv1.AuthorizeRequest))
	if code := status.Code(err); code != codes.Unavailable && code != codes.Unauthenticated || !strings.Contains(err.Error(), "not known") {
		t.Errorf("%v", err)
	}
}

// What localhost has become is looked at when a connection is made.
func TestPlaintextStaysHere(t *testing.T) {
	for ip, stays := range map[string]bool{
		"127.0.0.1": true, "127.1.2.3": true, "::1": true, "::ffff:127.0.0.1": true,
		"10.0.0.1": false, "0.0.0.0": false, "::": false, "fe80::1": false, "::ffff:10.0.0.1": false,
	} {
		made := &connTo{addr: &net.TCPAddr{IP: net.ParseIP(ip), Port: 8460}}
		dial := client.OnlyLoopback(func(context.Context, string, string) (net.Conn, error) { return made, nil })
		conn, err := dial(t.Context(), "localhost:8460")
		if (err == nil) != stays || (conn != nil) != stays || made.closed == stays {
			t.Errorf("%s: %v, closed %v", ip, err, made.closed)
		}
	}
}

// A connTo is a connection to some address.
type connTo struct {
	net.Conn
	addr   net.Addr
	closed bool
}

func (c *connTo) RemoteAddr() net.Addr { return c.addr }
func (c *connTo) Close() error         { c.closed = true; return nil }
