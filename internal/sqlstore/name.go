// SPDX-License-Identifier: Apache-2.0

package sqlstore

import (
	"strings"

	"aeroplane.run/authz"
)

// Names compare as bytes, as do ids; and lower() knows of the letters of ASCII alone, in SQLite always, in Postgres for columns that are
// COLLATE "C". The values that they are compared with come with their letters in lower case, since lower() of a value would follow
// the language of the database.

// byName returns the columns of the order of names.
func byName(row string) string { return strings.ReplaceAll("lower($.name), $.name, $.id", "$", row) }

// afterName adds that a row comes after another one in the order of names. SQLite finds no row in an index by several values of which one
// is computed, but by that one alone.
func (f *filter) afterName(row string, after authz.Cursor) {
	f.and("lower(" + row + ".name) >= " + f.bind(lower(after.Name)))
	f.and("(" + byName(row) + ") > " + f.row(lower(after.Name), after.Name, after.ID))
}

// contains adds that one of the columns contains the text, ASCII letters in any case, unless the text is empty.
func (f *filter) contains(d Dialect, text string, columns ...string) {
	if text == "" {
		return
	}
	mark := f.bind(lower(text))
	either := make([]string, len(columns))
	for i, column := range columns {
		either[i] = d.Position + "(lower(" + column + "), " + mark + ") > 0"
	}
	f.and("(" + strings.Join(either, " OR ") + ")")
}

// lower is the lower() of columns.
func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r - 'A' + 'a'
		}
		return r
	}, text)
}
