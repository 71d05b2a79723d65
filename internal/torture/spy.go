// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"bufio"
	"context"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A spy learns every value that anybody sets in a Redis.
type spy struct {
	mu     sync.Mutex
	keys   []string            // guarded by mu
	former map[string][]string // guarded by mu: what was ever set under each key
}

// spyOn returns a spy that learns until ctx ends. Redis tells it of each command that it runs.
func (s *Stage) spyOn(ctx context.Context, address string) *spy {
	s.Helper()
	learnt := &spy{former: make(map[string][]string)}
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err == nil {
		context.AfterFunc(ctx, func() { _ = conn.Close() })
		_, err = io.WriteString(conn, "MONITOR\r\n")
	}
	if err != nil {
		if ctx.Err() == nil {
			s.Error(err)
		}
		return learnt
	}
	go func() {
		lines := bufio.NewScanner(conn)
		lines.Buffer(nil, 4<<20)
		for lines.Scan() {
			if words := quoted(lines.Text()); len(words) > 2 && strings.EqualFold(words[0], "set") {
				learnt.learn(words[1], words[2])
			}
		}
	}()
	return learnt
}

// quoted returns the quoted words that a line ends with: 1339518083.107412 [0 127.0.0.1:60866] "set" "key" "value".
func quoted(line string) (words []string) {
	for {
		start := strings.IndexByte(line, '"')
		if start < 0 {
			return words
		}
		quote, err := strconv.QuotedPrefix(line[start:])
		if err != nil {
			return words
		}
		word, err := strconv.Unquote(quote)
		if err != nil {
			return words
		}
		words, line = append(words, word), line[start+len(quote):]
	}
}

// learn takes in a value, once.
func (l *spy) learn(key, value string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.former[key]
	if old == nil {
		l.keys = append(l.keys, key)
	}
	if !slices.Contains(old, value) {
		l.former[key] = append(old, value)
	}
}

// any returns, by chance, a key, a value that it had once, and one that any key had; or false if nothing was learnt yet.
func (l *spy) any(chance func(int) int) (key, own, other string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.keys) == 0 {
		return "", "", "", false
	}
	some := func(list []string) string { return list[chance(len(list))] }
	key = some(l.keys)
	return key, some(l.former[key]), some(l.former[some(l.keys)]), true
}
