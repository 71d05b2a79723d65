// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/postgres"
)

// elsewhere is an address on another machine. It is one for documentation, and never dialled.
const elsewhere = "192.0.2.1"

// What counts is where a connection leads in the end, and not what the DSN seems to say.
func TestPlaintextToAnotherMachineIsRefused(t *testing.T) {
	service := filepath.Join(t.TempDir(), "services")
	err := os.WriteFile(service, []byte("[far]\nhost="+elsewhere+"\nsslmode=disable\n"), 0o600)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name, dsn string
		env       map[string]string
	}{
		{name: "the host of a URL", dsn: "postgres://u@192.0.2.1/db?sslmode=disable"},
		{name: "IPv6", dsn: "postgres://u@[2001:db8::1]:5432/db?sslmode=disable"},
		{name: "IPv4 in IPv6", dsn: "postgres://u@[::ffff:192.0.2.1]:5432/db?sslmode=disable"},
		{name: "a mode that falls back", dsn: "postgres://u@192.0.2.1/db?sslmode=prefer"},
		{name: "a mode that tries plaintext first", dsn: "postgres://u@192.0.2.1/db?sslmode=allow"},
		{name: "two hosts, of which the driver takes one", dsn: "postgres://u@192.0.2.1/db?sslmode=disable&host=127.0.0.1"},
		{name: "a host in the query", dsn: "postgres://u@/db?sslmode=disable&host=192.0.2.1"},
		{name: "another address in the query", dsn: "postgres://u@localhost/db?sslmode=disable&hostaddr=192.0.2.1"},
		{name: "the second of two hosts", dsn: "host=127.0.0.1,192.0.2.1 port=1,1 user=u dbname=db sslmode=disable"},
		{name: "an address in the environment", dsn: "postgres://u@localhost/db?sslmode=disable",
			env: map[string]string{"PGHOSTADDR": elsewhere}},
		{name: "a mode in the environment", dsn: "postgres://u@192.0.2.1/db", env: map[string]string{"PGSSLMODE": "disable"}},
		{name: "a service", dsn: "service=far user=u dbname=db", env: map[string]string{"PGSERVICEFILE": service}},
		{name: "a service in the environment", dsn: "user=u dbname=db",
			env: map[string]string{"PGSERVICEFILE": service, "PGSERVICE": "far"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			refused(t, postgres.Config{DSN: test.dsn}, "sslmode=verify-full", "--insecure-plaintext")
		})
	}
}

// A server that is on another machine is dialled with TLS, and without it if that is allowed.
func TestAnotherMachineIsDialled(t *testing.T) {
	t.Parallel()
	address := outwardAddress(t)
	listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dialled := make(chan bool, 100)
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			dialled <- true
			_ = conn.Close()
		}
	}()
	dsn := "postgres://u@" + listener.Addr().String() + "/db?sslmode="
	for _, c := range []postgres.Config{
		{DSN: dsn + "disable", AllowPlaintext: true}, {DSN: dsn + "require"}, {DSN: dsn + "verify-ca"}, {DSN: dsn + "verify-full"},
	} {
		_, err := postgres.Open(t.Context(), c)
		if authz.KindOf(err) != authz.Unavailable {
			t.Errorf("%s: %v", c.DSN, err)
		}
		<-dialled
	}
}

// outwardAddress returns an address of this machine that others may reach, or skips the test.
func outwardAddress(t *testing.T) string {
	t.Helper()
	all, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if ip, ok := a.(*net.IPNet); ok && ip.IP.IsGlobalUnicast() && !strings.Contains(ip.IP.String(), ":") {
			return ip.IP.String()
		}
	}
	t.Skip("this machine has no address that others may reach")
	return ""
}
