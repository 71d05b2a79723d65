// SPDX-License-Identifier: Apache-2.0

package postgres

import (
	"context"
	"crypto/tls"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"slices"
	"strings"
	"syscall"

	"github.com/lib/pq"
	"github.com/lib/pq/pqerror"

	"aeroplane.run/authz"
)

// A refusal is a server that is not to be used. Whoever opens a store is told; to a store that is open, which may find
// another server behind the same name, it is one that cannot be reached.
type refusal struct{ answer *authz.Error }

func (r *refusal) Error() string { return r.answer.Message }

// advised tells an operator what to put right, where an error of connecting or migrating is not a server that is away.
func advised(err error) error {
	var refused *refusal
	if errors.As(err, &refused) {
		return refused.answer
	}
	if advice := adviceFor(err); advice != "" {
		return authz.Errorf(authz.FailedPrecondition, "%s", advice).Because(err)
	}
	return err
}

func adviceFor(err error) string {
	var file *fs.PathError
	var certificate *tls.CertificateVerificationError
	switch {
	case errors.Is(err, pq.ErrSSLNotSupported):
		return "Postgres does not speak TLS: turn ssl on there, or see sslmode"
	case errors.As(err, &certificate):
		return "the certificate of Postgres is not trusted: see sslrootcert, and the host's name"
	case errors.As(err, &file):
		return "a file that the connection to Postgres needs cannot be read: " + file.Path
	}
	e := pq.As(err)
	switch {
	case e == nil:
		return ""
	case e.Code.Class() == "28", e.Code.Class() == "3D":
		return "Postgres refuses the user, the password or the database"
	case e.Code == pqerror.InsufficientPrivilege:
		return "the role of Postgres lacks a privilege: docs/operations.md lists what it needs"
	case e.Code == pqerror.ProtocolViolation:
		return "what answers is not Postgres itself, but perhaps a pooler: connect to Postgres itself"
	case e.Code == pqerror.UndefinedObject, e.Code == pqerror.CantChangeRuntimeParam, e.Code == pqerror.InvalidParameterValue:
		return "Postgres does not know a setting that postgres-url names"
	}
	return ""
}

// guard returns a function that is called before an address is dialled. A DSN cannot tell which one that will be: hosts
// come from the environment and from files, too, and names resolve to what they will.
func guard(c Config, mode pq.SSLMode) func(network, address string, _ syscall.RawConn) error {
	encrypted := slices.Contains([]pq.SSLMode{pq.SSLModeRequire, pq.SSLModeVerifyCA, pq.SSLModeVerifyFull}, mode)
	return func(network, address string, _ syscall.RawConn) error {
		if encrypted || c.AllowPlaintext || network == "unix" {
			return nil
		}
		if ip, err := netip.ParseAddrPort(address); err == nil && ip.Addr().Unmap().IsLoopback() {
			return nil
		}
		return &refusal{authz.Errorf(authz.FailedPrecondition,
			"Postgres is on another machine, %s, and with sslmode=%s the password and all data may cross the network "+
				"readable: set sslmode=verify-full, or allow it with --insecure-plaintext", address, mode)}
	}
}

// A requirement is a setting, and the values that it may have. None: any but an empty one.
type requirement struct {
	setting string
	values  []string
	bounds  bool // it bounds a time, and may be anything but 0, which is for ever
}

// complaint says what is wrong with a value; nothing: it is good.
func (r requirement) complaint(is string) string {
	switch {
	case r.bounds && is == "0":
		return r.setting + " is not what the connection asked for: connect to Postgres itself, and not by way of a pooler"
	case r.values == nil && is == "":
		return r.setting + " is empty, and must name the standbys that commits wait for"
	case r.values != nil && !slices.Contains(r.values, is):
		return fmt.Sprintf("%s is %s, and must be %s", r.setting, is, strings.Join(r.values, " or "))
	}
	return ""
}

// required returns without what a server would lose what it confirmed, or not tell, or not hold what is to be stored.
func required(c Config, p purpose) []requirement {
	all := []requirement{
		{setting: "fsync", values: []string{"on"}},
		{setting: "client_min_messages", values: []string{"warning"}},
		{setting: "server_encoding", values: []string{"UTF8"}},
		{setting: "statement_timeout", bounds: true},
		{setting: "lock_timeout", bounds: true},
		{setting: "idle_in_transaction_session_timeout", bounds: true},
	}
	if !p.forgetful {
		all = append(all, requirement{setting: "synchronous_commit", values: []string{"on", "remote_apply"}})
	}
	if c.RequireStandby {
		all = append(all, requirement{setting: "synchronous_standby_names"})
	}
	return all
}

// checkSettings refuses a server that is not set as required. It takes one round trip for each connection.
func checkSettings(ctx context.Context, conn driver.Conn, required []requirement) error {
	columns := make([]string, len(required))
	for i, want := range required {
		columns[i] = "current_setting('" + want.setting + "')"
	}
	rows, err := conn.(driver.QueryerContext).QueryContext(ctx, "SELECT "+strings.Join(columns, ", "), nil)
	if err != nil {
		return err
	}
	defer rows.Close()
	values := make([]driver.Value, len(required))
	if err := rows.Next(values); err != nil {
		return err
	}
	for i, want := range required {
		if complaint := want.complaint(fmt.Sprint(values[i])); complaint != "" {
			return &refusal{&authz.Error{Kind: authz.FailedPrecondition, Code: authz.CodeUnsafeDatabaseSetting, Message: complaint}}
		}
	}
	return nil
}
