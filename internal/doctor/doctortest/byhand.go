// SPDX-License-Identifier: Apache-2.0

package doctortest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/door"
	"aeroplane.run/authz/internal/testservers"
)

// StartByHand serves a gateway that parses HTTP by hand, and goes by Content-Length whatever else is there: what is a second request for an
// upstream that reads chunks is a part of the body for it. It ends with the test.
func StartByHand(t testing.TB, ask Ask, upstream string) *url.URL {
	t.Helper()
	return &url.URL{Scheme: "http", Host: testservers.Serve(t, func(conn net.Conn) {
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		_ = byHand(conn, ask, upstream) // of a client that sends rubbish
	})}
}

func byHand(client net.Conn, ask Ask, upstream string) error {
	r := bufio.NewReader(client)
	var lines []string
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return err
		}
		if line = strings.TrimRight(line, "\r\n"); line == "" {
			break
		}
		lines = append(lines, line)
	}
	if !utf8.ValidString(strings.Join(lines, "")) {
		return errors.New("not UTF-8")
	}
	words := strings.SplitN(lines[0], " ", 3)
	if len(words) != 3 {
		return errors.New("no request line")
	}
	var headers authzv1.CredentialHeaders
	length, kept := 0, []string{lines[0]}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ":")
		value = strings.Trim(value, " \t")
		switch strings.ToLower(name) {
		case "authorization":
			headers.Authorization = append(headers.Authorization, value)
		case "x-api-key":
			headers.XApiKey = append(headers.XApiKey, value)
		case "cookie":
			headers.Cookie = append(headers.Cookie, value)
		case "content-length":
			if n, err := strconv.ParseUint(value, 10, 16); err == nil {
				length = int(n)
			}
		}
		if !strings.HasPrefix(strings.ToLower(name), "aeroplane") {
			kept = append(kept, line)
		}
	}
	answer, err := ask(context.Background(), &authzv1.AuthorizeRequest{
		Method: words[0], Path: words[1], Credential: &authzv1.AuthorizeRequest_Headers{Headers: &headers},
	})
	switch {
	case err != nil:
		return refuseByHand(client, door.Refusal{Status: 503, Text: door.Unavailable})
	case !answer.Allowed:
		return refuseByHand(client, door.Refusal{Status: int(answer.Denial.HttpStatus), Text: answer.Denial.Message})
	}
	for n, value := range values(answer.Grant) {
		kept = append(kept, door.Names[n]+": "+value)
	}
	if length == 0 { // whatever has come already
		length = r.Buffered()
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return err
	}
	return forwardByHand(client, upstream, words[0], strings.Join(kept, "\r\n")+"\r\n\r\n"+string(body))
}

func refuseByHand(client io.Writer, refusal door.Refusal) error {
	head := fmt.Sprintf("HTTP/1.1 %d Refused\r\nContent-Length: %d\r\n", refusal.Status, len(refusal.Body()))
	for _, h := range refusal.Headers() {
		head += h.Name + ": " + h.Value + "\r\n"
	}
	_, err := io.WriteString(client, head+"\r\n"+string(refusal.Body()))
	return err
}

func forwardByHand(client io.Writer, upstream, method, request string) error {
	conn, err := net.Dial("tcp", upstream)
	if err != nil {
		return err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		return err
	}
	defer response.Body.Close()
	return response.Write(client)
}
