// SPDX-License-Identifier: Apache-2.0

package client

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/grpc"

	"aeroplane.run/authz/internal/secret"
)

// A Secret is text that prints as a redaction, wherever it is: also in a Config that is a field of something else.
type Secret = secret.Text

// NewSecret returns text as a Secret.
func NewSecret(text string) Secret { return secret.New(text) }

// DefaultTimeout bounds a call where the Config does not say.
const DefaultTimeout = 2 * time.Second

// Config is what a Client is made of. Target and Token are required.
type Config struct {
	// Target is where the service is: a host and a port, all of whose addresses are then replicas; several of these, separated by
	// commas; or any target that gRPC knows (package resolver), such as dns:///authz.internal:8460. Names are looked up when a connection is made, and
	// again when one was lost.
	Target string
	// Token is the gateway's token, one that the service lists with the role gateway.
	Token Secret
	// TLS is how connections are encrypted, and the service's certificate checked: &tls.Config{} checks it against the roots of the
	// system, for the host of the Target. Nil: connections are not encrypted. New refuses that for another machine, and counts as this
	// one loopback addresses and the name localhost alone.
	TLS *tls.Config
	// InsecurePlaintext allows connections to other machines that are not encrypted. The token, and the keys and sessions of all
	// clients, then cross the network readable. False: they are refused, also if localhost should turn out to be another machine.
	InsecurePlaintext bool
	// Timeout bounds each call, unless its context ends sooner. Zero: DefaultTimeout.
	Timeout time.Duration
	// NoIdentityHeaders leaves out the headers that tell the upstream who is calling. Clients' copies of them are dropped all the same.
	// False: the middleware sets every one of them on each request that it passes on, and refuses, with 403, a request whose grant
	// does not fit into them.
	NoIdentityHeaders bool
	// NoTransferTarget leaves the bodies of requests alone. Keys for selected projects then transfer no service, and the upstream has
	// to check the target of all other transfers. False: the middleware reads the body of a transfer, 64 KiB at the most, to see the
	// project that it names.
	NoTransferTarget bool
	// Log is told why there was no decision, once a second at the most. Nil: nobody is.
	Log *slog.Logger
	// DialOptions are further options of the connection. They replace the defaults of this package, but nothing that this Config says of
	// encryption and the token.
	DialOptions []grpc.DialOption
}

// check returns where to connect to, or why this must not be done.
func (c *Config) check() (*target, error) {
	to, err := parseTarget(c.Target)
	switch token := c.Token.Reveal(); {
	case err != nil:
		return nil, err
	case token == "":
		return nil, errors.New("the Token is missing: give a token that the service lists with the role gateway")
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return nil, errors.New("the Token must be visible ASCII: is it the whole file, with its name or the line's end?")
	case c.Timeout < 0:
		return nil, errors.New("the Timeout must be longer than 0")
	case c.TLS != nil && c.InsecurePlaintext:
		return nil, errors.New("both TLS and InsecurePlaintext are set: set one")
	case c.TLS != nil && c.TLS.InsecureSkipVerify && c.TLS.VerifyPeerCertificate == nil && c.TLS.VerifyConnection == nil:
		return nil, errors.New("the TLS has InsecureSkipVerify, and nothing that verifies instead: whoever answers would get the token")
	case c.TLS == nil && !c.InsecurePlaintext && !to.local:
		return nil, fmt.Errorf("the Target %s is another machine, or a name that may become one: set TLS; without it the token and clients' "+
			"keys would cross the network readable, which InsecurePlaintext allows", c.Target)
	}
	return to, nil
}
