// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// A printer prints answers: results on out, one JSON document or text for people; everything else on notes.
type printer struct {
	out, notes io.Writer
	json       bool
}

// answer prints a message as JSON, or what text writes.
func (p printer) answer(m proto.Message, text func(w io.Writer)) error {
	if !p.json {
		return p.plain(nil, text)
	}
	// Fields without a value are printed too, so that scripts need not ask whether they are there.
	raw, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(m)
	if err != nil {
		return err
	}
	return p.plain(json.RawMessage(raw), text)
}

// plain is answer for what is no message.
func (p printer) plain(v any, text func(w io.Writer)) error {
	var b bytes.Buffer
	if p.json {
		raw, err := json.Marshal(v) // which also evens out whitespace: protojson varies it on purpose
		if err != nil {
			return err
		}
		if err := json.Indent(&b, raw, "", "  "); err != nil {
			return err
		}
		b.WriteByte('\n')
	} else {
		text(&b)
	}
	if _, err := p.out.Write(b.Bytes()); err != nil {
		return fmt.Errorf("the answer could not be printed: %w", err)
	}
	return nil
}

// note tells a person something that is no result.
func (p printer) note(format string, args ...any) { fmt.Fprintf(p.notes, format+"\n", args...) }

// columns writes rows under a heading.
func columns(w io.Writer, heading string, rows [][]string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, strings.Join(strings.Fields(heading), "\t"))
	for _, row := range rows {
		for i, text := range row {
			if i > 0 {
				_, _ = t.Write([]byte("\t"))
			}
			fmt.Fprint(t, cell(text))
		}
		fmt.Fprintln(t)
	}
	_ = t.Flush() // w is a buffer
}

// record writes names and values, one pair a line.
func record(w io.Writer, pairs ...[2]string) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, pair := range pairs {
		fmt.Fprintf(t, "%s\t%s\n", pair[0], cell(pair[1]))
	}
	_ = t.Flush()
}

// moment prints a time, to the second, in UTC.
func moment(t *timestamppb.Timestamp) string {
	if t == nil {
		return "never"
	}
	return t.AsTime().UTC().Format(time.RFC3339)
}

// all follows the pages of a list to its end, or to limit items where that is not 0. The token of the page that would be
// next tells whether there are more.
func all[T any](limit int, fetch func(size int32, token string) (page []T, next string, err error)) (items []T, next string, err error) {
	if limit < 0 {
		return nil, "", usage("--limit must not be negative")
	}
	const page = 200 // a key may select a thousand projects: more would make an answer very long
	for {
		size := page
		if limit > 0 {
			size = min(page, limit-len(items))
		}
		var more []T
		more, next, err = fetch(int32(size), next)
		if err != nil {
			return nil, "", err
		}
		items = append(items, more...)
		if next == "" || limit > 0 && len(items) >= limit {
			return items, next, nil
		}
	}
}

func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}
