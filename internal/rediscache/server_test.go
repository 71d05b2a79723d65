// SPDX-License-Identifier: Apache-2.0

package rediscache

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// An impostor is a server that is not Redis: what no Redis would do, it does.
type impostor struct {
	net.Listener
	accepted atomic.Int32
	serving  sync.WaitGroup

	mu    sync.Mutex
	conns []net.Conn // guarded by mu
}

// imposture starts an impostor, which does with each connection what serve does.
func imposture(t *testing.T, serve func(net.Conn)) *impostor {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	i := &impostor{Listener: l}
	i.serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			i.accepted.Add(1)
			i.mu.Lock()
			i.conns = append(i.conns, conn)
			i.mu.Unlock()
			i.serving.Go(func() {
				defer conn.Close()
				serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		i.mu.Lock()
		for _, conn := range i.conns {
			_ = conn.Close()
		}
		i.mu.Unlock()
		i.serving.Wait()
	})
	return i
}

func (i *impostor) config() Config { return Config{Addresses: []string{i.Addr().String()}} }

// silent says nothing, until the other side hangs up.
func silent(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// babbling says the same to whatever it hears.
func babbling(text string) func(net.Conn) {
	return func(conn net.Conn) {
		heard := make([]byte, 4096)
		for {
			if _, err := conn.Read(heard); err != nil {
				return
			}
			if _, err := io.WriteString(conn, text); err != nil {
				return
			}
		}
	}
}

// talking greets like Redis, says that there is no probe, and has answer answer all else: a command in words, the first in
// small letters.
func talking(answer func(conn net.Conn, command []string)) func(net.Conn) {
	return func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for {
			command, err := readCommand(in)
			switch {
			case err != nil:
				return
			case command[0] == "hello":
				_, _ = io.WriteString(conn, "*0\r\n")
			case command[0] == "get" && command[1] == prefix+"probe":
				_, _ = io.WriteString(conn, "$-1\r\n")
			default:
				answer(conn, command)
			}
		}
	}
}

// saying says the same to whatever is no greeting and no probe.
func saying(text string) func(net.Conn) {
	return talking(func(conn net.Conn, _ []string) { _, _ = io.WriteString(conn, text) })
}

// readCommand reads a list of texts.
func readCommand(in *bufio.Reader) ([]string, error) {
	count, err := readLength(in, '*')
	if err != nil || count < 1 {
		return nil, fmt.Errorf("a list of %d, %w", count, err)
	}
	words := make([]string, count)
	for i := range words {
		length, err := readLength(in, '$')
		if err != nil {
			return nil, err
		}
		word := make([]byte, length+2)
		if _, err := io.ReadFull(in, word); err != nil {
			return nil, err
		}
		words[i] = string(word[:length])
	}
	words[0] = strings.ToLower(words[0])
	return words, nil
}

func readLength(in *bufio.Reader, kind byte) (int, error) {
	line, err := in.ReadString('\n')
	if err != nil {
		return 0, err
	}
	if line[0] != kind {
		return 0, fmt.Errorf("%q", line)
	}
	return strconv.Atoi(strings.TrimRight(line[1:], "\r\n"))
}

func bulk(text []byte) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(text), text) }
