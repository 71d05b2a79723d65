// SPDX-License-Identifier: Apache-2.0

package resolver

// A Refusal is the rule by which the gate refused a target. It is an error, for logs and the command line: a client is
// told only that its path is malformed.
type Refusal uint8

// The closed list of refusals.
const (
	_ Refusal = iota
	// TooLong is a target of more than MaxTarget bytes.
	TooLong
	// NotRooted is a target that does not begin with a slash.
	NotRooted
	// Unprintable is a byte outside printable ASCII, a space included, anywhere in the target.
	Unprintable
	// Fragment is a number sign anywhere in the target.
	Fragment
	// ForbiddenByte is a backslash, a semicolon, or a byte that a URI path may not hold.
	ForbiddenByte
	// BrokenEscape is a percent sign without two hexadecimal digits.
	BrokenEscape
	// ForbiddenEscape is a percent escape of what must not be escaped, or must not be in a path at all.
	ForbiddenEscape
	// EmptySegment is a doubled slash.
	EmptySegment
	// TrailingSlash is a slash at the end of a path under /api.
	TrailingSlash
	// DotSegment is a segment that is one dot or two.
	DotSegment
	// OtherAPI is a first segment that somebody might take for "api".
	OtherAPI
	// OtherCase is a segment under /api that is a literal of the route table, at its place, in another case.
	OtherCase

	numRefusals
)

var refusals = [numRefusals]string{
	TooLong:         "path and query longer than 8192 bytes",
	NotRooted:       "path does not begin with a slash",
	Unprintable:     "byte outside printable ASCII",
	Fragment:        "fragment in the path",
	ForbiddenByte:   "byte that a path may not hold",
	BrokenEscape:    "incomplete percent escape",
	ForbiddenEscape: "percent escape of a byte that may not be escaped",
	EmptySegment:    "empty segment",
	TrailingSlash:   "trailing slash under /api",
	DotSegment:      "dot segment",
	OtherAPI:        "first segment resembles api",
	OtherCase:       "segment in another case than the route table's",
}

// Refusals returns every Refusal, for tables that must have a row for each.
func Refusals() []Refusal {
	all := make([]Refusal, 0, numRefusals-1)
	for r := TooLong; r < numRefusals; r++ {
		all = append(all, r)
	}
	return all
}

// Error says which rule it is. It never holds anything of the target.
func (r Refusal) Error() string {
	if r == 0 || r >= numRefusals {
		return "unknown refusal"
	}
	return refusals[r]
}
