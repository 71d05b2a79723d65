// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"aeroplane.run/authz"
	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

type catalog = v1.CatalogServiceClient

// A noun is a kind of thing that the catalog holds.
type noun[T proto.Message] struct {
	one, many, heading string
	fresh              func() T
	row                func(T) []string
	flags              func(*cobra.Command) func(id string) T // defines put's flags; the result makes an item of them

	sorted string                         // what list sorts by
	list   func(*cobra.Command) lister[T] // defines list's flags; the result lists what they select
	listed func(items []T, next string) proto.Message

	put          func(context.Context, catalog, []T) (changed int32, err error)
	putTotal     func(int32) proto.Message
	remove       func(context.Context, catalog, []string) (removed int32, err error)
	removedTotal func(int32) proto.Message
}

// A lister fetches a page of a list.
type lister[T any] func(ctx context.Context, c catalog, size int32, token string) (page []T, next string, err error)

func nounCommands[T proto.Message](a *app, n noun[T]) *cobra.Command {
	return group(n.many, "Tell the server of Aeroplane's "+n.many+", and list them", n.putCommand(a), n.listCommand(a), n.deleteCommand(a))
}

func (n noun[T]) putCommand(a *app) *cobra.Command {
	cmd := command("put (--id ID | --file FILE) [flags]", "Create or replace "+n.many, noArguments, nil)
	cmd.Long = "Create or replace one " + n.one + ", described by flags; or many, described by the lines of a file, one JSON object a line.\n" +
		"Of a file each " + fmt.Sprint(authz.MaxBatch) + " lines are put at once, all or none. Putting what is there already changes nothing."
	file := cmd.Flags().String("file", "", "a `file` of JSON lines; - is standard input")
	item := n.flags(cmd)
	cmd.Flags().VisitAll(func(f *pflag.Flag) {
		if f.Name != "file" {
			cmd.MarkFlagsMutuallyExclusive("file", f.Name) // the lines say it all
		}
	})
	id := cmd.Flags().String("id", "", "the `id` of the one to put")
	return a.calling(cmd, admin, func(ctx context.Context, c *connection, cmd *cobra.Command, _ []string) error {
		many := cmd.Flags().Changed("file")
		if many == cmd.Flags().Changed("id") {
			return usage("name the %s to put with --id, or a file of them with --file, one of the two", n.one)
		}
		var changed int32
		put := func(ctx context.Context, items []T) error {
			more, err := n.put(ctx, v1.NewCatalogServiceClient(c), items)
			changed += more
			return err
		}
		if !many {
			one := item(*id)
			if err := put(ctx, []T{one}); err != nil {
				return err
			}
			return c.answer(n.putTotal(changed), func(w io.Writer) {
				columns(w, n.heading, [][]string{n.row(one)})
				fmt.Fprintf(w, "1 %s put, %d changed\n", n.one, changed)
			})
		}
		b := &bulk[T]{send: put, parse: n.parse}
		if err := b.fromFile(ctx, a, *file, n.one, n.many, "put"); err != nil {
			return err
		}
		return c.answer(n.putTotal(changed), func(w io.Writer) {
			fmt.Fprintf(w, "%s put, %d changed\n", count(b.total, n.one, n.many), changed)
		})
	})
}

func (n noun[T]) deleteCommand(a *app) *cobra.Command {
	cmd := command("delete (ID ... | --file FILE) [flags]", "Delete "+n.many, cobra.ArbitraryArgs, nil)
	file := cmd.Flags().String("file", "", "a `file` of ids, one a line; - is standard input")
	return a.calling(cmd, admin, func(ctx context.Context, c *connection, cmd *cobra.Command, args []string) error {
		many := cmd.Flags().Changed("file")
		if many == (len(args) > 0) {
			return usage("name the %s to delete, or a file of ids with --file, one of the two", n.many)
		}
		var removed int32
		b := &bulk[string]{
			source: strings.NewReader(strings.Join(args, "\n")),
			parse:  func(line string) (string, error) { return line, nil },
			send: func(ctx context.Context, ids []string) error {
				more, err := n.remove(ctx, v1.NewCatalogServiceClient(c), ids)
				removed += more
				return err
			},
		}
		var err error
		if many {
			err = b.fromFile(ctx, a, *file, n.one, n.many, "deleted")
		} else {
			err = b.run(ctx)
		}
		if err != nil {
			return err
		}
		return c.answer(n.removedTotal(removed), func(w io.Writer) {
			fmt.Fprintf(w, "%s deleted\n", count(int(removed), n.one, n.many))
		})
	})
}

func (n noun[T]) listCommand(a *app) *cobra.Command {
	cmd := command("list [flags]", "List "+n.many+" by "+n.sorted, noArguments, nil)
	list := n.list(cmd)
	limit := cmd.Flags().Int("limit", 0, "list at most so many; 0 lists all")
	return a.calling(cmd, admin, func(ctx context.Context, c *connection, _ *cobra.Command, _ []string) error {
		client := v1.NewCatalogServiceClient(c)
		items, next, err := all(*limit, func(size int32, token string) ([]T, string, error) {
			return list(ctx, client, size, token)
		})
		if err != nil {
			return err
		}
		return c.answer(n.listed(items, next), func(w io.Writer) {
			var rows [][]string
			for _, item := range items {
				rows = append(rows, n.row(item))
			}
			columns(w, n.heading, rows)
		})
	})
}

func (n noun[T]) parse(line string) (T, error) {
	item := n.fresh()
	if strings.HasPrefix(line, "[") {
		return item, errors.New("one JSON object a line is expected, not an array")
	}
	if err := protojson.Unmarshal([]byte(line), item); err != nil {
		// The library varies the blank after its name on purpose.
		return item, errors.New(strings.TrimLeft(strings.TrimPrefix(err.Error(), "proto:"), " \u00a0"))
	}
	return item, nil
}
