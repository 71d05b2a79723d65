// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/internal/settings"
)

// The exit codes.
const (
	exitOK          = 0
	exitNo          = 1 // denied; or the server refused a change, or does not know what was asked for
	exitUsage       = 2 // wrong arguments, settings or input
	exitUnreachable = 3 // no server, no database, no decision
)

// A failure ends the program with a code, and one clear sentence unless err is nil.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string { return fmt.Sprint(f.err) }

func (f *failure) Unwrap() error { return f.err }

func fail(code int, format string, args ...any) error {
	return &failure{code, fmt.Errorf(format, args...)}
}

// usage is the failure of whoever typed the command, or wrote the settings.
func usage(format string, args ...any) error { return fail(exitUsage, format, args...) }

// classify makes a failure of any error: of a call's status by its code, of anything else a no.
func classify(err error) error {
	var f *failure
	if err == nil || errors.As(err, &f) {
		return err
	}
	st, ok := status.FromError(err)
	if !ok {
		return &failure{exitNo, err}
	}
	return &failure{codeOf(st.Code()), errors.New(sentence(st))}
}

func codeOf(c codes.Code) int {
	switch c {
	case codes.InvalidArgument:
		return exitUsage
	case codes.NotFound, codes.AlreadyExists, codes.FailedPrecondition, codes.Unauthenticated, codes.PermissionDenied:
		return exitNo
	}
	return exitUnreachable
}

// sentence says what a call's status means: the server's own words, or what happened on the way to it.
func sentence(st *status.Status) string {
	var fields []*errdetails.BadRequest_FieldViolation
	answered := false
	for _, detail := range st.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			answered = true
		case *errdetails.BadRequest:
			fields = detail.GetFieldViolations()
		}
	}
	switch {
	case len(fields) > 1:
		var b strings.Builder
		b.WriteString("the server refused the input:")
		for _, f := range fields {
			fmt.Fprintf(&b, "\n  %s: %s", f.GetField(), f.GetDescription())
		}
		return b.String()
	case answered:
		return st.Message()
	case st.Code() == codes.DeadlineExceeded:
		return "the server did not answer in time"
	case st.Code() == codes.Canceled:
		return "interrupted"
	case st.Code() == codes.Unavailable && strings.Contains(st.Message(), "looked like an HTTP/1.1 header"):
		return otherDoor
	case st.Code() == codes.Unavailable:
		return "the server cannot be reached: " + onTheWay(st.Message())
	}
	if strings.Contains(st.Message(), "unexpected HTTP status code") { // an answer, by HTTP/2, that is none of gRPC
		return otherDoor
	}
	return st.Message()
}

// otherDoor is said where somebody answers who speaks HTTP alone, as this service does at http-listen and ops-listen.
const otherDoor = "what answers at this address is not gRPC but HTTP: --address has to be the service's listen, usually port 8460, and neither http-listen nor ops-listen"

// onTheWay takes the wrapping off an error of gRPC's transport, and says what it most likely means.
func onTheWay(message string) string {
	message = strings.TrimPrefix(message, `connection error: desc = "`)
	message = strings.TrimPrefix(message, "transport: ")
	message = strings.TrimPrefix(message, "Error while dialing: ")
	message = strings.TrimSuffix(message, `"`)
	if strings.Contains(message, "error reading server preface") { // a server that waits for a handshake
		message += "; does it want --tls?"
	}
	return message
}

// report prints what went wrong, and returns the exit code. What is no failure is cobra's word on the arguments. A key
// that was typed in a wrong place is not repeated.
func report(w io.Writer, cmd *cobra.Command, err error) int {
	if err == nil {
		return exitOK
	}
	var f *failure
	if errors.As(err, &f) {
		if f.err != nil {
			fmt.Fprintf(w, "aeroplane-authz: %s\n", apikey.Redact(f.Error()))
		}
		return f.code
	}
	fmt.Fprintf(w, "aeroplane-authz: %s\nRun '%s --help' for usage.\n", apikey.Redact(err.Error()), cmd.CommandPath())
	return exitUsage
}

func unknownCommand(cmd *cobra.Command, word string) error {
	var known []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			known = append(known, c.Name())
		}
	}
	list := strings.Join(known, ", ")
	where := words(cmd)
	if where != "" {
		where += ": "
	}
	if word == "" {
		return fmt.Errorf("%sone of the commands %s is needed", where, list)
	}
	if near := settings.Nearest(word, known); near != "" {
		return fmt.Errorf("%sthere is no command %q; did you mean %s?", where, word, near)
	}
	return fmt.Errorf("%sthere is no command %q, only %s", where, word, list)
}

// flagError helps with a flag that does not exist: a secret that was looked for, or a misspelling.
func flagError(cmd *cobra.Command, err error) error {
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return err
	}
	name := unknown.GetSpecifiedName()
	if s, ok := settings.Named(name); ok && s.Secret() {
		return fmt.Errorf("there is no flag --%s, because flags show in the process list: set the variable %s, "+
			"or see docs/configuration.md", name, s.Env())
	}
	var known []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { known = append(known, f.Name) })
	if near := settings.Nearest(name, known); near != "" && len(name) > 1 {
		return fmt.Errorf("%w; did you mean --%s?", err, near)
	}
	return err
}
