// SPDX-License-Identifier: Apache-2.0

package aeroplane

import (
	"cmp"
	"database/sql/driver"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"aeroplane.run/authz"
)

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func (s *scan) readKeys() error {
	selected, err := s.readSelections()
	if err != nil {
		return err
	}
	var rows []credential[authz.ForeignKey]
	err = s.each(keys, func(v []driver.Value) {
		rows = append(rows, s.key(v, selected))
	}, "id", "token_hash", "access_level", "project_scope", "created_by_user_id", "created_at", "expires_at", "revoked_at",
		"name", "token_prefix", "last_used_at")
	s.Keys = []authz.ForeignKey{}
	doubtful := map[string]bool{}
	for _, row := range settle(rows) {
		if row.why != "" {
			s.refuse("key", row.shown, row.why)
			if row.id != "" {
				doubtful[row.id] = true
			}
			continue
		}
		s.Keys = append(s.Keys, row.item)
		for _, note := range row.notes {
			s.note("key", row.id, "%s", note)
		}
	}
	slices.SortFunc(s.Keys, func(a, b authz.ForeignKey) int { return cmp.Compare(a.ID, b.ID) })
	s.DoubtfulKeys = sortedKeys(doubtful) // none of them is in Keys: rows that share an id are all refused
	return err
}

// readSelections returns the projects that were selected for each key, sorted. What is gone is not among them.
func (s *scan) readSelections() (map[string][]string, error) {
	known := make(map[string]bool, len(s.Projects))
	for _, p := range s.Projects {
		known[p.ID] = true
	}
	selected := map[string][]string{}
	err := s.each(selections, func(v []driver.Value) {
		key, _ := v[0].(string)
		if project, _ := v[1].(string); known[project] {
			selected[key] = append(selected[key], project)
		}
	}, "api_key_id", "project_id")
	for key, ids := range selected {
		slices.Sort(ids)
		selected[key] = slices.Compact(ids)
	}
	return selected, err
}

func (s *scan) key(v []driver.Value, selected map[string][]string) credential[authz.ForeignKey] {
	row := credential[authz.ForeignKey]{shown: shown(v[0])}
	k := &row.item.Key
	refuse := func(is bool, why string) {
		if is && row.why == "" {
			row.why = why
		}
	}
	note := func(is bool, why string) {
		if is {
			row.notes = append(row.notes, why)
		}
	}
	id, why := idOf(v[0], authz.ValidID)
	refuse(why != "", "its id "+why)
	row.id, k.ID = id, id
	row.digest, row.hashed = digestOf(v[1])
	row.item.Digest = row.digest
	refuse(!row.hashed, badHash)

	k.Access = authz.Read
	if v[2] == "write" {
		k.Access = authz.Write
	}
	note(v[2] != "read" && v[2] != "write", "its access level is neither read nor write, and counts as read")
	if k.Projects.All = v[3] == "all"; !k.Projects.All {
		k.Projects.IDs = selected[id]
	}
	refuse(len(k.Projects.IDs) > authz.MaxKeyProjects, fmt.Sprintf("selects more than %d projects", authz.MaxKeyProjects))
	note(v[3] != "all" && v[3] != "selected", "its scope is neither all nor selected, and counts as selected")
	k.UserID, why = s.creator(v[4])
	refuse(why != "", why)

	var ok bool
	k.CreatedAt, ok = instant(v[5])
	refuse(!ok, "it cannot be read when it was created: created_at is no time")
	k.ExpiresAt, ok = optional(v[6])
	refuse(!ok, "it cannot be read when it expires: expires_at is no time")
	k.RevokedAt, ok = optional(v[7])
	refuse(!ok, "it cannot be read when it was revoked: revoked_at is no time")
	k.LastUsedAt, ok = optional(v[10])
	note(!ok, "it cannot be read when it was last used, and counts as never used")
	s.describe(k, v[8], v[9], note)
	return row
}

// creator returns whom a key acts for, or why it must not act for anybody. A key without a user reaches everything; that is right only
// where there is nobody else.
func (s *scan) creator(v driver.Value) (user, why string) {
	if v == nil || v == "" {
		if s.people.rows > 1 {
			return "", "acts for no user although there are several: it would reach everybody's projects; create it anew in Aeroplane"
		}
		return "", ""
	}
	user, _ = v.(string)
	if _, known := s.people.roles[user]; !known {
		return "", "its user no longer exists, or was refused"
	}
	return user, ""
}

// prefix is what Aeroplane shows of a key.
var prefix = regexp.MustCompile(`^ap_[0-9A-Za-z_-]{8}$`)

// describe sets what people know a key by.
func (s *scan) describe(k *authz.Key, name, shows driver.Value, note func(bool, string)) {
	k.Prefix, _ = readable(shows, mostOfPrefix)
	note(s.schema[keys.name+".token_prefix"] && !prefix.MatchString(k.Prefix), "its prefix is not of Aeroplane's form")
	if k.Prefix == "" {
		k.Prefix = "ap_?"
	}
	var changed bool
	k.Name, changed = readable(name, mostOfKeyName)
	note(changed, "its name has characters that do not print, or too many: it is changed")
	if k.Name == "" {
		k.Name = k.Prefix
	}
}
