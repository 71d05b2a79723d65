// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"
)

const (
	defaultPage = 100
	maxPage     = 1000
)

// A PageRequest asks for a page of a list.
type PageRequest struct {
	Size  int    // 0: 100; more than 1000: 1000
	Token string // the token that came with the page before; empty: the first page
}

// A pageToken is what a token holds. It only ever becomes values bound to a statement, beside those of the filter, which keeps a reader to
// what is theirs on every page: there is nothing to gain by forging one, so it is not sealed.
type pageToken struct {
	Filter []byte // of the list and its filter, so that a token is not used with another
	After  Cursor
}

// paged fetches one page of the list called name, and the token of the next one, which is empty after the last.
func paged[T any](r PageRequest, name string, filter any, cursor func(T) Cursor,
	fetch func(Page) ([]T, error)) (rows []T, next string, err error) {
	var v violations
	size := r.Size
	switch {
	case size < 0:
		v.add("page_size", "must not be negative")
	case size == 0:
		size = defaultPage
	case size > maxPage:
		size = maxPage
	}
	sum := filterSum(name, filter)
	after, ok := parseToken(r.Token, sum)
	if !ok {
		v.add("page_token", "must be what a page of the same list, with the same filter, gave for the next")
	}
	if err := v.err(); err != nil {
		return nil, "", err
	}
	rows, err = fetch(Page{Size: size + 1, After: after})
	if err != nil || len(rows) <= size {
		return rows, "", err
	}
	rows = rows[:size]
	text, err := json.Marshal(pageToken{Filter: sum, After: cursor(rows[size-1])})
	if err != nil {
		return nil, "", err
	}
	return rows, base64.RawURLEncoding.EncodeToString(text), nil
}

func parseToken(token string, sum []byte) (Cursor, bool) {
	if token == "" {
		return Cursor{}, true
	}
	var t pageToken
	text, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || json.Unmarshal(text, &t) != nil {
		return Cursor{}, false
	}
	ok := string(t.Filter) == string(sum) && !t.After.IsZero() && (t.After.ID == "" || ValidID(t.After.ID)) &&
		!strings.Contains(t.After.Name, "\x00") // which Postgres takes for no text
	return t.After, ok
}

func filterSum(name string, filter any) []byte {
	text, err := json.Marshal(filter)
	if err != nil {
		panic(err) // filters are structs of plain fields
	}
	sum := sha256.Sum256(append([]byte(name+"\x00"), text...))
	return sum[:16]
}
