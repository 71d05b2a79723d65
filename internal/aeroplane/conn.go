// SPDX-License-Identifier: Apache-2.0

package aeroplane

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"net/url"

	"modernc.org/sqlite"
)

// A conn is one connection of the driver. There is no pool: it would open another connection in its own time, and what attach has made
// sure of would not hold for that.
type conn struct{ driver.Conn }

// dial opens a database read-only. Nothing of it is read yet.
func dial(ctx context.Context, path, parameters string) (*conn, error) {
	u := url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}
	connector, err := sqlite.NewConnector(u.String() + "?mode=ro&_pragma=busy_timeout(1000)&_pragma=trusted_schema(OFF)" +
		"&_pragma=cell_size_check(1)&_dqs=0&_query_only=1" + parameters)
	if err != nil {
		return nil, err
	}
	c, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{c}, nil
}

func (c *conn) exec(ctx context.Context, statement string) error {
	_, err := c.Conn.(driver.ExecerContext).ExecContext(ctx, statement, nil)
	return err
}

// each calls row with each row of an answer. The slice is another row's with the next call; what is in it stays.
func (c *conn) each(ctx context.Context, query string, row func([]driver.Value) error) (err error) {
	rows, err := c.Conn.(driver.QueryerContext).QueryContext(ctx, query, nil)
	if err != nil {
		return err
	}
	values := make([]driver.Value, len(rows.Columns()))
	for err == nil {
		if err = rows.Next(values); err == nil {
			err = row(values)
		}
	}
	if err == io.EOF {
		err = nil
	}
	return errors.Join(err, rows.Close())
}
