// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
	"aeroplane.run/authz/internal/doctor/doctortest"
	"aeroplane.run/authz/internal/testservers"
)

// TestMain registers the program itself as a command: tests and scripts run it as a process of its own.
func TestMain(m *testing.M) {
	aeroplanetest.Main()
	testscript.Main(testservers.Runner{M: m}, map[string]func(){"aeroplane-authz": main})
}

// TestScript runs the terminal sessions in testdata/script, which specify the program. Each has a home, a data directory
// and a port of its own, which the environment names, so that commands need no flags. Beside testscript's commands
// there are
//
//	exits CODE PROGRAM [ARG...]   runs a program that must end with an exit code
//	wait-ready                    waits until the server in the background serves
//	keep NAME                     sets a variable to the last standard output
//	certificate NAME [IP]         makes a self-signed certificate for authz.test, and an address: NAME.pem and NAME.key
//	gateway [MISTAKE]             starts a gateway that makes a mistake or none, and sets GATEWAY to its URL and UPSTREAM to where it forwards
//	aeroplane                     starts an Aeroplane, and sets AEROPLANE to its file, and KEY and SESSION to a key and a cookie of it
//	aeroplane SQL                 has that Aeroplane execute a statement
//	eventually PROGRAM [ARG...]   runs a program until it succeeds; with !, until it fails
//	postgres                      makes a database on a real Postgres, and sets PG_URL, without PG_PASSWORD
func TestScript(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		Deadline:            time.Now().Add(8 * time.Minute), // of all scripts, lest a server that should refuse to start hold them up
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			address, err := freeAddress()
			if err != nil {
				return err
			}
			ops, err := freeAddress()
			if err != nil {
				return err
			}
			env.Vars = append(env.Vars,
				"HOME="+env.WorkDir+"/home",
				"AEROPLANE_AUTHZ_DATA_DIR="+env.WorkDir+"/data",
				"AEROPLANE_AUTHZ_LISTEN="+address,
				"AEROPLANE_AUTHZ_ADDRESS="+address,
				"AEROPLANE_AUTHZ_OPS_LISTEN=off", // whose defaults are one port each for all scripts
				"OPS="+ops,                       // for a script that wants one
				"AEROPLANE_AUTHZ_HTTP_LISTEN=off",
			)
			return os.MkdirAll(env.WorkDir+"/home", 0o700)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"exits":       exits,
			"wait-ready":  waitReady,
			"keep":        keep,
			"certificate": certificate,
			"eventually":  eventually,
			"aeroplane":   func(ts *testscript.TestScript, _ bool, args []string) { haveAeroplane(t, ts, args) },
			"gateway":     func(ts *testscript.TestScript, _ bool, args []string) { startGateway(t, ts, args) },
			"postgres": func(ts *testscript.TestScript, _ bool, _ []string) {
				u, err := url.Parse(testservers.Postgres(t).NewDatabase(t))
				ts.Check(err)
				password, _ := u.User.Password()
				u.User = url.User(u.User.Username())
				ts.Setenv("PG_URL", u.String())
				ts.Setenv("PG_PASSWORD", password)
			},
		},
	})
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	want, err := strconv.Atoi(args[0])
	if neg || err != nil || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARG...]")
	}
	code := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if code != want {
		ts.Fatalf("exit code %d, want %d", code, want)
	}
}

func waitReady(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(patience); ; time.Sleep(poll) {
		err := ts.Exec("aeroplane-authz", append([]string{"health"}, args...)...)
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("the server does not serve: %v", err)
		}
	}
}

func keep(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

func certificate(ts *testscript.TestScript, _ bool, args []string) {
	var ips []net.IP
	for _, text := range args[1:] {
		ips = append(ips, net.ParseIP(text))
	}
	cert, key, err := selfSigned(ips)
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".pem"), cert, 0o600))
	ts.Check(os.WriteFile(ts.MkAbs(args[0]+".key"), key, 0o600))
}

// startGateway starts a gateway that asks the server of the script, and runs until all scripts have ended.
func startGateway(t *testing.T, ts *testscript.TestScript, args []string) {
	var mistakes []doctortest.Mistake
	for _, name := range args {
		i := slices.IndexFunc(doctortest.Mistakes, func(m doctortest.Mistake) bool { return m.Name == name })
		if i < 0 {
			ts.Fatalf("there is no mistake %q", name)
		}
		mistakes = append(mistakes, doctortest.Mistakes[i])
	}
	file, err := os.ReadFile(ts.Getenv("AEROPLANE_AUTHZ_DATA_DIR") + "/gateway.token")
	ts.Check(err)
	token := strings.Fields(string(file))
	conn, err := grpc.NewClient(ts.Getenv("AEROPLANE_AUTHZ_ADDRESS"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	ts.Check(err)
	t.Cleanup(func() { _ = conn.Close() })
	upstream, err := freeAddress()
	ts.Check(err)
	ask := func(ctx context.Context, in *v1.AuthorizeRequest) (*v1.AuthorizeResponse, error) {
		ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token[len(token)-1])
		return v1.NewAuthorizationServiceClient(conn).Authorize(ctx, in)
	}
	ts.Setenv("UPSTREAM", upstream)
	ts.Setenv("GATEWAY", doctortest.Start(t, doctortest.New(ask, upstream, mistakes...)).String())
}

func selfSigned(ips []net.IP) (cert, key []byte, err error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "authz.test"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		DNSNames: []string{"authz.test"}, IPAddresses: ips,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), nil
}

// How long tests wait for a process, and how often they look.
const (
	patience = 30 * time.Second
	poll     = 20 * time.Millisecond
)

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
