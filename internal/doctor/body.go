// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bufio"
	"io"
	"slices"
	"strconv"
	"strings"
)

// readBody reads a request's body to its end, and keeps its trailers. An error means that the end cannot be told, so that what follows
// cannot be read. Chunks go before a length, as RFC 9112, 6.3 has it; ambiguous reports that both were there.
func (m *Message) readBody(r *bufio.Reader) error {
	if coding := strings.ToLower(strings.Join(m.values("transfer-encoding"), ",")); strings.HasSuffix(coding, "chunked") {
		return m.readChunks(r)
	} else if coding != "" {
		return errTooLong
	}
	lengths := m.values("content-length")
	if len(lengths) == 0 {
		return nil
	}
	n, err := strconv.ParseUint(lengths[0], 10, 63)
	if err != nil || n > maxBody {
		return errTooLong
	}
	_, err = io.CopyN(io.Discard, r, int64(n))
	return err
}

func (m *Message) readChunks(r *bufio.Reader) error {
	for left := int64(maxBody); ; {
		line, err := readLine(r, maxHead)
		if err != nil {
			return err
		}
		text, _, _ := strings.Cut(strings.TrimRight(line, "\r\n"), ";")
		size, err := strconv.ParseUint(strings.TrimSpace(text), 16, 63)
		if err != nil || int64(size) > left {
			return errTooLong
		}
		if size == 0 {
			break
		}
		left -= int64(size)
		if _, err := io.CopyN(io.Discard, r, int64(size)); err != nil {
			return err
		}
		if _, err := readLine(r, maxHead); err != nil {
			return err
		}
	}
	var trailers []byte
	for {
		line, err := readLine(r, maxHead-len(trailers))
		if err != nil {
			return err
		}
		if strings.Trim(line, "\r\n") == "" {
			m.Trailers = parseLines(trailers)
			return nil
		}
		trailers = append(trailers, line...)
	}
}

// ambiguous says in which ways two readers may disagree about where a request ends, or which headers it has.
func (m *Message) ambiguous() (ways []string) {
	codings, lengths := m.values("transfer-encoding"), m.values("content-length")
	if len(codings) > 0 && len(lengths) > 0 {
		ways = append(ways, "both Content-Length and Transfer-Encoding arrived")
	}
	if len(codings) > 1 || len(codings) == 1 && !strings.EqualFold(codings[0], "chunked") {
		ways = append(ways, "a Transfer-Encoding other than chunked arrived")
	}
	if len(slices.Compact(slices.Clone(lengths))) > 1 {
		ways = append(ways, "two Content-Lengths arrived that differ")
	}
	for _, length := range lengths {
		if _, err := strconv.ParseUint(length, 10, 63); err != nil {
			ways = append(ways, "a Content-Length arrived that is no number, or too large: "+visible(length))
		}
	}
	if len(m.values("host")) > 1 {
		ways = append(ways, "two Hosts arrived")
	}
	for _, l := range m.all() {
		if strings.ContainsAny(l.Name+l.Value, "\r\x00") {
			ways = append(ways, "a header line with a carriage return or a null byte in it arrived")
		}
		if trimmed := strings.TrimSpace(l.Name); trimmed != l.Name || trimmed == "" {
			ways = append(ways, "a header arrived whose name has blanks around it, or is empty")
		}
	}
	return slices.Compact(ways)
}
