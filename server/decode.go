// SPDX-License-Identifier: Apache-2.0

package server

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// In the wire form a field begins with its number, shifted, and one of these. Below number 16 that is one byte.
const (
	varint = byte(protowire.VarintType)
	sized  = byte(protowire.BytesType) // texts and messages
)

// readUsual reads a BatchAuthorizeRequest.
func (b *batch) readUsual(text string) bool {
	n, ok := countRequests(text)
	if !ok || n == 0 {
		return false
	}
	b.grow(n)
	c := cursor{wire: text}
	for i := range b.questions {
		c.tag()
		if !b.questions[i].readUsual(c.bytes()) {
			return false
		}
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

// readUsual reads an AuthorizeStreamRequest.
func (n *numbered) readUsual(text string) bool {
	*n = numbered{}
	asked := false
	c := cursor{wire: text}
	for c.more() {
		switch tag := c.tag(); {
		case tag == 1<<3|varint:
			n.id = c.number()
		case tag == 2<<3|sized && !asked: // a second one would be merged into the first
			asked = true
			c.within(n.question.readUsual(c.bytes()))
		default:
			c.fail()
		}
	}
	return asked && !c.failed
}

// readUsual reads an AuthorizeRequest.
func (q *question) readUsual(text string) bool {
	var f fields
	credential := false
	c := cursor{wire: text}
	for c.more() {
		tag := c.tag()
		if tag >= 3<<3 && tag < 6<<3 {
			if credential {
				return false // the last counts, or headers are merged
			}
			credential = true
		}
		switch tag {
		case 1<<3 | sized:
			f.method = c.text()
		case 2<<3 | sized:
			f.path = c.text()
		case 3<<3 | sized:
			key := c.text()
			f.credential, f.credentialSize = authz.KeyText(key), len(key)
		case 4<<3 | sized:
			token := c.text()
			f.credential, f.credentialSize = authz.SessionToken(token), len(token)
		case 5<<3 | sized:
			c.within(f.readHeaders(c.bytes()))
		case 6<<3 | sized:
			f.target, f.hasTarget = c.text(), true
		case 7<<3 | varint:
			f.consistency = authzv1.Consistency(c.number())
		case 8<<3 | sized:
			f.atLeast = c.text()
		default:
			c.fail()
		}
	}
	if c.failed {
		return false
	}
	q.ask(&f)
	return true
}

// readHeaders reads CredentialHeaders, each of which has one value as a rule.
func (f *fields) readHeaders(text string) bool {
	var h authz.CredentialHeaders
	var authorization, key, cookie [1]string
	c := cursor{wire: text}
	for c.more() {
		switch tag := c.tag(); {
		case tag == 1<<3|sized && h.Authorization == nil:
			authorization[0] = c.text()
			h.Authorization = authorization[:]
		case tag == 2<<3|sized && h.APIKey == nil:
			key[0] = c.text()
			h.APIKey = key[:]
		case tag == 3<<3|sized && h.Cookie == nil:
			cookie[0] = c.text()
			h.Cookie = cookie[:]
		default:
			c.fail()
		}
	}
	f.credential, f.credentialSize = h.Credential(), len(authorization[0])+len(key[0])+len(cookie[0])
	return !c.failed
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

// skip passes over a field that begins with a tag. Groups, which nobody sends any more, it does not know.
func (c *cursor) skip(tag byte) {
	kind := protowire.Type(tag & 7)
	if tag >= 0x80 { // numbers from 16 have more bytes
		c.number()
	} else if tag < 1<<3 {
		c.fail()
	}
	switch kind {
	case protowire.VarintType:
		c.number()
	case protowire.BytesType:
		c.bytes()
	case protowire.Fixed32Type:
		c.advance(4)
	case protowire.Fixed64Type:
		c.advance(8)
	default:
		c.fail()
	}
}

func (c *cursor) advance(n int) {
	if n > len(c.wire)-c.at {
		c.fail()
		return
	}
	c.at += n
}

func (c *cursor) bytes() string {
	var n uint64
	if c.more() && c.wire[c.at] < 0x80 { // as a rule
		n = uint64(c.tag())
	} else {
		n = c.number()
	}
	from := c.at
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
