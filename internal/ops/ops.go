// SPDX-License-Identifier: Apache-2.0

// Package ops is the listener for those who operate the service: metrics, and the probes of an orchestrator or a load
// balancer. It speaks plain HTTP on an address of its own, asks nobody for a token and holds no secret.
//
//	/metrics  what is counted, for Prometheus
//	/healthz  200 while the process lives
//	/readyz   200 while the service decides, else 503 and one line that says why not
package ops

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// The limits on what a peer may make the server hold.
const (
	headerTimeout  = 5 * time.Second
	readTimeout    = 10 * time.Second
	writeTimeout   = 30 * time.Second // of an answer, a scrape among them
	idleTimeout    = 2 * time.Minute  // longer than probes and scrapes are apart
	maxHeaderBytes = 8 << 10          // net/http adds some 4 KiB
	closeGrace     = time.Second      // of answers that are under way at the end
)

// Config is what a Server is made of. All but Log are required.
type Config struct {
	// Metrics answers scrapes.
	Metrics http.Handler
	// Ready returns nil while the service decides, else one line on why it does not, which everybody may read.
	Ready func() error
	// Log is where faults are told of. Nil: nowhere.
	Log *slog.Logger
}

// A Server answers on one listener.
type Server struct {
	http    *http.Server
	serving sync.WaitGroup
}

// Serve begins to answer on l, until Close, which closes it.
func Serve(l net.Listener, c Config) *Server {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{http: &http.Server{
		Handler:           handler(c),
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(c.Log.Handler(), slog.LevelDebug), // what strangers send
	}}
	s.serving.Go(func() {
		if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			c.Log.Error("metrics and probes are not answered any more", "error", err) // decisions are
		}
	})
	return s
}

// Close closes the listener and every connection. Answers that are under way have a second.
func (s *Server) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeGrace)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	s.serving.Wait()
	return err
}

// handler answers GET and HEAD, and 405 what else there is.
func handler(c Config) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", c.Metrics)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "alive") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := c.Ready(); err != nil {
			answer(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		answer(w, http.StatusOK, "ready")
	})
	return mux
}

// answer writes one line, which nobody on the way is to keep.
func answer(w http.ResponseWriter, status int, line string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, line+"\n")
}
