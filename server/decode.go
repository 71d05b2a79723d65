// SPDX-License-Identifier: Apache-2.0

package server

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// In the wire form a field begins with its number, shifted, and one of these. Below number 16 that is one byte.
const (
	varint = byte(protowire.VarintType)
	sized  = byte(protowire.BytesType) // texts and messages
)

// A question is a request and the headers that it usually has, in one allocation.
type question struct {
	request authzv1.AuthorizeRequest
	headers headers
}

// headers are the credential headers of a request in one allocation, with room for the one value that they usually hold.
type headers struct {
	credential authzv1.AuthorizeRequest_Headers
	message    authzv1.CredentialHeaders
	room       [1]string
	taken      bool
}

// readBatch reads a batch into m, which is empty.
func readBatch(text string, m *authzv1.BatchAuthorizeRequest) bool {
	n, ok := countRequests(text)
	if !ok {
		return false
	}
	const together = 32 // questions in an allocation: few enough that Go has a size class for it
	var free []question
	m.Requests = make([]*authzv1.AuthorizeRequest, n)
	c := cursor{wire: text}
	for i := range n {
		if len(free) == 0 {
			free = make([]question, min(n-i, together))
		}
		c.tag()
		if !readRequest(c.bytes(), &free[0].request, &free[0].headers) {
			return false
		}
		m.Requests[i], free = &free[0].request, free[1:]
	}
	return true
}

// countRequests tells how many requests a batch holds, and whether it holds nothing else.
func countRequests(text string) (n int, ok bool) {
	c := cursor{wire: text}
	for ; c.more(); n++ {
		if c.tag() != 1<<3|sized || n == maxBatch {
			return 0, false
		}
		c.bytes()
	}
	return n, !c.failed
}

// readStreamRequest reads a request of a stream into m, which is empty.
func readStreamRequest(text string, m *authzv1.AuthorizeStreamRequest) bool {
	c := cursor{wire: text}
	for c.more() {
		switch tag := c.tag(); {
		case tag == 1<<3|varint:
			m.Id = c.number()
		case tag == 2<<3|sized && m.Request == nil: // a second one would be merged into the first
			q := new(question)
			m.Request = &q.request
			c.within(readRequest(c.bytes(), m.Request, &q.headers))
		default:
			c.fail()
		}
	}
	return !c.failed
}

// readRequest reads a request into m, which is empty. Its headers go into h, where there is one.
func readRequest(text string, m *authzv1.AuthorizeRequest, h *headers) bool {
	c := cursor{wire: text}
	for c.more() {
		switch c.tag() {
		case 1<<3 | sized:
			m.Method = c.text()
		case 2<<3 | sized:
			m.Path = c.text()
		case 3<<3 | sized:
			m.Credential = &authzv1.AuthorizeRequest_ApiKey{ApiKey: c.text()}
		case 4<<3 | sized:
			m.Credential = &authzv1.AuthorizeRequest_SessionToken{SessionToken: c.text()}
		case 5<<3 | sized:
			if m.Credential != nil {
				return false // headers would be merged
			}
			if h == nil {
				h = new(headers)
			}
			c.within(h.read(c.bytes()))
			m.Credential = &h.credential
		case 6<<3 | sized:
			id := c.text()
			m.TargetProjectId = &id
		case 7<<3 | varint:
			m.Consistency = authzv1.Consistency(c.number())
		case 8<<3 | sized:
			m.AtLeastRevision = c.text()
		default:
			c.fail()
		}
	}
	return !c.failed
}

func (h *headers) read(text string) bool {
	h.credential.Headers = &h.message
	c := cursor{wire: text}
	for c.more() {
		switch c.tag() {
		case 1<<3 | sized:
			h.message.Authorization = h.add(h.message.Authorization, c.text())
		case 2<<3 | sized:
			h.message.XApiKey = h.add(h.message.XApiKey, c.text())
		case 3<<3 | sized:
			h.message.Cookie = h.add(h.message.Cookie, c.text())
		default:
			c.fail()
		}
	}
	return !c.failed
}

func (h *headers) add(values []string, v string) []string {
	if h.taken {
		return append(values, v)
	}
	h.taken = true
	h.room[0] = v
	return h.room[:] // it is full: who appends gets another array
}

// A cursor goes through the wire form of a message. Once it has failed there is no more, and what it returned last is
// nothing. It counts and does not cut its text short: a pointer that moves costs much while Go collects garbage.
type cursor struct {
	wire   string
	at     int
	failed bool
}

func (c *cursor) more() bool { return c.at < len(c.wire) }

func (c *cursor) fail() { c.at, c.failed = len(c.wire), true }

// within fails if what was within a field could not be read.
func (c *cursor) within(ok bool) {
	if !ok {
		c.fail()
	}
}

// tag returns how the next field begins. There is more.
func (c *cursor) tag() byte {
	c.at++
	return c.wire[c.at-1]
}

func (c *cursor) number() (v uint64) {
	for shift := 0; shift < 64 && c.more(); shift += 7 {
		b := c.tag()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			c.within(shift < 63 || b <= 1) // 64 bits, and no more
			return v
		}
	}
	c.fail()
	return 0
}

func (c *cursor) bytes() string {
	n, from := c.number(), c.at
	if n > uint64(len(c.wire)-from) {
		c.fail()
		return ""
	}
	c.at += int(n)
	return c.wire[from:c.at]
}

// text is bytes which must be UTF-8.
func (c *cursor) text() string {
	v := c.bytes()
	c.within(utf8.ValidString(v))
	return v
}
