// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// The limits on what a peer may make the server hold.
const (
	// maxAsk bounds what one Authorize holds: method, path, credential and target.
	maxAsk = 64 << 10
	// maxMessage lies far above maxAsk and above the longest batch of valid projects (some 1.2 MiB), so that it is our
	// own limits which answer, and name the field. Beyond it gRPC answers RESOURCE_EXHAUSTED by itself.
	maxMessage = 4 << 20
	// maxMetadata bounds the metadata of a call. A credential to be judged travels in the message.
	maxMetadata = 16 << 10
	// maxStreams bounds the calls of one connection at a time. Further ones wait at the client.
	maxStreams = 1000
	// handshakeTimeout bounds how long a connection may take to become one.
	handshakeTimeout = 10 * time.Second
)

// keepaliveParameters close what is dead, and retire connections so that gateways come to use replicas which were
// started after them: gRPC adds a tenth of jitter to the age. The grace is ample for any call; what still runs at its
// end is a stream, which its client opens anew.
var keepaliveParameters = keepalive.ServerParameters{
	MaxConnectionIdle:     15 * time.Minute,
	MaxConnectionAge:      30 * time.Minute,
	MaxConnectionAgeGrace: time.Minute,
	Time:                  2 * time.Minute,
	Timeout:               20 * time.Second,
}

// keepalivePolicy allows clients the shortest interval that gRPC libraries let them set, also between calls: a gateway
// wants to know of a dead connection before the next request comes.
var keepalivePolicy = keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}

// Config is what a Server is made of. All that has a type of package authz is required.
type Config struct {
	Authorizer *authz.Authorizer
	Explainer  *authz.Explainer
	Issuer     *authz.Issuer
	Catalog    *authz.Catalog
	Syncer     *authz.Syncer
	Sessions   *authz.Sessions
	Audit      *authz.Audit
	Console    *authz.Console
	// ConsoleURL is where browsers reach what is under consolePath, such as https://authz.internal:8462. Empty: nowhere.
	ConsoleURL string
	// Callers are who may call. Nil: nobody.
	Callers *Callers
	// Ping reports whether the database can be reached. Nil: it always can.
	Ping func(ctx context.Context) error
	// RemoveCredential has ext_authz tell gateways to remove the key, or the session's cookie, from requests that pass.
	RemoveCredential bool
	// TLS is used as it is. Nil: connections are not encrypted.
	TLS *tls.Config
	// Log is where calls that failed, changes and, at debug, denials are told of. Nil: nowhere.
	Log *slog.Logger
	// Observer is told how calls for decisions and for changes ended. Nil: nobody is.
	Observer Observer
}

// A Server answers gRPC calls.
type Server struct {
	grpc          *grpc.Server
	health        *healthService
	conversations *conversations
	local         *Local
}

// New returns a server that does not listen yet. Drain releases what it holds, also if it never served.
func New(c Config) *Server {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Observer == nil {
		c.Observer = nobody{}
	}
	g := &guard{callers: c.Callers, log: c.Log, failed: new(throttle), observer: c.Observer}
	options := append(TransportOptions(),
		grpc.InTapHandle(g.admit), // experimental, but gRPC has nothing else that runs before it reads the message
		grpc.UnaryInterceptor(g.unary),
		grpc.StreamInterceptor(g.stream),
		grpc.ForceServerCodecV2(newCodec()), // experimental as well; the other way in would change this process' clients, too
		grpc.WaitForHandlers(true),          // once Serve returns, the stores may be closed
	)
	if c.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(c.TLS)))
	}
	s := grpc.NewServer(options...)
	local := &Local{codec: newCodec(), guard: g, methods: make(map[string]localMethod)}
	at := registrar{s, local}
	service := newAuthorizationService(c.Authorizer, g)
	service.register(at)
	authzv1.RegisterKeyServiceServer(at, &keyService{issuer: c.Issuer})
	authzv1.RegisterCatalogServiceServer(at, &catalogService{syncService: newSyncService(c.Syncer), catalog: c.Catalog})
	authzv1.RegisterSessionServiceServer(at, &sessionService{sessions: c.Sessions})
	authzv1.RegisterAuditServiceServer(at, &auditService{audit: c.Audit})
	authzv1.RegisterExplanationServiceServer(at, &explanationService{explainer: c.Explainer, issuer: c.Issuer})
	authzv1.RegisterConsoleServiceServer(at, &consoleService{console: c.Console, url: c.ConsoleURL})
	checking := &extAuthzService{decider: newDecider(c.Authorizer, g), removeCredential: c.RemoveCredential}
	checking.register(s)
	reflection.Register(s)
	h := newHealth(c.Ping, c.Log, s.GetServiceInfo())
	healthpb.RegisterHealthServer(s, h)
	return &Server{grpc: s, health: h, conversations: &service.conversations, local: local}
}

// Local returns what calls the services from within this process.
func (s *Server) Local() *Local { return s.local }

// Ready returns nil while health is SERVING, and otherwise why it is not, in a sentence that is safe to show.
func (s *Server) Ready() error { return s.health.ready() }

// Serve answers on l, which it closes, until Drain, and then returns nil, when no call is running. It is called once.
func (s *Server) Serve(l net.Listener) error {
	ctx, cancel := context.WithCancel(context.Background())
	s.health.ask(ctx) // so that whoever comes first is told how things are
	var polling sync.WaitGroup
	polling.Go(func() { s.health.poll(ctx) })
	defer polling.Wait()
	defer cancel()
	if err := s.grpc.Serve(l); !errors.Is(err, grpc.ErrServerStopped) {
		return err
	}
	return nil // Drain came first
}

// Drain ends the server: it reports NOT_SERVING, accepts no more, lets running calls finish until ctx ends, and cuts
// off what is then left. When it returns no call is running.
func (s *Server) Drain(ctx context.Context) {
	s.health.stop()
	s.conversations.end()
	defer s.conversations.running.Wait() // their calls have ended then
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.grpc.GracefulStop()
	}()
	select {
	case <-done:
	case <-ctx.Done():
		s.grpc.Stop()
		<-done
	}
}
