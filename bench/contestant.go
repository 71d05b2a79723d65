// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"aeroplane.run/authz/internal/testservers"
)

// connections is how many a gateway has to a server. Fewer callers have one each.
const connections = 4

// patience bounds every wait for a process.
const patience = time.Minute

// A contestant is a server that is measured, a process of its own.
type contestant struct {
	name    string
	address string
	ops     string // where its metrics are; empty: nowhere
	http    string // where it is asked over HTTP, if it is
	empty   bool   // it does not look at the question, so that its answers are not those that are right
	command func(c *contestant) *exec.Cmd
	program *testservers.Program
	process interface{ Pid() int } // whose processor time counts; nil: this one
	more    func() []int           // whose time counts as well; nil: nobody's
	gateway []*grpc.ClientConn
	admin   *grpc.ClientConn
	log     string
	asked   map[*questions]bool // everything, once

	profiled func() // begins the profiles, when it is measured first; nil: there are none
}

// The tokens of the only caller of each role.
const (
	adminToken   = "admin-0123456789012345678901234567890123456789"
	gatewayToken = "gateway-0123456789012345678901234567890123456789"
)

// start starts a server, which ends with t. The command is made when its addresses are known, and has nothing else of our
// environment than it says.
func start(t testing.TB, name string, command func(c *contestant) *exec.Cmd) *contestant {
	t.Helper()
	c := &contestant{name: name, command: command, log: filepath.Join(t.TempDir(), "log"), asked: make(map[*questions]bool)}
	for _, address := range []*string{&c.address, &c.ops, &c.http} {
		var err error
		if *address, err = testservers.FreeAddress(); err != nil {
			t.Fatal(err)
		}
	}
	for range connections {
		c.gateway = append(c.gateway, dial(t, c.address, gatewayToken))
	}
	c.admin = dial(t, c.address, adminToken)
	c.run(t)
	return c
}

// run starts the process, perhaps again. It does not wait until it serves.
func (c *contestant) run(t testing.TB) {
	t.Helper()
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := c.command(c)
	cmd.Env = append(cmd.Env, "PATH="+os.Getenv("PATH"))
	cmd.Stdout, cmd.Stderr = log, log
	if c.program, err = testservers.StartProgram(t, cmd); err != nil {
		t.Fatal(err)
	}
	c.process = c.program
}

// await returns when the server serves.
func (c *contestant) await(t testing.TB) *contestant {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		answer, err := healthpb.NewHealthClient(c.admin).Check(ctx, new(healthpb.HealthCheckRequest), grpc.WaitForReady(true))
		switch {
		case err == nil && answer.GetStatus() == healthpb.HealthCheckResponse_SERVING:
			return c
		case ctx.Err() != nil || c.program.Ended():
			t.Fatalf("%s does not serve: %v, %v\n%s", c.name, answer.GetStatus(), err, c.lastWords())
		}
		time.Sleep(time.Millisecond)
	}
}

// stop ends the server in good order, and returns when it has ended.
func (c *contestant) stop(t testing.TB) {
	t.Helper()
	c.program.Signal(syscall.SIGTERM)
	select {
	case <-c.program.Done():
	case <-time.After(patience):
		t.Fatalf("%s does not end\n%s", c.name, c.lastWords())
	}
}

// lastWords returns the end of what the server has logged.
func (c *contestant) lastWords() []byte {
	text, err := os.ReadFile(c.log)
	if err != nil {
		return []byte(err.Error())
	}
	const most = 4096
	if len(text) > most {
		_, text, _ = bytes.Cut(text[len(text)-most:], []byte("\n"))
	}
	return text
}

// cpu returns how much processor time the server has used.
func (c *contestant) cpu() time.Duration {
	if c.process == nil {
		return ownCPU()
	}
	sum := cpuOf(c.process.Pid())
	if c.more != nil {
		for _, pid := range c.more() {
			sum += cpuOf(pid)
		}
	}
	return sum
}

func ownCPU() time.Duration { return cpuOf(os.Getpid()) }

// dial returns a connection that lasts as long as t, whose calls carry a token. It is made anew soon after it was lost.
func dial(t testing.TB, address, token string) *grpc.ClientConn {
	t.Helper()
	soon := backoff.Config{BaseDelay: time.Millisecond, Multiplier: 1.5, Jitter: 0.2, MaxDelay: 10 * time.Millisecond}
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithConnectParams(grpc.ConnectParams{MinConnectTimeout: time.Second, Backoff: soon}),
		grpc.WithPerRPCCredentials(bearer{"authorization": "Bearer " + token}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// bearer is what is put into each call. All is on loopback and needs no encryption.
type bearer map[string]string

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return b, nil
}
func (bearer) RequireTransportSecurity() bool { return false }

// variable returns a setting of the service as the environment has it.
func variable(name string, value any) string {
	return fmt.Sprintf("AEROPLANE_AUTHZ_%s=%v", name, value)
}
