// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/resolver"
	"aeroplane.run/authz/server"
	"aeroplane.run/authz/server/servertest"
)

// A liveWorld is a server in a bubble, whose time is made up, with connections that hold nothing.
type liveWorld struct {
	t      *testing.T
	http   *server.HTTPServer
	dialed chan net.Conn
	began  time.Time
	served chan struct{}

	mu    sync.Mutex
	until time.Time // when the console sessions end
	down  bool      // the database does not answer
	looks int       // how often a console session was looked up
	at    authz.Revision
	moved chan struct{}
	blind bool // nobody can tell of changes
}

const liveToken = "the-token-of-a-console-session"

func newLiveWorld(t *testing.T) *liveWorld {
	admins, err := server.ParseCallers(authz.CallerRoleAdmin, "test "+strings.Repeat("t", 40))
	if err != nil {
		t.Fatal(err)
	}
	callers, err := server.NewCallers(admins...)
	if err != nil {
		t.Fatal(err)
	}
	w := &liveWorld{t: t, dialed: make(chan net.Conn), began: time.Now(), served: make(chan struct{}),
		until: time.Now().Add(time.Hour), moved: make(chan struct{})}
	w.http = server.NewHTTP(server.HTTPConfig{
		Authorizer: &authz.Authorizer{Routes: resolver.Default()}, Callers: callers, Issuer: &authz.Issuer{}, API: &server.Local{},
		Console: &authz.Console{Store: liveSessions{w: w}, Now: time.Now}, Follower: w,
	})
	go func() {
		defer close(w.served)
		if err := w.http.Serve(w); err != nil {
			t.Error(err)
		}
	}()
	return w
}

// end ends the server, if nothing else has, and waits for it.
func (w *liveWorld) end() {
	w.http.Drain(w.t.Context())
	<-w.served
}

// Follow implements authz.Follower.
func (w *liveWorld) Follow(ctx context.Context, seen authz.Revision) (authz.Revision, error) {
	for {
		w.mu.Lock()
		at, moved, blind := w.at, w.moved, w.blind
		w.mu.Unlock()
		switch {
		case blind:
			return authz.Revision{}, authz.Errorf(authz.Unavailable, "closed")
		case at != seen:
			return at, nil
		}
		select {
		case <-ctx.Done():
			return authz.Revision{}, ctx.Err()
		case <-moved:
		}
	}
}

// change changes something.
func (w *liveWorld) change() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at.Seq++
	close(w.moved)
	w.moved = make(chan struct{})
}

// set sets something of the world.
func (w *liveWorld) set(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
}

// liveSessions are a store in which every token is that of a console session.
type liveSessions struct {
	authz.ConsoleStore
	w *liveWorld
}

func (s liveSessions) ConsoleSession(_ context.Context, d authz.Digest) (authz.ConsoleSession, error) {
	s.w.mu.Lock()
	defer s.w.mu.Unlock()
	s.w.looks++
	switch {
	case s.w.down:
		return authz.ConsoleSession{}, &authz.Error{Kind: authz.Unavailable, Code: authz.CodeStoreUnavailable, Message: "the database does not answer"}
	case s.w.until.IsZero():
		return authz.ConsoleSession{}, authz.NoConsoleSession()
	}
	return authz.ConsoleSession{Digest: d, TokenName: "test", TokenDigest: sha256.Sum256([]byte(strings.Repeat("t", 40))), ExpiresAt: s.w.until}, nil
}

// Accept, Close and Addr implement net.Listener.
func (w *liveWorld) Accept() (net.Conn, error) {
	conn, ok := <-w.dialed
	if !ok {
		return nil, net.ErrClosed
	}
	return conn, nil
}

func (w *liveWorld) Close() error {
	defer func() { _ = recover() }() // it was closed before
	close(w.dialed)
	return nil
}

func (w *liveWorld) Addr() net.Addr { return &net.TCPAddr{} }

// dial connects without a network.
func (w *liveWorld) dial() net.Conn {
	ours, theirs := net.Pipe()
	w.dialed <- theirs
	return ours
}

// open opens a stream, and returns its events, each with when it came, until its end.
func (w *liveWorld) open(ctx context.Context, version int) (status int, events <-chan string) {
	w.t.Helper()
	return w.openBy(ctx, version, "aeroplane_authz_console="+liveToken)
}

// openBy opens a stream by a cookie.
func (w *liveWorld) openBy(ctx context.Context, version int, cookie string) (status int, events <-chan string) {
	w.t.Helper()
	transport := &http.Transport{Protocols: new(http.Protocols),
		DialContext: func(context.Context, string, string) (net.Conn, error) { return w.dial(), nil }}
	transport.Protocols.SetHTTP1(version == 1)
	transport.Protocols.SetUnencryptedHTTP2(version == 2)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://authz.test/authz/live", nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r.Header.Set("Cookie", cookie)
	answer, err := transport.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	if answer.StatusCode == 200 && answer.Header.Get("Content-Type") != "text/event-stream" {
		w.t.Errorf("it is %s", answer.Header.Get("Content-Type"))
	}
	told := make(chan string, 1000)
	go func() {
		defer close(told)
		defer transport.CloseIdleConnections()
		defer answer.Body.Close()
		lines := bufio.NewScanner(answer.Body)
		for event := ""; lines.Scan(); {
			if event += lines.Text() + "|"; lines.Text() == "" {
				told <- time.Since(w.began).Truncate(time.Second).String() + " " + strings.Trim(event, "|")
				event = ""
			}
		}
		if err := lines.Err(); err != nil && ctx.Err() == nil {
			told <- time.Since(w.began).Truncate(time.Second).String() + " broke off: " + err.Error()
		}
	}()
	return answer.StatusCode, told
}

// inLiveWorld runs a test over each version of HTTP.
func inLiveWorld(t *testing.T, test func(t *testing.T, w *liveWorld, version int)) {
	t.Helper()
	for _, version := range []int{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			w := newLiveWorld(t)
			defer w.end()
			test(t, w, version)
		})
	}
}

// told reads the events until the end of the stream, each of those that follow each other and say the same once.
func told(events <-chan string) (all []string) {
	for e := range events {
		at, what, _ := strings.Cut(e, " ")
		if n := len(all); n > 0 && what == ": still here" && strings.Contains(all[n-1], what) {
			all[n-1], _, _ = strings.Cut(all[n-1], " to ")
			all[n-1] += " to " + at
			continue
		}
		all = append(all, e)
	}
	return all
}

// A page is told at once that there is a stream, then of each change, and every ten seconds that the stream is still there, until after five
// minutes it ends.
func TestLive(t *testing.T) {
	t.Parallel()
	inLiveWorld(t, func(t *testing.T, w *liveWorld, version int) {
		_, events := w.open(t.Context(), version)
		synctest.Wait()
		if first := <-events; first != "0s : still here" {
			t.Errorf("HTTP/%d: first comes %s", version, first)
		}
		time.Sleep(25 * time.Second)
		w.change()
		time.Sleep(time.Second)
		w.change()
		all := told(events)
		all[len(all)-1] = strings.Replace(all[len(all)-1], "5m0s", "4m50s", 1) // that of the end may still come
		if diff := cmp.Diff([]string{"10s : still here to 20s", "25s event: change|data: 1.0000000000000000", "26s event: change|data: 2.0000000000000000",
			"30s : still here to 4m50s"}, all); diff != "" {
			t.Errorf("HTTP/%d (-want +got):\n%s", version, diff)
		}
		if took := time.Since(w.began); took != 5*time.Minute {
			t.Errorf("HTTP/%d: it lasts %s", version, took)
		}
	})
}

// A stream ends with the session of who looks, be it over or ended, and says so.
func TestLiveEndsWithItsSession(t *testing.T) {
	t.Parallel()
	inLiveWorld(t, func(t *testing.T, w *liveWorld, version int) {
		w.until = w.began.Add(15 * time.Second)
		_, events := w.open(t.Context(), version)
		if diff := cmp.Diff([]string{"0s : still here to 10s", "20s event: ended|data:"}, told(events)); diff != "" {
			t.Errorf("HTTP/%d, a session that is over (-want +got):\n%s", version, diff)
		}
	})
	inLiveWorld(t, func(t *testing.T, w *liveWorld, version int) {
		_, events := w.open(t.Context(), version)
		time.Sleep(3 * time.Second)
		w.set(func() { w.until = time.Time{} })
		for range 4 { // of some it may still be told, but not for longer than until it is looked at again
			w.change()
			time.Sleep(3 * time.Second)
		}
		if diff := cmp.Diff([]string{"0s : still here", "3s event: change|data: 1.0000000000000000", "6s event: change|data: 2.0000000000000000",
			"9s event: change|data: 3.0000000000000000", "10s event: ended|data:"}, told(events)); diff != "" {
			t.Errorf("HTTP/%d, a session that was ended (-want +got):\n%s", version, diff)
		}
	})
}

// While nobody knows whether who looks still may, the stream stays, and tells of changes when they are known to.
func TestLiveWhileNobodyKnows(t *testing.T) {
	t.Parallel()
	inLiveWorld(t, func(t *testing.T, w *liveWorld, version int) {
		ctx, leave := context.WithCancel(t.Context())
		_, events := w.open(ctx, version)
		time.Sleep(5 * time.Second)
		w.set(func() { w.down = true })
		for range 3 {
			time.Sleep(8 * time.Second) // 13s, 21s, 29s
			w.change()
		}
		time.Sleep(3 * time.Second)
		w.set(func() { w.down = false })
		time.Sleep(9 * time.Second)
		w.change()
		time.Sleep(time.Second)
		leave()
		if diff := cmp.Diff([]string{"0s : still here to 30s", "40s event: change|data: 3.0000000000000000", "41s event: change|data: 4.0000000000000000"}, told(events)); diff != "" {
			t.Errorf("HTTP/%d (-want +got):\n%s", version, diff)
		}
	})
	inLiveWorld(t, func(t *testing.T, w *liveWorld, version int) {
		_, events := w.open(t.Context(), version)
		w.set(func() { w.down = true })
		time.Sleep(15 * time.Second)
		w.set(func() { w.down, w.until = false, time.Time{} })
		w.change()
		if diff := cmp.Diff([]string{"0s : still here to 10s", "20s event: ended|data:"}, told(events)); diff != "" {
			t.Errorf("HTTP/%d, a session that ended meanwhile (-want +got):\n%s", version, diff)
		}
	})
}

// However much changes, a console session is looked up every ten seconds, for each stream.
func TestLiveLooksSeldom(t *testing.T) {
	t.Parallel()
	inLiveWorld(t, func(t *testing.T, w *liveWorld, version int) {
		ctx, leave := context.WithCancel(t.Context())
		_, events := w.open(ctx, version)
		for range 350 {
			time.Sleep(100 * time.Millisecond)
			w.change()
		}
		synctest.Wait()
		leave()
		changes := 0
		for e := range events {
			if strings.Contains(e, "event: change") {
				changes++
			}
		}
		if changes != 350 || w.looks != 4 {
			t.Errorf("HTTP/%d: it is told of %d changes, and looked up %d times, want 350 and 4", version, changes, w.looks)
		}
	})
}

// Where nobody can tell of changes any more, as when the store is closed first, a stream does nothing but last.
func TestLiveWithoutNews(t *testing.T) {
	t.Parallel()
	inLiveWorld(t, func(t *testing.T, w *liveWorld, version int) {
		w.blind = true
		_, events := w.open(t.Context(), version)
		said := 0
		for e := range events {
			if said++; !strings.HasSuffix(e, " : still here") {
				t.Errorf("HTTP/%d: %s", version, e)
			}
		}
		if said < 30 || said > 31 { // that of the end may still come
			t.Errorf("HTTP/%d: it says %d times that it is there", version, said)
		}
	})
}

// Draining does not wait for streams.
func TestLiveDrains(t *testing.T) {
	t.Parallel()
	inLiveWorld(t, func(t *testing.T, w *liveWorld, version int) {
		var streams []<-chan string
		for range 10 {
			_, events := w.open(t.Context(), version)
			streams = append(streams, events)
		}
		time.Sleep(time.Second)
		w.end()
		if took := time.Since(w.began); took >= 2*time.Second {
			t.Errorf("HTTP/%d: it took until %s", version, took)
		}
		for _, events := range streams {
			if diff := cmp.Diff([]string{"0s : still here"}, told(events)); diff != "" {
				t.Errorf("HTTP/%d (-want +got):\n%s", version, diff)
			}
		}
	})
}

// There are a thousand streams at a time, and not more. One that is left makes room for another.
func TestLiveIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLiveWorld(t)
		defer w.end()
		ctx, leave := context.WithCancel(t.Context())
		defer leave()
		by := func(i int) string { return fmt.Sprint("aeroplane_authz_console=", i) }
		for i := range 1000 {
			of := t.Context()
			if i == 500 {
				of = ctx
			}
			if status, _ := w.openBy(of, 1, by(i/20)); status != 200 {
				t.Fatalf("stream %d: %d", i, status)
			}
		}
		for i := range 3 {
			if status, _ := w.openBy(t.Context(), 1, by(50+i)); status != 503 {
				t.Errorf("one more: %d", status)
			}
		}
		leave()
		synctest.Wait()
		if status, _ := w.openBy(t.Context(), 1, by(50)); status != 200 {
			t.Errorf("after one was left: %d", status)
		}
		if status, _ := w.openBy(t.Context(), 1, by(50)); status != 503 {
			t.Errorf("and one more: %d", status)
		}
	})
}

// No one visitor has more than twenty streams: another user's, or another console session's, come besides, and one that is left makes room.
func TestLiveIsBoundedForEachVisitor(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	open := func(headers string) (conn net.Conn, status int, answer string) {
		t.Helper()
		conn = dial(t, s.HTTPAddr)
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, "GET /authz/live HTTP/1.1\r\nHost: aeroplane.test\r\n"+headers+"\r\n"); err != nil {
			t.Fatal(err)
		}
		r, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if r.StatusCode != 200 {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Fatal(err)
			}
			answer = string(body)
		}
		return conn, r.StatusCode, answer
	}
	console := consoleCookie(s.openConsole(t))
	visitors := [][]string{ // each by all that it may come by
		{sessionCookie(s.browseAsUser(t, "ada").session), sessionCookie(s.browse(t, "ada", authzv1.UserRole_USER_ROLE_OWNER).session)},
		{sessionCookie(s.browseAsUser(t, "bob").session)}, {sessionCookie(s.browse(t, "", authzv1.UserRole_USER_ROLE_OWNER).session)},
		{console}, {consoleCookie(s.openConsole(t))}, {s.bearer()},
	}
	for _, by := range visitors {
		var first net.Conn
		for i := range 20 {
			conn, status, answer := open(by[i%len(by)])
			if status != 200 {
				t.Fatalf("stream %d of %q: %d %s", i, by, status, answer)
			}
			if i == 0 {
				first = conn
			}
		}
		for _, headers := range by {
			if _, status, answer := open(headers); status != 503 || !strings.Contains(answer, "OVERLOADED") || !strings.Contains(answer, "too many pages open") {
				t.Errorf("one more of %q: %d %s", by, status, answer)
			}
		}
		_ = first.Close()
		deadline := time.Now().Add(time.Minute) // by when it is found to have gone
		for {
			conn, status, _ := open(by[0])
			if status == 200 {
				break
			} else if time.Now().After(deadline) {
				t.Fatalf("there is no room for another of %q", by)
			}
			_ = conn.Close()
			time.Sleep(time.Millisecond)
		}
	}
}

// A page that does not read is given up, and so is one that has gone.
func TestLiveIsNotRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newLiveWorld(t)
		defer w.end()
		conn := w.dial()
		go func() {
			_, _ = io.WriteString(conn, "GET /authz/live HTTP/1.1\r\nHost: authz.test\r\nCookie: aeroplane_authz_console="+liveToken+"\r\n\r\n")
		}()
		if _, err := http.ReadResponse(bufio.NewReaderSize(conn, 16), nil); err != nil {
			t.Fatal(err)
		}
		// From here on nothing is read, and something is sent that nobody takes until the server closes.
		if _, err := io.Copy(conn, strings.NewReader(strings.Repeat("x", 1<<20))); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%v", err)
		}
		if took := time.Since(w.began); took > 20*time.Second {
			t.Errorf("it was given up after %s", took)
		}
	})
}

// The service itself: a page is told of what is revoked, whoever does it, and by whichever of two servers; and it is not told to strangers.
func TestLiveOfTheService(t *testing.T) {
	t.Parallel()
	s := start(t, servertest.Options{})
	other := start(t, servertest.Options{Store: kept{s.store}})
	id := s.createKey(t).GetKey().GetId()
	for name, headers := range map[string]string{"nobody": "", "a gateway": "Authorization: Bearer " + s.GatewayToken + "\r\n", "an ended session": consoleCookie("x")} {
		if r, answer := s.rest(t, "GET", "/authz/live", headers, ""); r.StatusCode != 401 && r.StatusCode != 403 {
			t.Errorf("%s: %d %s", name, r.StatusCode, answer)
		}
	}
	ada := s.browseAsUser(t, "ada")
	var streams []*bufio.Scanner
	for _, headers := range []string{sessionCookie(ada.session), consoleCookie(s.openConsole(t)), s.bearer()} {
		conn := dial(t, s.HTTPAddr)
		defer conn.Close()
		if _, err := io.WriteString(conn, "GET /authz/live HTTP/1.1\r\nHost: aeroplane.test\r\n"+headers+"\r\n"); err != nil {
			t.Fatal(err)
		}
		r, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil || r.StatusCode != 200 {
			t.Fatal(r, err)
		}
		if got := []string{r.Header.Get("Cache-Control"), r.Header.Get("X-Accel-Buffering"), r.Header.Get("X-Content-Type-Options"), r.Header.Get("Access-Control-Allow-Origin")}; !slices.Equal(got, []string{"no-store", "no", "nosniff", ""}) {
			t.Errorf("headers %q", got)
		}
		streams = append(streams, bufio.NewScanner(r.Body))
	}
	until := func(lines *bufio.Scanner, want string) {
		t.Helper()
		for lines.Scan() {
			if lines.Text() == want {
				return
			}
		}
		t.Errorf("it ended before %q: %v", want, lines.Err())
	}
	revoked, err := other.keys.RevokeKey(t.Context(), &authzv1.RevokeKeyRequest{Id: id})
	if err != nil {
		t.Fatal(err)
	}
	for _, lines := range streams {
		until(lines, "data: "+revoked.GetReceipt().GetRevision())
	}
	if _, err := other.sessions.RevokeSessionsOfUser(t.Context(), &authzv1.RevokeSessionsOfUserRequest{UserId: "ada"}); err != nil {
		t.Fatal(err)
	}
	until(streams[0], "event: ended")
	for streams[0].Scan() { // to its end
	}
}
