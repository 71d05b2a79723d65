// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"aeroplane.run/authz/internal/door"
)

const (
	// patience bounds one request, from dialling to the end of its answer.
	patience = 5 * time.Second
	// maxAnswer bounds what is read of an answer, in bytes.
	maxAnswer = 1 << 20
)

// An Answer is what the client got.
type Answer struct {
	Status int // 0: none, and None says why
	None   string
	Header http.Header
	Body   string
	// Echoed is the id that the echo answered to, if the answer is the echo's.
	Echoed string
}

// A gateway is where requests are sent.
type gateway struct {
	address string      // host and port
	tls     *tls.Config // nil: plaintext
}

// send sends the bytes as they are over a connection of their own, and reads one answer. Only that no connection can be had is an error:
// to end one without an answer is a way to refuse.
func (g gateway) send(ctx context.Context, request []byte, method string) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	conn, err := g.dial(ctx)
	if err != nil {
		return Answer{}, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()
	// A gateway may answer before it has read everything, and stop reading: the answer counts.
	written := make(chan struct{})
	go func() {
		defer close(written)
		_, _ = conn.Write(request)
	}()
	answer := read(bufio.NewReader(io.LimitReader(conn, maxAnswer)), method)
	_ = conn.Close()
	<-written
	return answer, nil
}

func (g gateway) dial(ctx context.Context) (net.Conn, error) {
	if g.tls == nil {
		return new(net.Dialer).DialContext(ctx, "tcp", g.address)
	}
	return (&tls.Dialer{Config: g.tls}).DialContext(ctx, "tcp", g.address)
}

func read(r *bufio.Reader, method string) Answer {
	for {
		response, err := http.ReadResponse(r, &http.Request{Method: method})
		if err != nil {
			return Answer{None: whyNone(err)}
		}
		body, _ := io.ReadAll(response.Body) // a body that was cut off is the answer all the same
		_ = response.Body.Close()
		if response.StatusCode >= 100 && response.StatusCode < 200 && response.StatusCode != http.StatusSwitchingProtocols {
			continue
		}
		return Answer{Status: response.StatusCode, Header: response.Header, Body: string(body), Echoed: response.Header.Get(echoHeader)}
	}
}

// whyNone says in a few words why there is no answer.
func whyNone(err error) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer within " + patience.String()
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed without an answer"
	case strings.Contains(err.Error(), "reset"):
		return "the connection was reset"
	}
	return "no answer in HTTP/1"
}

func (a Answer) String() string {
	if a.Status == 0 {
		return a.None
	}
	return fmt.Sprint("status ", a.Status)
}

// lacks says what a documented refusal has and this one has not (behaviour 4).
func (a *Answer) lacks(d Decision, head bool) (lacks []string) {
	if text, ok := errorText(a.Body); !head && (!ok || text != d.Text) {
		lacks = append(lacks, "the body is not the documented one")
	}
	for _, h := range (door.Refusal{Status: d.Status, Text: d.Text}).Headers() {
		if got := a.Header.Get(h.Name); !strings.Contains(strings.ToLower(got), strings.ToLower(h.Value)) {
			lacks = append(lacks, fmt.Sprintf("%s is not %s", h.Name, h.Value))
		}
	}
	return lacks
}

// errorText reads the body of a refusal as it is documented.
func errorText(body string) (text string, ok bool) {
	var refusal struct {
		Error *string `json:"error"`
	}
	if json.Unmarshal([]byte(body), &refusal) != nil || refusal.Error == nil {
		return "", false
	}
	return *refusal.Error, true
}
