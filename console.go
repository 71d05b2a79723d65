// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"context"
	"crypto/rand"
	"time"

	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/internal/secret"
)

// How long a code opens a console session, and how long that lasts. People are told both in words: below, on the page, by the help of
// aeroplane-authz console, in console.proto and in docs/api-access.md.
const (
	codeLife    = time.Minute
	consoleLife = 8 * time.Hour
	codeLength  = 26 // characters, as crypto/rand draws them
)

// A ConsoleSession lets an administrator use the page for API access in a browser, where there is no session of Aeroplane's. It acts on the
// strength of the token that it was opened with, and can do nothing at Aeroplane. Of its own token the digest alone is on record.
//
// A code is one as well, until it is exchanged.
type ConsoleSession struct {
	Digest    Digest
	TokenName string // the name of the administrator's token
	// TokenDigest is that token's own: another one that takes its name is another.
	TokenDigest Digest
	ExpiresAt   time.Time
}

// A Console opens and ends console sessions. They are looked up in the database at each call, and never kept, so that one which has ended
// has done so everywhere.
type Console struct {
	Store ConsoleStore
	Now   func() time.Time
}

// Code returns a code that opens a session once, for as long as codeLife, and until when. token is that of the actor.
func (c *Console) Code(ctx context.Context, a Actor, token Digest) (code secret.Text, until time.Time, err error) {
	code, session := c.draw(codeLife)
	session.TokenName, session.TokenDigest = a.TokenName, token
	if err := c.Store.PutConsoleCode(ctx, c.change(a), session); err != nil {
		return secret.Text{}, time.Time{}, err
	}
	return code, session.ExpiresAt, nil
}

// Open exchanges a code for a session, and returns its token. address is where it is opened from. Errors: Unauthenticated if there is no such
// code, or not any more.
func (c *Console) Open(ctx context.Context, code, address string) (token secret.Text, s ConsoleSession, err error) {
	if len(code) != codeLength {
		return secret.Text{}, ConsoleSession{}, NoConsoleSession() // which the store need not be asked
	}
	token, s = c.draw(consoleLife)
	// Who opens it is whoever has drawn the code, which the store knows.
	change := c.change(Actor{Role: CallerRoleAdmin, Address: address})
	if s, err = c.Store.OpenConsole(ctx, change, apikey.DigestOf(code), s); err != nil {
		return secret.Text{}, ConsoleSession{}, err
	}
	return token, s, nil
}

// Session returns the session of a token. Errors: Unauthenticated if there is none, or not any more.
func (c *Console) Session(ctx context.Context, token string) (ConsoleSession, error) {
	s, err := c.Store.ConsoleSession(ctx, apikey.DigestOf(token))
	if err == nil && !c.Now().Before(s.ExpiresAt) {
		err = NoConsoleSession()
	}
	return s, err
}

// End ends the session of a token, if there is one. address is where it is ended from.
func (c *Console) End(ctx context.Context, token, address string) error {
	return c.Store.EndConsole(ctx, c.change(Actor{Role: CallerRoleAdmin, Address: address}), apikey.DigestOf(token))
}

// NoConsoleSession is the error for a code or a token of no console session. Kind: Unauthenticated.
func NoConsoleSession() error {
	return Errorf(Unauthenticated, "the link was used already, or is older than a minute, or the session has ended: aeroplane-authz console prints another link")
}

func (c *Console) change(a Actor) Change { return Change{Actor: a, At: stamp(c.Now())} }

// draw returns new random text, and what is kept of it.
func (c *Console) draw(life time.Duration) (secret.Text, ConsoleSession) {
	text := rand.Text()
	return secret.New(text), ConsoleSession{Digest: apikey.DigestOf(text), ExpiresAt: stamp(c.Now().Add(life))}
}
