// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"google.golang.org/grpc/peer"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/door"
)

// The limits on what a peer may make the HTTP server hold, and for how long.
const (
	// maxHTTPHeader lies above maxAsk, and above the headers that proxies take from their clients by default. net/http adds some 4 KiB,
	// and answers 431 to what is longer.
	maxHTTPHeader = 128 << 10
	// httpReading bounds how long a whole request may take, and httpWriting from then on its answer, with a decision that waits.
	httpReading = 10 * time.Second
	httpWriting = 20 * time.Second
	// httpIdle is longer than gateways keep connections that they do not use, so that it is they who close them, and no question meets a
	// connection that is being closed.
	httpIdle = 5 * time.Minute
)

// httpArrival bounds how long the headers of a request may take. A gateway has all of them when it asks. In HTTP/2 nothing else may come
// between them: after httpArrival of silence a ping is sent, and whoever does not answer it for as long is gone. A variable, for tests.
var httpArrival = 5 * time.Second

// HTTPConfig is what an HTTPServer is made of. The Authorizer is required.
type HTTPConfig struct {
	Authorizer *authz.Authorizer
	// Callers are whose tokens are good. Nil: nobody's.
	Callers *Callers
	// Peers are the addresses of gateways that may ask for their clients without a token. Nil: none.
	Peers []netip.Prefix
	// BaseURL is where clients reach the server, such as https://authz.internal:8462. Empty: no metadata is published.
	BaseURL string
	// TLS is used as it is. Nil: connections are not encrypted.
	TLS *tls.Config
	// Log is where calls that failed and, at debug, denials are told of. Nil: nowhere.
	Log *slog.Logger
	// Observer is told how calls ended. Nil: nobody is.
	Observer Observer
	// Issuer and Catalog are for the calls of Aeroplane's dashboard. One of them nil: these pages are not there.
	Issuer  *authz.Issuer
	Catalog *authz.Catalog
	// API is what the calls in JSON are made by, Console who lets administrators in, and Follower who tells of changes. One of them or
	// the Issuer nil: neither the API in JSON nor its page is there.
	API      *Local
	Console  *authz.Console
	Follower authz.Follower
}

// An HTTPServer answers gateways that ask over HTTP/1.1 or HTTP/2: the forward-auth of proxies, and AuthZEN; and browsers, by way of
// their gateway, where the dashboard manages API keys.
type HTTPServer struct {
	decider
	peers []netip.Prefix
	http  *http.Server
	pages map[string]http.HandlerFunc // by path; there is no other but for the dashboard's

	dashboard *dashboard   // nil: there is none
	console   *consoleDoor // nil: there is none

	running sync.RWMutex // held by every request; guards ended
	ended   bool
}

// NewHTTP returns a server that does not listen yet.
func NewHTTP(c HTTPConfig) *HTTPServer {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Observer == nil {
		c.Observer = nobody{}
	}
	s := &HTTPServer{
		decider: newDecider(c.Authorizer, &guard{callers: c.Callers, log: c.Log, failed: new(throttle), observer: c.Observer}),
		peers:   c.Peers,
		pages:   make(map[string]http.HandlerFunc),
	}
	for _, d := range dialects {
		s.pages[d.path()] = func(w http.ResponseWriter, r *http.Request) { s.forwardAuth(w, r, d) }
	}
	s.authZEN(c.BaseURL)
	uncounted, turns := s.uncounted(), &turns{of: make(map[turnOf]*turn)}
	if c.Issuer != nil && c.Catalog != nil {
		s.dashboard = &dashboard{decider: &s.decider, again: uncounted, issuer: c.Issuer, catalog: c.Catalog, turns: turns}
	}
	if c.API != nil && c.Issuer != nil && c.Console != nil && c.Follower != nil {
		s.console = newConsole(uncounted, &c, turns)
	}
	s.http = &http.Server{
		Handler: s, TLSConfig: c.TLS,
		ReadHeaderTimeout: httpArrival, ReadTimeout: httpReading, WriteTimeout: httpWriting, IdleTimeout: httpIdle,
		MaxHeaderBytes:               maxHTTPHeader,
		HTTP2:                        &http.HTTP2Config{MaxConcurrentStreams: maxStreams, SendPingTimeout: httpArrival, PingTimeout: httpArrival},
		DisableGeneralOptionsHandler: true, // which answers OPTIONS * with 200
		Protocols:                    new(http.Protocols),
		ConnContext:                  s.meet,
		ErrorLog:                     slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug), // what strangers send
	}
	if s.console != nil {
		s.http.RegisterOnShutdown(s.console.end)
	}
	s.http.Protocols.SetHTTP1(true)
	s.http.Protocols.SetHTTP2(true)
	s.http.Protocols.SetUnencryptedHTTP2(c.TLS == nil)
	return s
}

// believedKey is of whether a connection comes from one of the peers.
type believedKey struct{}

// meet looks at a connection once, for all requests on it.
func (s *HTTPServer) meet(ctx context.Context, c net.Conn) context.Context {
	ctx = peer.NewContext(ctx, &peer.Peer{Addr: c.RemoteAddr()}) // for logs
	return context.WithValue(ctx, believedKey{}, s.believes(c.RemoteAddr()))
}

// ServeHTTP answers one request.
func (s *HTTPServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.running.RLock()
	defer s.running.RUnlock()
	page, ok := s.pages[r.URL.Path]
	switch {
	case s.ended:
		_ = door.Refusal{Status: http.StatusServiceUnavailable, Text: door.Unavailable}.Write(w)
	case ok:
		page(w, r)
	case s.dashboard != nil && s.dashboard.means(r):
		s.dashboard.serve(w, r)
	case s.console != nil && s.console.means(r):
		s.console.serve(w, r)
	default:
		_ = noSuchPage.Write(w)
	}
}

var noSuchPage = door.Refusal{Status: http.StatusNotFound, Text: "There is no such page: docs/gateways.md lists those that there are"}

// Serve answers on l, which it closes, until Drain, and then returns nil.
func (s *HTTPServer) Serve(l net.Listener) error {
	serve := s.http.Serve
	if s.http.TLSConfig != nil {
		serve = func(l net.Listener) error { return s.http.ServeTLS(l, "", "") }
	}
	if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Drain ends the server: it accepts no more, lets running requests finish until ctx ends, and cuts off what is then left. When it
// returns no request is running.
func (s *HTTPServer) Drain(ctx context.Context) {
	if s.http.Shutdown(ctx) != nil {
		_ = s.http.Close() // connections that fail to close are gone
	}
	s.running.Lock()
	defer s.running.Unlock()
	s.ended = true
}
