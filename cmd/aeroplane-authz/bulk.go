// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"

	"aeroplane.run/authz"
)

// maxLine bounds a line of a file, in bytes.
const maxLine = 1 << 20

// A bulk is a file of items, one a line, that is sent in batches, each of which is done whole or not at all.
type bulk[T any] struct {
	name   string // of the file; empty: the items are arguments
	source io.Reader
	parse  func(line string) (T, error)
	send   func(context.Context, []T) error
	done   func(total int) // is called after each batch

	items []T   // of the batch that is being gathered
	lines []int // where each stands
	total int   // items of the batches before
}

// run sends everything. An error says on which line, and how much was done before.
func (b *bulk[T]) run(ctx context.Context) error {
	scanner := bufio.NewScanner(b.source)
	scanner.Buffer(nil, maxLine)
	number := 0
	for scanner.Scan() {
		number++
		line := strings.TrimSpace(scanner.Text())
		if line == "" {
			continue
		}
		item, err := b.parse(line)
		if err != nil {
			return b.stopped(usage("%s: %w", b.place(number), err))
		}
		b.items, b.lines = append(b.items, item), append(b.lines, number)
		if len(b.items) == authz.MaxBatch {
			if err := b.flush(ctx); err != nil {
				return err
			}
		}
	}
	if err := scanner.Err(); err != nil {
		return b.stopped(unread(err, "%s: %w", b.place(number+1), err))
	}
	return b.flush(ctx)
}

func (b *bulk[T]) flush(ctx context.Context) error {
	if len(b.items) == 0 {
		return nil
	}
	if err := b.send(ctx, b.items); err != nil {
		return b.stopped(b.located(err))
	}
	b.total += len(b.items)
	b.items, b.lines = b.items[:0], b.lines[:0]
	if b.done != nil {
		b.done(b.total)
	}
	return nil
}

// stopped says what was done before an error.
func (b *bulk[T]) stopped(err error) error {
	if b.total == 0 || b.name == "" {
		return err
	}
	f := classify(err).(*failure)
	return fail(f.code, "%w\nThe %d before were done; this batch and what follows were not. Repeating the whole is safe.", f.err, b.total)
}

// located names the lines that the server found fault with: it knows of items[3] only.
func (b *bulk[T]) located(err error) error {
	if b.name == "" {
		return err
	}
	st, ok := status.FromError(err)
	if !ok {
		return err
	}
	var text strings.Builder
	for _, detail := range st.Details() {
		bad, _ := detail.(*errdetails.BadRequest)
		for _, f := range bad.GetFieldViolations() {
			fmt.Fprintf(&text, "\n  %s: %s: %s", b.placeOf(f.GetField()), f.GetField(), f.GetDescription())
		}
	}
	if text.Len() == 0 {
		f := classify(err).(*failure)
		return fail(f.code, "%s to %d: %w", b.place(b.lines[0]), b.lines[len(b.lines)-1], f.err)
	}
	return fail(codeOf(st.Code()), "the server refused the input:%s", text.String())
}

// placeOf finds the line of a field such as projects[3].slug; of one without an index, the first of the batch.
func (b *bulk[T]) placeOf(field string) string {
	i := 0
	if _, after, ok := strings.Cut(field, "["); ok {
		_, _ = fmt.Sscanf(after, "%d]", &i)
	}
	if i < 0 || i >= len(b.lines) {
		i = 0
	}
	return b.place(b.lines[i])
}

func (b *bulk[T]) place(line int) string { return fmt.Sprintf("%s:%d", b.name, line) }

// fromFile sends the lines of a file, and tells of the progress.
func (b *bulk[T]) fromFile(ctx context.Context, a *app, path, one, many, done string) error {
	f, err := a.open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	b.name, b.source = spoken(path), f
	b.done = func(total int) { fmt.Fprintf(a.stderr, "%s %s\n", count(total, one, many), done) }
	return b.run(ctx)
}
