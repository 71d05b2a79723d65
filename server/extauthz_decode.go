// SPDX-License-Identifier: Apache-2.0

package server

// readUsual reads a CheckRequest. What it does not look for it does not look at either, be it valid or not. A message that comes in
// two parts is the sum of both, as in protobuf.
func (c *check) readUsual(text string) bool {
	c.clear()
	if !readOnly(1, text, c.readAttributes) {
		return false
	}
	c.finish()
	return true
}

// readOnly reads every field of a number that is a message, and passes over all others.
func readOnly(number byte, text string, read func(text string) bool) bool {
	wire := cursor{wire: text}
	for wire.more() {
		if tag := wire.tag(); tag == number<<3|sized {
			wire.within(read(wire.bytes()))
		} else {
			wire.skip(tag)
		}
	}
	return !wire.failed
}

func (c *check) readAttributes(text string) bool { return readOnly(4, text, c.readRequest) }

func (c *check) readRequest(text string) bool { return readOnly(2, text, c.readHTTP) }

func (c *check) readHTTP(text string) bool {
	c.http = true
	wire := cursor{wire: text}
	for wire.more() {
		switch tag := wire.tag(); tag {
		case 2<<3 | sized:
			c.method = wire.text()
		case 3<<3 | sized:
			wire.within(c.readJoined(wire.bytes()))
		case 4<<3 | sized:
			c.path = wire.text()
		case 11<<3 | sized:
			c.body = wire.text()
		case 12<<3 | sized:
			c.rawBody = wire.bytes()
		case 13<<3 | sized:
			c.hasLines = true
			wire.within(c.readLines(wire.bytes()))
		default:
			wire.skip(tag)
		}
	}
	return !wire.failed
}

// readJoined reads an entry of the map of headers. One that is there twice is not usual: the last counts.
func (c *check) readJoined(text string) bool {
	name, value, _, ok := readHeader(text)
	h := &c.joined
	before := [...]int{len(h.Authorization), len(h.APIKey), len(h.Cookie)}
	c.addJoined(name, value)
	after := [...]int{len(h.Authorization), len(h.APIKey), len(h.Cookie)}
	for i := range after {
		ok = ok && (before[i] == 0 || after[i] == before[i])
	}
	return ok
}

// readLines reads a HeaderMap.
func (c *check) readLines(text string) bool { return readOnly(1, text, c.readLine) }

func (c *check) readLine(text string) bool {
	name, value, raw, ok := readHeader(text)
	if raw != "" {
		value = raw
	}
	c.addLine(name, value)
	return ok
}

// readHeader reads a HeaderValue; or an entry of the map of headers, which is the same but for raw.
func readHeader(text string) (name, value, raw string, ok bool) {
	wire := cursor{wire: text}
	for wire.more() {
		switch tag := wire.tag(); tag {
		case 1<<3 | sized:
			name = wire.text()
		case 2<<3 | sized:
			value = wire.text()
		case 3<<3 | sized:
			raw = wire.bytes()
		default:
			wire.skip(tag)
		}
	}
	return name, value, raw, !wire.failed
}
