// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/secret"
)

// consoleCookie holds the token of a console session. It is sent to the console alone, and by its own pages alone.
const consoleCookie = "aeroplane_authz_console"

// maxSignIn bounds what anybody may send who has not signed in yet, in bytes.
const maxSignIn = 1 << 10

// maxCookies bounds how many cookies one request may want looked up.
const maxCookies = 20

// maxLooking bounds how many codes and console sessions are looked up at a time. Whoever has none can have that done as well, and changes
// need the database, too.
const maxLooking = 2

// look looks something up, when it is its turn.
func (d *consoleDoor) look(ctx context.Context, up func() error) error {
	bounded, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	select {
	case d.looking <- struct{}{}:
		defer func() { <-d.looking }()
		return up()
	case <-bounded.Done():
		return &authz.Error{Kind: authz.Unavailable, Code: authz.CodeOverloaded, Message: "too many sessions are being looked up; try again"}
	}
}

// bySession returns the visitor of a console session, or nil where there is no good one: then there may be one of Aeroplane's.
func (d *consoleDoor) bySession(r *http.Request) (*visitor, error) {
	cookie, err := r.Cookie(consoleCookie)
	if err != nil || cookie.Value == "" || len(cookie.Value) > maxToken {
		return nil, nil // there is none
	}
	var s authz.ConsoleSession
	err = d.look(r.Context(), func() error {
		s, err = d.sessions.Session(r.Context(), cookie.Value)
		return err
	})
	if authz.KindOf(err) == authz.Unauthenticated {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	caller := d.guard.callers.named(authz.CallerRoleAdmin, s.TokenName)
	if caller == nil || !caller.digest.Equal(s.TokenDigest) { // the token that opened it is taken away, and what rests on it ends
		return nil, nil
	}
	return &visitor{caller: caller, browser: true, console: s.Digest, until: s.ExpiresAt}, nil
}

// An inOrOut is what signing in does, or signing out, with the body of a request.
type inOrOut func(w http.ResponseWriter, r *http.Request, body []byte) error

// signIn exchanges a code for a console session.
func (d *consoleDoor) signIn(w http.ResponseWriter, r *http.Request) {
	d.sign(w, r, signInPath, d.open)
}

// signOut ends the console session that a request brings, if it does.
func (d *consoleDoor) signOut(w http.ResponseWriter, r *http.Request) {
	d.sign(w, r, signOutPath, d.close)
}

// sign does what a page of ours asks for, and answers what came of it.
func (d *consoleDoor) sign(w http.ResponseWriter, r *http.Request, page string, do inOrOut) {
	if err := d.trySign(w, r, page, do); err != nil {
		d.refuse(w, r, page, err)
		return
	}
	writeJSON(w, http.StatusOK, encoded(done{OK: true}))
}

func (d *consoleDoor) trySign(w http.ResponseWriter, r *http.Request, page string, do inOrOut) (err error) {
	defer func() { err = d.guard.contain(page, recover(), err) }()
	if err := sameOrigin(r); err != nil {
		return err
	}
	body, err := readJSON(w, r, maxSignIn, true)
	if err != nil {
		return err
	}
	return do(w, r, body)
}

func (d *consoleDoor) open(w http.ResponseWriter, r *http.Request, body []byte) (err error) {
	var in struct {
		Code string `json:"code"`
	}
	reader := json.NewDecoder(bytes.NewReader(body))
	reader.DisallowUnknownFields() // as calls do
	if err := reader.Decode(&in); err != nil || in.Code == "" {
		return invalid("code", "must be the code of the link")
	}
	var token secret.Text
	var session authz.ConsoleSession
	if err := d.look(r.Context(), func() error {
		token, session, err = d.sessions.Open(r.Context(), in.Code, addressOf(r.Context()))
		return err
	}); err != nil {
		return err
	}
	d.setCookie(w, r, token.Reveal(), session.ExpiresAt)
	d.guard.log.InfoContext(r.Context(), "console opened", "token", session.TokenName, "address", addressOf(r.Context()), "until", session.ExpiresAt)
	return nil
}

func (d *consoleDoor) close(w http.ResponseWriter, r *http.Request, _ []byte) error {
	cookies := r.CookiesNamed(consoleCookie) // of several, as somebody may have set one for a narrower path, each may be the session's
	if len(cookies) > maxCookies {
		return invalid("Cookie", "must have at most %d cookies %s: delete those of this site", maxCookies, consoleCookie)
	}
	for _, cookie := range cookies {
		if len(cookie.Value) > maxToken {
			continue
		}
		if err := d.look(r.Context(), func() error { return d.sessions.End(r.Context(), cookie.Value, addressOf(r.Context())) }); err != nil {
			return err
		}
	}
	d.setCookie(w, r, "", time.Unix(1, 0))
	return nil
}

// setCookie sets the cookie until a time, for the folder that the page is in as the browser sees it. Whether the browser came by TLS a proxy may know better than we: then the page's origin says so.
func (d *consoleDoor) setCookie(w http.ResponseWriter, r *http.Request, value string, until time.Time) {
	http.SetCookie(w, &http.Cookie{
		Name: consoleCookie, Value: value, Expires: until.UTC(),
		HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil || strings.HasPrefix(r.Header.Get("Origin"), "https://"),
	})
}

// A shownVisitor tells the page who looks at it.
type shownVisitor struct {
	UserID     string  `json:"userId"`     // empty: nobody in particular
	Role       string  `json:"role"`       // owner, user or administrator
	Everybodys bool    `json:"everybodys"` // whether it sees the keys of all users, and the audit record
	ExpiresAt  *string `json:"expiresAt"`  // of a console session, which can be ended; else null
}

// who answers who looks at the page.
func (d *consoleDoor) who(w http.ResponseWriter, r *http.Request) {
	v, err := d.visitor(r)
	if err != nil {
		d.refuse(w, r, whoPath, err)
		return
	}
	shown := shownVisitor{Role: "administrator", Everybodys: v.everybodys(), ExpiresAt: jsTime(v.until)}
	if v.session != nil {
		shown.UserID, shown.Role = v.session.UserID, v.session.Role.String()
	}
	writeJSON(w, http.StatusOK, encoded(shown))
}
