// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"unicode/utf8"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/door"
)

// readJSON reads the body of a request, which is one JSON value, or nothing at all. Whether it says so need not be said of nothing, unless
// named.
func readJSON(w http.ResponseWriter, r *http.Request, most int, named bool) ([]byte, error) {
	kind := r.Header["Content-Type"]
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, int64(most)))
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, authz.Errorf(authz.Invalid, "the body must be at most %d bytes", most).Because(err)
	case err != nil:
		return nil, authz.Errorf(authz.Invalid, "the body could not be read").Because(err)
	case (named || len(body) > 0) && (len(kind) != 1 || !door.PlainJSON(kind, r.Header["Content-Encoding"])):
		return nil, authz.Errorf(authz.Invalid, "the request must have the Content-Type application/json").Because(errMediaType)
	case len(body) > 0:
		return body, oneValue(body)
	}
	return nil, nil
}

// oneValue refuses what is not one JSON value, and says where that shows.
func oneValue(body []byte) error {
	var wrong *json.SyntaxError
	if !errors.As(json.Unmarshal(body, new(json.RawMessage)), &wrong) {
		return nil
	}
	if err := json.NewDecoder(bytes.NewReader(body)).Decode(new(json.RawMessage)); errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return authz.Errorf(authz.Invalid, "the body must be one JSON value, and breaks off before its end")
	}
	before := body[:wrong.Offset-1] // what is wrong was read when that was found
	at, _ := utf8.DecodeRune(body[len(before):])
	line, column := 1+bytes.Count(before, []byte("\n")), 1+utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return authz.Errorf(authz.Invalid, "the body must be one JSON value: at line %d, column %d there cannot be %q", line, column, at)
}
