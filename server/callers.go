// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"
	"strings"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/apikey"
)

// The bounds of a caller's name and token. 32 characters of base64 hold 192 random bits.
const (
	maxCallerName = 64
	minToken      = 32
	maxToken      = 1024
)

// A Caller may call. Its token is kept as a digest alone.
type Caller struct {
	Role   authz.CallerRole
	Name   string
	digest apikey.Digest
}

// ParseCallers reads the callers of one role: a name and a token a line, parted by blanks. Lines that are empty or
// start with # say nothing. Several callers of a role let one token replace another without a gap. An error tells the
// line, and nothing of what is on it: a token may stand where it should not.
func ParseCallers(role authz.CallerRole, text string) ([]Caller, error) {
	var callers []Caller
	lineOf := make(map[string]int)
	number := 0
	for line := range strings.SplitSeq(text, "\n") {
		number++
		fields := strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' || r == '\r' })
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		switch {
		case len(fields) != 2:
			return nil, fmt.Errorf("line %d: must be a name and a token, parted by a blank", number)
		case !visible(fields[0], 1, maxCallerName):
			return nil, fmt.Errorf("line %d: the name must be 1 to %d visible ASCII characters", number, maxCallerName)
		case !visible(fields[1], minToken, maxToken):
			return nil, fmt.Errorf("line %d: the token must be %d to %d visible ASCII characters", number, minToken, maxToken)
		case lineOf[fields[0]] != 0:
			return nil, fmt.Errorf("line %d: line %d has the same name", number, lineOf[fields[0]])
		}
		lineOf[fields[0]] = number
		callers = append(callers, Caller{Role: role, Name: fields[0], digest: apikey.DigestOf(fields[1])})
	}
	return callers, nil
}

// Callers are all who may call. They do not change.
type Callers struct{ all []Caller }

// NewCallers puts callers together. A name may occur once a role, since it is what the audit record knows a caller by,
// and a token once at all.
func NewCallers(all ...Caller) (*Callers, error) {
	for i, c := range all {
		for _, d := range all[:i] {
			switch {
			case c.Role == d.Role && c.Name == d.Name:
				return nil, fmt.Errorf("two %s tokens have the name %q", c.Role, c.Name)
			case c.digest == d.digest:
				return nil, fmt.Errorf("%s token %q and %s token %q are the same",
					d.Role, d.Name, c.Role, c.Name)
			}
		}
	}
	return &Callers{all: all}, nil
}

// metadataEntry is where a call of gRPC carries its token, whose names are small.
const metadataEntry = "metadata entry authorization"

// identify returns the caller whose token is the only one of values, as "Bearer <token>". Where says where they come from.
func (c *Callers) identify(values []string, where string) (*Caller, error) {
	if len(values) == 0 {
		return nil, authz.Errorf(authz.Unauthenticated, "a bearer token is needed in the %s", where)
	}
	const scheme = "bearer "
	value := values[0]
	if len(values) > 1 || len(value) < len(scheme) || !strings.EqualFold(value[:len(scheme)], scheme) {
		return nil, authz.Errorf(authz.Unauthenticated, "the %s must be one bearer token", where)
	}
	token := value[len(scheme):]
	if caller := c.find(token); caller != nil {
		return caller, nil
	}
	if strings.ContainsAny(token, " \t") {
		return nil, authz.Errorf(authz.Unauthenticated, "the bearer token is several words, as a whole line of a file of tokens is: only what is behind the name is the token")
	}
	return nil, authz.Errorf(authz.Unauthenticated, "the bearer token is not known")
}

// named returns the caller of a role with a name, or nil.
func (c *Callers) named(role authz.CallerRole, name string) *Caller {
	if c == nil {
		return nil
	}
	for i := range c.all {
		if c.all[i].Role == role && c.all[i].Name == name {
			return &c.all[i]
		}
	}
	return nil
}

// find returns the caller with a token, or nil. It compares with every one there is, to the end, so that the time it takes tells nothing.
func (c *Callers) find(token string) (found *Caller) {
	if c == nil {
		return nil
	}
	digest := apikey.DigestOf(token)
	for i := range c.all {
		if digest.Equal(c.all[i].digest) {
			found = &c.all[i]
		}
	}
	return found
}

// visible reports whether s is visible ASCII, and of a length from least to most.
func visible(s string, least, most int) bool {
	for i := range len(s) {
		if s[i] < '!' || s[i] > '~' {
			return false
		}
	}
	return least <= len(s) && len(s) <= most
}
