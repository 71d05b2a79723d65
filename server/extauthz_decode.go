// SPDX-License-Identifier: Apache-2.0

package server

// readUsual reads a CheckRequest. What it does not look for it does not look at either, be it valid or not. A message that comes in
// two parts is the sum of both, as in protobuf.
func (c *check) readUsual(text string) bool {
	c.clear()
	wire := cursor{wire: text}
	for wire.more() {
		if tag := wire.tag(); tag == 1<<3|sized {
			wire.within(c.readAttributes(wire.bytes()))
		} else {
			wire.skip(tag)
		}
	}
	if wire.failed {
		return false
	}
	c.finish()
	return true
}

func (c *check) readAttributes(text string) bool {
	wire := cursor{wire: text}
	for wire.more() {
		if tag := wire.tag(); tag == 4<<3|sized {
			wire.within(c.readRequest(wire.bytes()))
		} else {
			wire.skip(tag)
		}
	}
	return !wire.failed
}

func (c *check) readRequest(text string) bool {
	wire := cursor{wire: text}
	for wire.more() {
		if tag := wire.tag(); tag == 2<<3|sized {
			c.http = true
			wire.within(c.readHTTP(wire.bytes()))
		} else {
			wire.skip(tag)
		}
	}
	return !wire.failed
}

func (c *check) readHTTP(text string) bool {
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
	var name, value string
	wire := cursor{wire: text}
	for wire.more() {
		switch tag := wire.tag(); tag {
		case 1<<3 | sized:
			name = wire.text()
		case 2<<3 | sized:
			value = wire.text()
		default:
			wire.skip(tag)
		}
	}
	h := &c.joined
	before := [...]int{len(h.Authorization), len(h.APIKey), len(h.Cookie)}
	c.addJoined(name, value)
	after := [...]int{len(h.Authorization), len(h.APIKey), len(h.Cookie)}
	for i := range after {
		wire.within(before[i] == 0 || after[i] == before[i])
	}
	return !wire.failed
}

// readLines reads a HeaderMap.
func (c *check) readLines(text string) bool {
	wire := cursor{wire: text}
	for wire.more() {
		if tag := wire.tag(); tag == 1<<3|sized {
			wire.within(c.readLine(wire.bytes()))
		} else {
			wire.skip(tag)
		}
	}
	return !wire.failed
}

func (c *check) readLine(text string) bool {
	var name, value, raw string
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
	if raw != "" {
		value = raw
	}
	c.addLine(name, value)
	return !wire.failed
}
