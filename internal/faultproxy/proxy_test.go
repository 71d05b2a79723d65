// SPDX-License-Identifier: Apache-2.0

package faultproxy_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"aeroplane.run/authz/internal/faultproxy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// instant is how long a test watches for what must never come.
const instant = 50 * time.Millisecond

func TestEverythingPassesUntilBothSidesHaveEnded(t *testing.T) {
	p := listen(t, faultproxy.Route{Target: echo(t, "")})
	c := dial(t, p)
	sent := bytes.Repeat([]byte("0123456789abcdef"), 100_000)
	var got []byte
	var reading sync.WaitGroup
	reading.Go(func() { got, _ = io.ReadAll(c) })
	send(t, c, string(sent))
	if err := c.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	reading.Wait()
	if !bytes.Equal(got, sent) {
		t.Errorf("%d bytes came back, want %d: the end was cut off", len(got), len(sent))
	}
	until(t, "the connection to be forgotten", func() bool { return p.Count().Open == 0 })
	if n := int64(len(sent)); p.Count() != (faultproxy.Count{Accepted: 1, Up: n, Down: n}) {
		t.Errorf("%+v", p.Count())
	}
}

func TestCutResetsThoseThatAreChosen(t *testing.T) {
	p := listen(t, faultproxy.Route{Target: echo(t, "")})
	cut, kept := dial(t, p), dial(t, p)
	expect(t, cut, "cut me", "cut me")
	expect(t, kept, "keep me", "keep me")
	if n := p.Cut(beginsWith("cut")); n != 1 {
		t.Errorf("%d connections were cut", n)
	}
	mustBeReset(t, cut)
	expect(t, kept, "still here", "still here")
	if n := p.Cut(nil); n != 1 {
		t.Errorf("%d connections were left to cut", n)
	}
	mustBeReset(t, kept)
}

func TestRefusedConnectionsAreResetAndOldOnesStay(t *testing.T) {
	p := listen(t, faultproxy.Route{Target: echo(t, "")})
	old := dial(t, p)
	expect(t, old, "before", "before")
	p.Set(faultproxy.Faults{Refuse: true})
	mustBeRefused(t, p)
	expect(t, old, "meanwhile", "meanwhile")
	p.Clear()
	expect(t, dial(t, p), "after", "after")
}

func TestWhatIsHeldComesLater(t *testing.T) {
	for way, reached := range map[faultproxy.Way]bool{faultproxy.Up: false, faultproxy.Down: true, faultproxy.Both: false} {
		received := make(chan string, 10)
		p := listen(t, faultproxy.Route{Target: serve(t, func(c net.Conn) {
			for {
				piece := make([]byte, 100)
				n, err := c.Read(piece)
				if err != nil {
					return
				}
				received <- string(piece[:n])
				_, _ = c.Write(piece[:n])
			}
		})})
		c := dial(t, p)
		expect(t, c, "hello", "hello")
		<-received
		p.Set(faultproxy.Faults{Hold: way})
		send(t, c, "held")
		if reached {
			if got := <-received; got != "held" {
				t.Errorf("way %d: the server got %q", way, got)
			}
		}
		mustBeSilent(t, c)
		if !reached && len(received) > 0 {
			t.Errorf("way %d: the server got %q", way, <-received)
		}
		p.Clear()
		receive(t, c, "held")
	}
}

func TestTheEndOfAConnectionIsHeldAsWell(t *testing.T) {
	ended := make(chan struct{})
	p := listen(t, faultproxy.Route{Target: serve(t, func(c net.Conn) {
		_, _ = io.Copy(c, c)
		close(ended)
	})})
	c := dial(t, p)
	expect(t, c, "hello", "hello")
	p.Set(faultproxy.Faults{Hold: faultproxy.Both})
	_ = c.Close()
	select {
	case <-ended:
		t.Error("the server was told")
	case <-time.After(instant):
	}
	p.Clear()
	<-ended
}

func TestWhatIsDroppedNeverComes(t *testing.T) {
	p := listen(t, faultproxy.Route{Target: echo(t, "> ")})
	deaf, other := dial(t, p), dial(t, p)
	expect(t, deaf, "LISTEN", "> LISTEN")
	expect(t, other, "SELECT", "> SELECT")
	p.Set(faultproxy.Faults{Drop: faultproxy.Down, Only: beginsWith("LISTEN")})
	send(t, deaf, "lost")
	expect(t, other, "heard", "> heard")
	until(t, "the answer to be lost, and not the question", func() bool { return p.Count().Lost == int64(len("> lost")) })
	p.Clear()
	expect(t, deaf, "heard again", "> heard again")
}

func TestDelayAndRateTakeTheirTime(t *testing.T) {
	p := listen(t, faultproxy.Route{Target: echo(t, "")})
	c := dial(t, p)
	for name, test := range map[string]struct {
		faults faultproxy.Faults
		least  time.Duration
	}{
		"delay": {faultproxy.Faults{Delay: 20 * time.Millisecond, Jitter: 10 * time.Millisecond}, 40 * time.Millisecond},
		"rate":  {faultproxy.Faults{Rate: 500}, 40 * time.Millisecond}, // 10 bytes, both ways
	} {
		p.Set(test.faults)
		begun := time.Now()
		expect(t, c, "0123456789", "0123456789")
		if took := time.Since(begun); took < test.least {
			t.Errorf("%s: back after %v, want %v at least", name, took, test.least)
		}
	}
}

func TestPointLeadsNewConnectionsElsewhere(t *testing.T) {
	one, two := echo(t, "one:"), echo(t, "two:")
	p := listen(t, faultproxy.Route{Target: one})
	old := dial(t, p)
	expect(t, old, "a", "one:a")
	p.Point(faultproxy.Route{Target: one, Only: beginsWith("pinned")}, faultproxy.Route{Target: two})
	expect(t, old, "b", "one:b")
	expect(t, dial(t, p), "pinned", "one:pinned")
	expect(t, dial(t, p), "c", "two:c")
	p.Cut(nil)
	mustBeReset(t, old)
	p.Point(faultproxy.Route{Target: two, Only: beginsWith("nobody")})
	nowhere := dial(t, p)
	send(t, nowhere, "lost")
	mustBeReset(t, nowhere)
}

func TestAServerThatIsAwayResetsTheClient(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	mustBeRefused(t, listen(t, faultproxy.Route{Target: l.Addr().String()}))
}

func TestNothingIsLostWhileFaultsComeAndGo(t *testing.T) {
	p := listen(t, faultproxy.Route{Target: echo(t, "")})
	stop := make(chan struct{})
	var changing, talking sync.WaitGroup
	changing.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				p.Clear()
				return
			default:
				p.Set(faultproxy.Faults{Hold: faultproxy.Way(i) % 4, Delay: time.Duration(i%3) * time.Microsecond, Refuse: i%5 == 0})
				_ = p.Count()
			}
		}
	})
	for range 4 {
		c := dialAgain(t, p)
		talking.Go(func() {
			for i := range 200 {
				text := strings.Repeat("x", i) + "."
				if _, err := c.Write([]byte(text)); err != nil {
					t.Error(err)
					return
				}
				got := make([]byte, len(text))
				if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
					t.Errorf("%q, %v, want %q", got, err, text)
					return
				}
			}
		})
	}
	talking.Wait()
	close(stop)
	changing.Wait()
}

func TestCloseEndsWhatIsHeld(t *testing.T) {
	p := listen(t, faultproxy.Route{Target: echo(t, "")})
	var all []net.Conn
	for range 20 {
		c := dial(t, p)
		expect(t, c, "hello", "hello")
		all = append(all, c)
	}
	p.Set(faultproxy.Faults{Hold: faultproxy.Both})
	for _, c := range all {
		send(t, c, "held")
	}
	p.Close()
	if n := p.Count().Open; n > 0 {
		t.Errorf("%d connections were left to end", n)
	}
	for _, c := range all {
		mustBeReset(t, c)
	}
	if _, err := net.Dial("tcp", p.Addr()); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("%v: the port is still open", err)
	}
}

// What nobody acknowledges is sent again, and arrives when somebody hears.
func TestADeafProxyHearsNothingUntilItHearsAgain(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs Linux")
	}
	p := listen(t, faultproxy.Route{Target: echo(t, "")})
	old := dial(t, p)
	expect(t, old, "before", "before")
	p.Set(faultproxy.Faults{Deaf: true})
	send(t, old, "again")
	mustBeSilent(t, old)
	if c, err := net.DialTimeout("tcp", p.Addr(), instant); err == nil {
		_ = c.Close()
		t.Error("a connection was made")
	}
	p.Clear()
	receive(t, old, "again")
	expect(t, dial(t, p), "after", "after")
}
