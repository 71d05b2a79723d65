// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/secret"
	"aeroplane.run/authz/internal/testservers"
)

// TestTLS has a server that speaks TLS alone, and wants a certificate as Redis does unless told otherwise.
func TestTLS(t *testing.T) {
	t.Parallel()
	cert, key := selfSigned(t)
	other, _ := selfSigned(t)
	server := testservers.StartRedis(t, testservers.RedisOptions{TLS: true,
		Config: []string{"tls-cert-file server.crt", "tls-key-file server.key", "tls-ca-cert-file server.crt"},
		Files:  map[string][]byte{"server.crt": cert, "server.key": key},
	})
	own, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	trusting := func(pem []byte, name string, own ...tls.Certificate) Config {
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			t.Fatal("no certificate")
		}
		config := at1(server)
		config.TLS = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool, ServerName: name, Certificates: own}
		return config
	}
	for _, name := range []string{"", "redis.test"} {
		c := answering(t, trusting(cert, name, own), patient)
		c.put(t, aKey, keyA, revision)
		c.found(t, aKey, keyA, revision)
	}
	for want, config := range map[string]Config{
		"certificate signed by unknown authority": trusting(other, "", own),
		"not another.test":                        trusting(cert, "another.test", own),
		"tls: certificate required":               trusting(cert, ""),
		"EOF":                                     at1(server), // in plaintext
	} {
		c := start(t, config, patient)
		if line := c.log.await(t, "Redis does not answer"); !strings.Contains(line, want) && !strings.Contains(line, "reset") {
			t.Errorf("%q, want %q", line, want)
		}
		c.missed(t, aKey)
		if got := c.Stats(); got.Skipped != 1 {
			t.Errorf("%s: %+v", want, got)
		}
	}
}

// selfSigned makes a certificate for 127.0.0.1 and redis.test, and its key, in PEM.
func selfSigned(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"redis.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: raw})
}

// TestAUserWhoMayDoLittle has no more rights than docs/operations.md says.
func TestAUserWhoMayDoLittle(t *testing.T) {
	t.Parallel()
	const password = "a-password-to-look-for"
	server := testservers.StartRedis(t, testservers.RedisOptions{Config: []string{
		"user default off",
		"user aeroplane-authz on >" + password + " resetchannels ~aeroplane-authz:* -@all +get +set +del",
		"user reader on >" + password + " ~aeroplane-authz:* -@all +get",
	}})
	as := func(user, password string, how timing) started {
		config := at1(server)
		config.Username, config.Password = user, secret.New(password)
		return start(t, config, how)
	}
	c := as("aeroplane-authz", password, patient)
	c.log.await(t, "Redis answers")
	c.put(t, aKey, keyA, revision)
	c.found(t, aKey, keyA, revision)
	c.do(job{subject: aKey, drop: true})
	c.missed(t, aKey)

	reader := as("reader", password, patient)
	reader.log.await(t, "Redis answers")
	reader.do(job{subject: aKey, record: keyA, at: revision})
	if got := reader.Stats(); got.PutsLost != 1 {
		t.Errorf("%+v", got)
	}
	until(t, func() bool { reader.missed(t, aKey); return reader.Stats().Misses > 0 }) // what it may do goes on

	for _, stranger := range []started{as("aeroplane-authz", "not "+password, patient), as("", "", patient),
		as("nobody", password, patient)} {
		line := stranger.log.await(t, "Redis does not answer")
		if !strings.Contains(line, "WRONGPASS") && !strings.Contains(line, "NOAUTH") || strings.Contains(line, password) {
			t.Errorf("%q", line)
		}
		stranger.missed(t, aKey)
	}
}

func TestADatabaseByNumber(t *testing.T) {
	t.Parallel()
	server := testservers.Redis(t)
	key := newKey()
	in := func(db int) started {
		config := at1(server)
		config.DB, config.EntryKeys = db, []secret.Text{key}
		return answering(t, config, patient)
	}
	zero, three := in(0), in(3)
	three.put(t, aKey, keyA, revision)
	three.found(t, aKey, keyA, revision)
	zero.missed(t, aKey)
}

// TestSentinel loses the master. The replica that takes its place has what it had.
func TestSentinel(t *testing.T) {
	t.Parallel()
	master := testservers.Redis(t)
	testservers.RedisReplica(t, master)
	sentinel := testservers.RedisSentinel(t, "main", master, 1)
	config := Config{Mode: Sentinel, Master: "main", Addresses: []string{refusing(t), sentinel.Addr()}}
	c := answering(t, config, hasty)
	c.put(t, aKey, keyA, revision)
	until(t, func() bool { _, _, ok := c.Get(t.Context(), aKey); return ok })

	master.Kill(t)
	c.log.await(t, "Redis does not answer")
	c.log.await(t, "Redis answers")
	until(t, func() bool {
		c.do(job{subject: aSession, record: sessionA, at: revision})
		_, _, ok := c.Get(t.Context(), aSession)
		return ok
	})
	unknown := start(t, Config{Mode: Sentinel, Master: "another", Addresses: []string{sentinel.Addr()}}, patient)
	if line := unknown.log.await(t, "Redis does not answer"); !strings.Contains(line, "no Sentinel names the master another") {
		t.Errorf("%q", line)
	}
}

// TestASentinelWithoutUsers watches over a server that has some.
func TestASentinelWithoutUsers(t *testing.T) {
	t.Parallel()
	master := testservers.StartRedis(t, testservers.RedisOptions{Config: []string{"user authz on >secret ~* +@all"}})
	sentinel := testservers.RedisSentinel(t, "main", master, 0)
	config := Config{Mode: Sentinel, Master: "main", Addresses: []string{sentinel.Addr()},
		Username: "authz", Password: secret.New("secret")}
	c := answering(t, config, patient)
	c.put(t, aKey, keyA, revision)
	c.found(t, aKey, keyA, revision)
}

func TestMalformedMasters(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"*0\r\n", "*1\r\n$1\r\nx\r\n", "*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n", "*-1\r\n", "$-1\r\n"} {
		config := imposture(t, saying(text)).config()
		s := &sentinels{options: *config.options(patient, &dialer{life: t.Context()}), master: "main"}
		if address, err := s.address(t.Context()); err == nil {
			t.Errorf("%q names %q", text, address)
		}
	}
}

// TestCluster loses one of three servers, and goes on with the others.
func TestCluster(t *testing.T) {
	t.Parallel()
	servers := testservers.RedisCluster(t, testservers.RedisOptions{Config: []string{
		"user default on nopass ~* +@all", // for those who set it up
		"user aeroplane-authz on >secret resetchannels ~aeroplane-authz:* -@all +get +set +del +cluster|slots",
	}})
	c := start(t, Config{Mode: Cluster, Addresses: []string{refusing(t), servers[1].Addr()},
		Username: "aeroplane-authz", Password: secret.New("secret")}, hasty)
	for range servers {
		c.log.await(t, "Redis answers")
	}
	until(t, func() bool { return !c.Stats().Open })
	const many = 60
	subject := func(i int) authz.Subject { return authz.Subject{Kind: authz.OfService, ID: strconv.Itoa(i)} }
	found := func() (n int) {
		for i := range many {
			if record, _, ok := c.Get(t.Context(), subject(i)); ok {
				if n++; record.Parent != strconv.Itoa(i) {
					t.Errorf("%d: found %+v", i, record)
				}
			}
		}
		return n
	}
	putAll := func() {
		for i := range many {
			c.do(job{subject: subject(i), record: authz.Record{Parent: strconv.Itoa(i)}, at: revision})
		}
	}
	until(t, func() bool { putAll(); return found() == many })

	servers[1].Kill(t)
	c.log.await(t, "Redis does not answer")
	until(t, func() bool { n := found(); return n > 0 && n < many })
	servers[1].Start(t)
	c.log.await(t, "Redis answers")
	until(t, func() bool { putAll(); return found() == many })
}

// elsewhere is a connection to another machine.
type elsewhere struct{ net.Conn }

func (elsewhere) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 6379} }

// TestPlaintextStaysOnThisMachine is about where a connection leads in the end: a Sentinel or a cluster may name any server.
func TestPlaintextStaysOnThisMachine(t *testing.T) {
	t.Parallel()
	d := &dialer{life: t.Context()}
	if _, err := d.secure(t.Context(), elsewhere{}, "redis:6379"); !errors.Is(err, errPlaintext) {
		t.Errorf("%v", err)
	}
	d.allowPlaintext = true
	if _, err := d.secure(t.Context(), elsewhere{}, "redis:6379"); err != nil {
		t.Error(err)
	}
}
