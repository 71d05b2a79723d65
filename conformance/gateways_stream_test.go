// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"aeroplane.run/authz/internal/sqlite"
)

// Logs are followed while they are written, uploads arrive while they are sent, and websockets are opened, through each real proxy.
func TestStreamsThroughGateways(t *testing.T) {
	store := must[*sqlite.Store](t)(sqlite.Open(t.Context(), sqlite.Config{Dir: t.TempDir(), Migrate: true}))
	f := newFixture(t, store)
	f.userIDs = map[string]string{}
	key := "Host: aeroplane.test\r\nAuthorization: Bearer " + f.expand("{key:write/all}") + "\r\n"
	for name := range gateways {
		t.Run(name, func(t *testing.T) {
			l := must[net.Listener](t)(net.Listen("tcp", "127.0.0.1:0"))
			t.Cleanup(func() { _ = l.Close() })
			g := startGateway(t, name, f.httpAddr, l.Addr().String())
			follow := func(client, upstream *peer) { // up to the first event, before there is more
				client.say("GET /api/deployments/d/stream HTTP/1.1\r\n" + key + "\r\n")
				upstream.hear("\r\n\r\n")
				upstream.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n7\r\ndata: 1\r\n")
				client.hear("data: 1")
			}
			for what, talk := range map[string]func(client, upstream *peer){
				"events": func(client, upstream *peer) {
					follow(client, upstream)
					upstream.say("7\r\ndata: 2\r\n0\r\n\r\n")
					client.hear("data: 2")
				},
				"an upload": func(client, upstream *peer) {
					client.say("POST /api/projects/p/upload HTTP/1.1\r\n" + key + "Content-Length: 12\r\n\r\nfirst ")
					upstream.hear("first ") // before there is more
					client.say("second")
					upstream.hear("second")
					upstream.say("HTTP/1.1 204 No Content\r\n\r\n")
					client.hear("204")
				},
				"an upload of no known length": func(client, upstream *peer) {
					client.say("POST /api/projects/p/upload HTTP/1.1\r\n" + key + "Transfer-Encoding: chunked\r\n\r\n6\r\nfirst \r\n")
					upstream.hear("first \r\n") // before there is more
					client.say("6\r\nsecond\r\n0\r\n\r\n")
					upstream.hear("second\r\n0\r\n\r\n")
					upstream.say("HTTP/1.1 204 No Content\r\n\r\n")
					client.hear("204")
				},
				"events that nobody listens to any more": func(client, upstream *peer) {
					follow(client, upstream)
					_ = client.conn.Close()
					if _, err := upstream.in.ReadByte(); errors.Is(err, os.ErrDeadlineExceeded) {
						t.Error("the gateway holds on to the upstream although the client has gone")
					}
				},
				"a websocket": func(client, upstream *peer) {
					client.say("GET /api/services/s/console HTTP/1.1\r\n" + key + "Connection: Upgrade\r\nUpgrade: websocket\r\n" +
						"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
					if head := strings.ToLower(upstream.hear("\r\n\r\n")); !strings.Contains(head, "\r\nupgrade: websocket\r\n") ||
						!strings.Contains(head, "\r\nconnection: upgrade\r\n") || !strings.Contains(head, "\r\naeroplane-caller: key\r\n") {
						t.Errorf("what arrived:\n%s", head)
					}
					upstream.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
						"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
					client.hear("\r\n\r\n")
					client.say("ping")
					upstream.hear("ping")
					upstream.say("pong")
					client.hear("pong")
				},
			} {
				t.Run(what, func(t *testing.T) {
					client := newPeer(t, must[net.Conn](t)(net.Dial("tcp", g.address)))
					accepted := make(chan net.Conn, 1)
					go func() {
						if conn, err := l.Accept(); err == nil {
							accepted <- conn
						}
					}()
					var upstream peer
					upstream.accept = func() { upstream = *newPeer(t, <-accepted) }
					upstream.t = t
					talk(client, &upstream)
				})
			}
		})
	}
}

// A peer is one end of a connection, on which bytes are said and heard. One that was not there yet is accepted when it is to hear.
type peer struct {
	t      *testing.T
	conn   net.Conn
	in     *bufio.Reader
	accept func()
}

func newPeer(t *testing.T, conn net.Conn) *peer {
	t.Helper()
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &peer{t: t, conn: conn, in: bufio.NewReader(conn)}
}

func (p *peer) say(text string) {
	p.t.Helper()
	must[int](p.t)(io.WriteString(p.conn, text))
}

// hear reads up to the end of a text, and returns all that was read.
func (p *peer) hear(text string) string {
	p.t.Helper()
	if p.conn == nil {
		p.accept()
	}
	var heard strings.Builder
	for !strings.HasSuffix(heard.String(), text) {
		b, err := p.in.ReadByte()
		if err != nil {
			p.t.Fatalf("%v, before %q came, after\n%s", err, text, heard.String())
		}
		heard.WriteByte(b)
	}
	return heard.String()
}
