// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"errors"
	"fmt"
)

// A Kind classifies an Error for whoever has to answer it. Each door maps kinds to its own statuses in one table.
type Kind uint8

const (
	// Internal is a fault of ours. Nothing of it is shown. It is the zero Kind, so that what nobody classified is safe.
	Internal Kind = iota
	// Invalid is input that breaks a rule; Violations say which, and what is allowed.
	Invalid
	// NotFound is an id that was never known, or that retention has forgotten.
	NotFound
	// AlreadyExists is a clash with something that is there.
	AlreadyExists
	// FailedPrecondition is a change that what is stored does not allow.
	FailedPrecondition
	// Unavailable is a store that could not be read, or a change whose outcome is unknown. Trying again is safe, but for
	// CreateKey without a request id, which would make a second key.
	Unavailable
	// Unauthenticated is a caller of this service without a good token.
	Unauthenticated
	// PermissionDenied is a caller of this service whose role does not suffice.
	PermissionDenied

	numKinds
)

// Kinds returns every Kind, for tables that must have a row for each.
func Kinds() []Kind {
	kinds := make([]Kind, numKinds)
	for i := range kinds {
		kinds[i] = Kind(i)
	}
	return kinds
}

// The closed list of codes. Those that a caller can get are part of the contract: docs/errors.md tells what each means.
const (
	CodeInvalidField          = "INVALID_FIELD"
	CodeSlugTaken             = "SLUG_TAKEN"
	CodeRequestIDReused       = "REQUEST_ID_REUSED"
	CodeSessionRevoked        = "SESSION_REVOKED"
	CodeStoreUnavailable      = "STORE_UNAVAILABLE"
	CodeDiskFull              = "DISK_FULL"
	CodeOutcomeUnknown        = "OUTCOME_UNKNOWN"
	CodeLease                 = "LEASE"
	CodeRevisionUnknown       = "REVISION_UNKNOWN"
	CodeSyncStale             = "SYNC_STALE"
	CodeSyncConflict          = "SYNC_CONFLICT"
	CodeSyncHeld              = "SYNC_HELD"
	CodeOverloaded            = "OVERLOADED"
	CodeDatabaseInUse         = "DATABASE_IN_USE"
	CodeDatabaseDamaged       = "DATABASE_DAMAGED"
	CodeSchemaTooOld          = "SCHEMA_TOO_OLD"
	CodeSchemaTooNew          = "SCHEMA_TOO_NEW"
	CodeUnsafeDatabaseSetting = "UNSAFE_DATABASE_SETTING"
)

// An Error says that no decision was reached, or a change not made. It is never a denial.
type Error struct {
	Kind Kind
	// Code names the error for programs; empty means that the Kind says all.
	Code string
	// Message is one sentence that is safe to show. It holds no secret, and nothing of the cause.
	Message string
	// Violations are the fields at fault, when Kind is Invalid.
	Violations []Violation
	// cause is logged and never sent.
	cause error
}

// A Violation is one field that breaks a rule.
type Violation struct {
	Field       string // as the contract names it: "projects.project_ids[2]"
	Description string // what is allowed
}

// Error returns the message and the cause. It is for logs: send Message.
func (e *Error) Error() string {
	if e.cause != nil {
		return e.Message + ": " + e.cause.Error()
	}
	return e.Message
}

// Unwrap returns the hidden cause.
func (e *Error) Unwrap() error { return e.cause }

// Errorf returns an Error of the kind, with a message that is safe to show.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Because returns a copy of e with a hidden cause.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

// KindOf returns the Kind of err: that of the first Error in its chain, else Internal.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}

// violations collects what is wrong with an input, so that one answer can name all of it.
type violations []Violation

func (v *violations) add(field, format string, args ...any) {
	*v = append(*v, Violation{Field: field, Description: fmt.Sprintf(format, args...)})
}

// err returns nil if nothing was added. It returns error and not *Error, lest a nil pointer become an error.
func (v violations) err() error {
	if len(v) == 0 {
		return nil
	}
	return InvalidFields(v...)
}

// InvalidFields returns the Invalid error of one or more fields at fault.
func InvalidFields(v ...Violation) *Error {
	return &Error{Kind: Invalid, Code: CodeInvalidField, Message: v[0].Field + ": " + v[0].Description, Violations: v}
}
