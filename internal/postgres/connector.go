// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"cmp"
	"context"
	"database/sql"
	"database/sql/driver"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"

	"aeroplane.run/authz"
)

const (
	// lockTimeout bounds the wait for another transaction.
	lockTimeout = 2 * time.Second
	// margin is how long the server may take to say that a statement's time is over.
	margin = 2 * time.Second
	// dialTimeout bounds the dialling of a host, unless the DSN has a connect_timeout.
	dialTimeout = 5 * time.Second
	// sessionTimeout bounds, for a session, the look-up of a host, and its dialling together with all that follows until the
	// connection is good; unless the DSN has a connect_timeout, be it shorter or longer. A lease is four seconds: there must be
	// time for another host when one is silent.
	sessionTimeout = time.Second
)

// A purpose is what is particular about the connections of a pool.
type purpose struct {
	// timeout bounds each statement.
	timeout time.Duration
	// follows says that a session is to follow the history on them: once they are made, the contexts of its callers bound them.
	follows bool
	// forgetful commits are answered before they are on disk.
	forgetful bool
}

// A source is where connections come from: a Config, and what its DSN means. That is read once, since it may be in files and in
// the environment, too, and what is there later may be something else, or nothing.
type source struct {
	Config
	parsed pq.Config
}

func read(c Config) (source, error) {
	cfg, err := pq.NewConfig(c.DSN)
	if err != nil {
		// The error is dropped: it may quote the DSN, and that may hold a password.
		return source{}, authz.Errorf(authz.FailedPrecondition, "the DSN of Postgres is no valid connection string or URL, "+
			"or a PG… variable of the environment is wrong; it is not shown, since it may hold a password")
	}
	cfg.ApplicationName = cmp.Or(cfg.ApplicationName, "aeroplane-authz")
	// One round trip for a statement that is not prepared.
	cfg.BinaryParameters = true
	// A standby answers with what was true some time ago, and a key that was revoked since would pass.
	cfg.TargetSessionAttrs = pq.TargetSessionAttrsReadWrite
	return source{c, cfg}, nil
}

// pool returns a pool of connections.
func (s source) pool(p purpose) *sql.DB { return sql.OpenDB(s.connector(p)) }

func (s source) connector(p purpose) *connector {
	cfg := s.parsed
	limit := dialTimeout
	if p.follows {
		limit = sessionTimeout
	}
	if cfg.ConnectTimeout > 0 {
		limit = cfg.ConnectTimeout
	}
	dial := dialer{limit: p.timeout + margin, Dialer: net.Dialer{
		Control:         guard(s.Config, cfg.SSLMode),
		Timeout:         limit,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 15 * time.Second, Interval: 5 * time.Second, Count: 3},
	}}
	cfg.ConnectTimeout = 0 // the dialer's; pq would reset our deadlines
	cfg.Runtime = runtime(cfg.Runtime, p)
	return &connector{config: cfg, passwordFile: s.PasswordFile, dialer: dial, required: required(s.Config, p)}
}

// runtime returns what a connection sets for itself, which outranks the settings of server, database and role, and the
// options of the DSN. Of the settings that the DSN names it keeps the others.
func runtime(named map[string]string, p purpose) map[string]string {
	all := map[string]string{"synchronous_commit": "on"}
	for name, value := range named {
		all[strings.ToLower(name)] = value // to the server it is the same
	}
	all["client_min_messages"] = "warning" // watch relies on warnings
	all["default_transaction_isolation"] = "read committed"
	all["statement_timeout"] = milliseconds(p.timeout)
	all["lock_timeout"] = milliseconds(lockTimeout)
	// A change holds locks from statement to statement, and whoever waits for them waits no longer than that.
	all["idle_in_transaction_session_timeout"] = milliseconds(lockTimeout)
	if p.forgetful {
		all["synchronous_commit"] = "off"
	}
	if p.follows {
		// Statements are prepared while the log is short, and a plan that reads all of it would be kept while it grows. What must
		// be read whole then, as the members, seems so costly that its plan would be compiled.
		all["enable_seqscan"], all["jit"] = "off", "off"
		// The same few statements are asked over and over; to plan the list of members takes longer than to run it.
		all["plan_cache_mode"] = "force_generic_plan"
	}
	return all
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }

// A connector makes connections.
type connector struct {
	config       pq.Config
	passwordFile string
	dialer       dialer
	required     []requirement
}

// Connect implements driver.Connector.
func (c *connector) Connect(ctx context.Context) (driver.Conn, error) {
	cfg := c.config.Clone()
	if c.passwordFile != "" {
		text, err := os.ReadFile(c.passwordFile)
		if err != nil {
			return nil, &connectError{err}
		}
		cfg.Password, cfg.Passfile = strings.TrimRight(string(text), "\r\n"), ""
	}
	if attemptOf(ctx) != nil {
		if err := spread(ctx, &cfg, c.dialer.Timeout); err != nil {
			return nil, &connectError{err}
		}
	}
	base, err := pq.NewConnectorConfig(cfg)
	if err != nil {
		return nil, &connectError{err}
	}
	base.Dialer(c.dialer)
	conn, err := base.Connect(ctx)
	if err != nil {
		return nil, &connectError{err}
	}
	if err := checkSettings(ctx, conn, c.required); err != nil {
		_ = conn.Close()
		return nil, &connectError{err}
	}
	return conn, nil
}

// Driver implements driver.Connector.
func (c *connector) Driver() driver.Driver { return pq.Driver{} }

// A connectError is a connection that could not be made.
type connectError struct{ cause error }

func (e *connectError) Error() string { return "connect: " + e.cause.Error() }
func (e *connectError) Unwrap() error { return e.cause }

// A dialer dials connections on which nothing takes longer than limit, but for those of an attempt. It implements
// pq.DialerContext.
//
// A context does not bound a query whose server has stopped answering: the driver goes on reading.
type dialer struct {
	net.Dialer
	limit time.Duration
}

func (d dialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

func (d dialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// DialContext is given the context of an attempt only for the connection that it is to make. When the driver dials once more, to
// have a statement cancelled, it is with a context of its own.
func (d dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	deadline := time.Now().Add(d.Timeout)
	conn, err := d.Dialer.DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if a := attemptOf(ctx); a != nil {
		return a.dialled(ctx, conn, deadline)
	}
	return boundedConn{conn, d.limit}, nil
}

// A boundedConn bounds each read and each write.
type boundedConn struct {
	net.Conn
	limit time.Duration
}

func (c boundedConn) Read(b []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	return c.Conn.Read(b)
}

func (c boundedConn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	return c.Conn.Write(b)
}
