// SPDX-License-Identifier: Apache-2.0

package client_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"aeroplane.run/authz/client"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server/servertest"
)

// A fake answers in the service's place.
type fake struct {
	authzv1.UnimplementedAuthorizationServiceServer
	answer func(context.Context, *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error)
}

func (f fake) Authorize(ctx context.Context, q *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error) {
	return f.answer(ctx, q)
}

// always answers everything in one way.
func always(a *authzv1.AuthorizeResponse, err error) fake {
	return fake{answer: func(context.Context, *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error) { return a, err }}
}

// asking returns a client of a fake.
func asking(t *testing.T, f fake) *client.Client {
	t.Helper()
	return connect(t, client.Config{Target: listenAs(t, f), Token: client.NewSecret(token)})
}

func TestAuthorize(t *testing.T) {
	run := start(t, servertest.Options{})
	key := &authzv1.AuthorizeRequest_ApiKey{ApiKey: newKey(t, run, reads)}
	_, port, err := net.SplitHostPort(run.Addr)
	if err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{run.Addr, "localhost:" + port, "dns:///" + run.Addr, "dns:localhost:" + port, run.Addr + ", localhost:" + port} {
		c := of(run)
		c.Target = target
		answersBoth(t, connect(t, c), key)
	}
}

// answersBoth asks what may pass, and what may not.
func answersBoth(t *testing.T, c *client.Client, key *authzv1.AuthorizeRequest_ApiKey) {
	t.Helper()
	allowed, err := c.Authorize(t.Context(), &authzv1.AuthorizeRequest{Method: "GET", Path: "/api/projects", Credential: key})
	if err != nil || !allowed.Allowed || !allowed.Grant.VisibleProjects.All {
		t.Errorf("%v, %v", allowed, err)
	}
	denied, err := c.Authorize(t.Context(), &authzv1.AuthorizeRequest{Method: "POST", Path: "/api/projects", Credential: key})
	if err != nil || denied.Allowed || denied.Denial.HttpStatus != 403 {
		t.Errorf("%v, %v", denied, err)
	}
}

// Whatever is not a decision is an error, and the middleware answers 503, but where the question itself was refused.
func TestNoDecision(t *testing.T) {
	grant, denial := new(authzv1.Grant), &authzv1.Denial{Reason: authzv1.DenialReason_DENIAL_REASON_READ_ONLY_KEY, HttpStatus: 403, Message: "no"}
	with := func(change func(*authzv1.Denial)) *authzv1.Denial {
		d := &authzv1.Denial{Reason: denial.Reason, HttpStatus: denial.HttpStatus, Message: denial.Message}
		change(d)
		return d
	}
	for name, c := range map[string]struct {
		answer *authzv1.AuthorizeResponse
		err    error
		want   int
	}{
		"a denial":                {&authzv1.AuthorizeResponse{Denial: denial}, nil, 403},
		"a grant":                 {&authzv1.AuthorizeResponse{Allowed: true, Grant: grant}, nil, 200},
		"nothing":                 {&authzv1.AuthorizeResponse{}, nil, 503},
		"allowed without a grant": {&authzv1.AuthorizeResponse{Allowed: true}, nil, 503},
		"allowed with a denial":   {&authzv1.AuthorizeResponse{Allowed: true, Grant: grant, Denial: denial}, nil, 503},
		"allowed, as a denial":    {&authzv1.AuthorizeResponse{Allowed: true, Denial: denial}, nil, 503},
		"denied with a grant":     {&authzv1.AuthorizeResponse{Grant: grant, Denial: denial}, nil, 503},
		"a grant that is denied":  {&authzv1.AuthorizeResponse{Grant: grant}, nil, 503},
		"denied with 200":         {&authzv1.AuthorizeResponse{Denial: with(func(d *authzv1.Denial) { d.HttpStatus = 200 })}, nil, 503},
		"denied with 399":         {&authzv1.AuthorizeResponse{Denial: with(func(d *authzv1.Denial) { d.HttpStatus = 399 })}, nil, 503},
		"denied with 500":         {&authzv1.AuthorizeResponse{Denial: with(func(d *authzv1.Denial) { d.HttpStatus = 500 })}, nil, 503},
		"denied with no status":   {&authzv1.AuthorizeResponse{Denial: with(func(d *authzv1.Denial) { d.HttpStatus = 0 })}, nil, 503},
		"denied for no reason":    {&authzv1.AuthorizeResponse{Denial: with(func(d *authzv1.Denial) { d.Reason = 0 })}, nil, 503},
		"denied without a text":   {&authzv1.AuthorizeResponse{Denial: with(func(d *authzv1.Denial) { d.Message = "" })}, nil, 503},
		"unavailable":             {nil, status.Error(codes.Unavailable, "LEASE"), 503},
		"a wrong token":           {nil, status.Error(codes.Unauthenticated, "no"), 503},
		"an admin's":              {nil, status.Error(codes.PermissionDenied, "no"), 503},
		"not there":               {nil, status.Error(codes.Unimplemented, "no"), 503},
		"a panic":                 {nil, status.Error(codes.Internal, "no"), 503},
		"an error of no kind":     {nil, errors.New("no"), 503},
		"a bad question":          {nil, status.Error(codes.InvalidArgument, "no"), 400},
	} {
		asked := asking(t, always(c.answer, c.err))
		answer, err := asked.Authorize(t.Context(), &authzv1.AuthorizeRequest{Method: "GET", Path: "/"})
		if (err == nil) != (c.want == 200 || c.want == 403) || (err == nil) == (answer == nil) {
			t.Errorf("%s: %v, %v", name, answer, err)
		}
		passed := false
		gateway := serve(t, asked.Middleware(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed = true })))
		got := statusOf(raw(t, gateway, "GET / HTTP/1.1\r\n", ""))
		if got != c.want || passed != (c.want == 200) {
			t.Errorf("%s: answered %d, want %d; passed on: %v", name, got, c.want, passed)
		}
	}
}

// What was answered is asked once, and no more, whatever the options say.
func TestNothingIsAskedAgain(t *testing.T) {
	var mu sync.Mutex
	asked := 0
	address := listenAs(t, fake{answer: func(context.Context, *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error) {
		mu.Lock()
		defer mu.Unlock()
		asked++
		return nil, status.Error(codes.Unavailable, "LEASE")
	}})
	again := grpc.WithDefaultServiceConfig(`{"methodConfig": [{"name": [{}], "retryPolicy": {"maxAttempts": 3, "initialBackoff": "0.001s",
		"maxBackoff": "0.001s", "backoffMultiplier": 1, "retryableStatusCodes": ["UNAVAILABLE"]}}]}`)
	c := connect(t, client.Config{Target: address, Token: client.NewSecret(token), DialOptions: []grpc.DialOption{again}})
	if _, err := c.Authorize(t.Context(), new(authzv1.AuthorizeRequest)); status.Code(err) != codes.Unavailable || asked != 1 {
		t.Errorf("%v; asked %d times", err, asked)
	}
}

// A call ends after the Config's time, or that of its context, whichever is sooner.
func TestDeadlines(t *testing.T) {
	left := make(chan time.Duration, 1)
	silent := listenAs(t, fake{answer: func(ctx context.Context, _ *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error) {
		if ends, ok := ctx.Deadline(); ok {
			left <- time.Until(ends)
		} else {
			left <- 0
		}
		return &authzv1.AuthorizeResponse{Allowed: true, Grant: new(authzv1.Grant)}, nil
	}})
	for _, c := range []struct{ timeout, callers, most time.Duration }{
		{0, time.Hour, client.DefaultTimeout}, {time.Minute, time.Hour, time.Minute}, {time.Hour, time.Minute, time.Minute},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), c.callers)
		defer cancel()
		asked := connect(t, client.Config{Target: silent, Token: client.NewSecret(token), Timeout: c.timeout})
		if _, err := asked.Authorize(ctx, new(authzv1.AuthorizeRequest)); err != nil {
			t.Fatal(err)
		}
		if got := <-left; got <= 0 || got > c.most {
			t.Errorf("%+v: %v were left", c, got)
		}
	}
}

// A service that does not answer in time is no decision.
func TestSlowService(t *testing.T) {
	address := listenAs(t, fake{answer: func(ctx context.Context, _ *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}})
	var log servertest.Logbook
	c := connect(t, client.Config{Target: address, Token: client.NewSecret(token), Timeout: 20 * time.Millisecond, Log: log.Logger()})
	gateway := serve(t, c.Middleware(http.HandlerFunc(unreached(t))))
	if got := raw(t, gateway, "GET / HTTP/1.1\r\n", ""); statusOf(got) != 503 || !strings.Contains(got, "Authorization is not available") {
		t.Errorf("%s", got)
	}
	if !strings.Contains(log.String(), `msg="no decision"`) || !strings.Contains(log.String(), "DeadlineExceeded") {
		t.Errorf("the log has not why:\n%s", &log)
	}
}

// What is not gRPC, or not there, is no decision either. The log has one line a second at the most.
func TestNoService(t *testing.T) {
	garbage, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var answering sync.WaitGroup
	answering.Go(func() {
		for {
			conn, err := garbage.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue")
			_ = conn.Close()
		}
	})
	t.Cleanup(func() { _ = garbage.Close(); answering.Wait() })
	web := serve(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"allowed":true}`) }))
	for name, target := range map[string]string{
		"nobody": "127.0.0.1:1", "a web server": web, "garbage": garbage.Addr().String(), "nobody, twice": "127.0.0.1:1,127.0.0.1:2",
	} {
		var log servertest.Logbook
		c := connect(t, client.Config{Target: target, Token: client.NewSecret(token), Timeout: time.Second, Log: log.Logger()})
		gateway := serve(t, c.Middleware(http.HandlerFunc(unreached(t))))
		for range 10 {
			if got := raw(t, gateway, "GET /api/health HTTP/1.1\r\n", ""); statusOf(got) != 503 {
				t.Errorf("%s: %s", name, got)
			}
		}
		if n := strings.Count(log.String(), "no decision"); n == 0 {
			t.Errorf("%s: nothing is logged", name)
		}
	}
}

func TestClose(t *testing.T) {
	run := start(t, servertest.Options{})
	c := connect(t, of(run))
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Authorize(t.Context(), new(authzv1.AuthorizeRequest)); err == nil {
		t.Error("a client that is closed has got an answer")
	}
}

// Many ask at once, some of whom go away. Run it with -race.
func TestManyAtOnce(t *testing.T) {
	run := start(t, servertest.Options{})
	c := connect(t, of(run))
	key := newKey(t, run, reads)
	gateway := "http://" + serve(t, c.Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		grant, _ := client.GrantFrom(r.Context())
		_, _ = io.WriteString(w, r.RequestURI+" "+grant.GetKey().GetName()+r.Header.Get("Aeroplane-Caller"))
	})))
	transport := new(http.Transport)
	defer transport.CloseIdleConnections()
	var askers sync.WaitGroup
	for n := range 8 {
		askers.Go(func() {
			for i := range 40 {
				ctx, cancel := context.WithCancel(t.Context())
				method, want := http.MethodGet, "/api/projects cikey"
				if n%2 == 1 {
					method, want = http.MethodPost, `{"error":"This API key is read-only"}`
				}
				r, err := http.NewRequestWithContext(ctx, method, gateway+"/api/projects", nil)
				if err != nil {
					t.Error(err)
				}
				r.Header.Set("Authorization", "Bearer "+key)
				if i%8 == 7 {
					go cancel()
				}
				answer, err := transport.RoundTrip(r)
				if err == nil {
					body, err := io.ReadAll(answer.Body)
					_ = answer.Body.Close()
					if err == nil && string(body) != want && ctx.Err() == nil {
						t.Errorf("%d %s, want %s", answer.StatusCode, body, want)
					}
				} else if ctx.Err() == nil {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	askers.Wait()
}
