// SPDX-License-Identifier: Apache-2.0

package postgres_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/testservers"
)

// TLS to the database, in the modes that are named in the documents, with a certificate that is trusted and one that is not.
func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t)
	other, _ := selfSigned(t)
	server := testservers.StartPostgres(t, testservers.Options{
		Settings: map[string]string{"ssl": "on"}, Files: map[string][]byte{"server.crt": cert, "server.key": key},
	})
	trusted, foreign := filepath.Join(t.TempDir(), "trusted.pem"), filepath.Join(t.TempDir(), "foreign.pem")
	for path, content := range map[string][]byte{trusted: cert, foreign: other} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	dsn := server.NewDatabase(t)
	for _, query := range []string{
		"sslmode=require", "sslmode=verify-ca&sslrootcert=" + trusted, "sslmode=verify-full&sslrootcert=" + trusted,
	} {
		s := open(t, postgres.Config{DSN: with(t, dsn, query)})
		if !encrypted(t, server, dsn) {
			t.Errorf("%s: the connection is not encrypted", query)
		}
		closed(t, s)
	}
	refused(t, postgres.Config{DSN: with(t, dsn, "sslmode=verify-full&sslrootcert="+foreign)}, "is not trusted")
}

// encrypted reports whether all connections to a database are.
func encrypted(t *testing.T, server *testservers.PostgresProcess, dsn string) (all bool) {
	t.Helper()
	db := connect(t, server.AdminDSN("postgres"))
	defer db.Close()
	if err := db.QueryRow(`SELECT count(*) > 0 AND bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
		WHERE datname = $1`, name(t, dsn)).Scan(&all); err != nil {
		t.Error(err)
	}
	return all
}

// selfSigned makes a certificate for 127.0.0.1 and its key, in PEM.
func selfSigned(t *testing.T) (cert, key []byte) {
	t.Helper()
	private := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der := must(x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private))
	secret := must(x509.MarshalPKCS8PrivateKey(private))
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})
}
