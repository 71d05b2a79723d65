// SPDX-License-Identifier: Apache-2.0

package server

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"

	"aeroplane.run/authz"
)

// keyList is the answer to a GET.
type keyList struct {
	APIKeys  []shownKey     `json:"apiKeys"`
	Projects []shownProject `json:"projects"`
}

// createdKey is the answer to a POST. Its token is the whole key.
type createdKey struct {
	APIKey shownKey `json:"apiKey"`
	Token  string   `json:"token"`
}

// done is the answer to a DELETE.
type done struct {
	OK bool `json:"ok"`
}

type shownKey struct {
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	TokenPrefix  string   `json:"tokenPrefix"`
	AccessLevel  string   `json:"accessLevel"`
	ProjectScope string   `json:"projectScope"`
	ProjectIDs   []string `json:"projectIds"`
	CreatedAt    *string  `json:"createdAt"`
	UpdatedAt    *string  `json:"updatedAt"` // of which there is no record: when it was created
	LastUsedAt   *string  `json:"lastUsedAt"`
	ExpiresAt    *string  `json:"expiresAt"`
	RevokedAt    *string  `json:"revokedAt"`
}

type shownProject struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Slug string `json:"slug"`
}

// The words for the scope of a key.
const (
	scopeAll      = "all"
	scopeSelected = "selected"
)

func shownKeyOf(k authz.Key) shownKey {
	s := shownKey{
		ID: k.ID, Name: k.Name, TokenPrefix: k.Prefix, AccessLevel: k.Access.String(), ProjectScope: scopeAll, ProjectIDs: []string{},
		CreatedAt: jsTime(k.CreatedAt), UpdatedAt: jsTime(k.CreatedAt), LastUsedAt: jsTime(k.LastUsedAt),
		ExpiresAt: jsTime(k.ExpiresAt), RevokedAt: jsTime(k.RevokedAt),
	}
	if !k.Projects.All {
		s.ProjectScope, s.ProjectIDs = scopeSelected, append(s.ProjectIDs, k.Projects.IDs...)
	}
	return s
}

func shownProjectOf(p authz.Project) shownProject {
	return shownProject{ID: p.ID, Name: p.Name, Slug: p.Slug}
}

// jsTime writes a time as JavaScript's toISOString does, and one that never comes as null.
func jsTime(t time.Time) *string {
	if t.IsZero() {
		return nil
	}
	text := t.UTC().Format("2006-01-02T15:04:05.000Z")
	return &text
}

// parseKeyRequest reads the body of a POST as Aeroplane does, and refuses it in Aeroplane's words, the first that apply (behaviour 7).
func parseKeyRequest(body []byte) (r authz.KeyRequest, err error) {
	in, ok := jsParse(body)
	if !ok {
		in = map[string]any{} // what is not JSON counts as an object without anything
	}
	fields, ok := in.(map[string]any)
	if !ok {
		return r, authz.Errorf(authz.Invalid, "Invalid input: expected object, received %s", jsType(in, true))
	}
	if r.Name, err = keyName(fields); err != nil {
		return r, err
	}
	switch fields["accessLevel"] {
	case authz.Read.String():
		r.Access = authz.Read
	case authz.Write.String():
		r.Access = authz.Write
	default:
		return r, authz.Errorf(authz.Invalid, `Invalid option: expected one of "read"|"write"`)
	}
	scope := fields["projectScope"]
	if r.Projects.All = scope == scopeAll; !r.Projects.All && scope != scopeSelected {
		return r, authz.Errorf(authz.Invalid, `Invalid option: expected one of "all"|"selected"`)
	}
	if r.Projects.IDs, err = selectedIDs(fields); err != nil {
		return r, err
	}
	if r.Life, r.Forever, ok = keyLife(fields); !ok {
		return r, authz.Errorf(authz.Invalid, "Invalid input")
	}
	switch {
	case r.Projects.All:
		r.Projects.IDs = nil
	case len(r.Projects.IDs) == 0:
		return r, authz.Errorf(authz.Invalid, "Choose at least one project for a selected-project key")
	}
	return r, nil
}

func keyName(fields map[string]any) (string, error) {
	value, there := fields["name"]
	name, ok := value.(string)
	if !ok {
		return "", authz.Errorf(authz.Invalid, "Invalid input: expected string, received %s", jsType(value, there))
	}
	switch name = jsTrim(name); {
	case name == "":
		return "", authz.Errorf(authz.Invalid, "API key name is required")
	case len(utf16.Encode([]rune(name))) > 80: // which is how JavaScript counts
		return "", authz.Errorf(authz.Invalid, "API key name must be 80 characters or fewer")
	}
	return name, nil
}

// selectedIDs returns the ids that were selected, trimmed and each once.
func selectedIDs(fields map[string]any) (ids []string, err error) {
	value, there := fields["projectIds"]
	if !there {
		return nil, nil
	}
	list, ok := value.([]any)
	if !ok {
		return nil, authz.Errorf(authz.Invalid, "Invalid input: expected array, received %s", jsType(value, true))
	}
	seen := make(map[string]bool, len(list))
	for _, item := range list {
		id, ok := item.(string)
		if !ok {
			return nil, authz.Errorf(authz.Invalid, "Invalid input: expected string, received %s", jsType(item, true))
		}
		if id = jsTrim(id); id == "" {
			return nil, authz.Errorf(authz.Invalid, "Too small: expected string to have >=1 characters")
		}
		if !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// keyLife returns for how long a key is good. It may be written in any way that is the same number in JavaScript, as 7.0 is.
func keyLife(fields map[string]any) (life time.Duration, forever, ok bool) {
	value, there := fields["expiresInDays"]
	if there && value == nil {
		return 0, true, true
	}
	number, _ := value.(json.Number)
	days, _ := strconv.ParseFloat(number.String(), 64) // what is too large is infinite, and none of these
	if days == 7 || days == 30 || days == 90 {
		return time.Duration(days) * 24 * time.Hour, false, true
	}
	return 0, false, false
}

// jsParse reads JSON as JavaScript does: of several members of one name the last one counts, whose case matters, and what is no UTF-8 is
// replaced. ok is false for what is not JSON, and for what is nested more deeply than anybody would.
func jsParse(body []byte) (value any, ok bool) {
	body = bytes.TrimPrefix(body, []byte("\uFEFF"))
	if !json.Valid(body) { // the decoder leaves what follows
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	return value, d.Decode(&value) == nil
}

// jsType is what JavaScript calls the type of a value, and what is checked against.
func jsType(value any, there bool) string {
	switch value.(type) {
	case string:
		return "string"
	case json.Number:
		return "number"
	case bool:
		return "boolean"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	}
	if !there {
		return "undefined"
	}
	return "null"
}

// jsTrim trims what JavaScript's trim does, which is not quite what unicode.IsSpace knows.
func jsTrim(text string) string {
	return strings.TrimFunc(text, func(r rune) bool { return r == '\uFEFF' || r != '\u0085' && unicode.IsSpace(r) })
}
