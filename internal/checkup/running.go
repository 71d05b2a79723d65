// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"aeroplane.run/authz/internal/scrape"
)

// A runningService is what shows of the service from outside. Everything may be missing.
type runningService struct {
	listens error // nil: somebody takes connections at the address
	health  healthpb.HealthCheckResponse_ServingStatus
	refused error // why health could not be asked

	ops     error  // nil: somebody answers where metrics and probes are
	ready   string // the line that says whether it is ready, and why not
	metrics scrape.Metrics
	// ahead is how far its clock is ahead of ours, to a second. It is known if it told.
	ahead time.Duration
	told  bool
}

var errOff = errors.New("ops-listen is off, or leaves the port open")

// askService asks health as a probe would, and what is for Prometheus.
func (x *examination) askService(ctx context.Context) *runningService {
	s := new(runningService)
	s.askHealth(ctx, x)
	if x.Ops == "" {
		s.ops = errOff
		return s
	}
	s.askOps(ctx, x)
	return s
}

func (s *runningService) askHealth(ctx context.Context, x *examination) {
	// By itself, for gRPC does not tell nobody from somebody else.
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", x.Address)
	if s.listens = err; err != nil {
		return
	}
	_ = conn.Close()
	service, err := x.Connect(ctx, false)
	if err != nil {
		s.refused = err
		return
	}
	answer, err := healthpb.NewHealthClient(service).Check(ctx, &healthpb.HealthCheckRequest{})
	s.health, s.refused = answer.GetStatus(), err
}

// maxProbe bounds the line of a probe, and maxScrape the metrics.
const (
	maxProbe  = 1 << 10
	maxScrape = 4 << 20
)

func (s *runningService) askOps(ctx context.Context, x *examination) {
	before := x.Now()
	text, date, err := get(ctx, "http://"+x.Ops+"/readyz", maxProbe)
	after := x.Now()
	if s.ops = err; err != nil {
		return
	}
	s.ready = oneLine(text)
	if at, err := http.ParseTime(date); err == nil { // it has no fraction of a second: half of one, on average
		s.ahead, s.told = at.Add(time.Second/2).Sub(before.Add(after.Sub(before)/2)), true
	}
	if text, _, s.ops = get(ctx, "http://"+x.Ops+"/metrics", maxScrape); s.ops == nil {
		s.metrics, s.ops = scrape.Read(strings.NewReader(text))
	}
}

// get asks by no proxy, and goes nowhere else. That a probe says no is an answer.
func get(ctx context.Context, url string, most int64) (text, date string, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", "", err
	}
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	answer, err := transport.RoundTrip(request)
	if err != nil {
		return "", "", err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusServiceUnavailable {
		return "", "", errors.New(url + " is answered " + answer.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(answer.Body, most))
	return string(raw), answer.Header.Get("Date"), err
}
