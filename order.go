// SPDX-License-Identifier: Apache-2.0

package authz

// An Order is what a list is ordered by, in the words of callers.
type Order string

const (
	// NewestFirst is by the time of creation, then ID, descending.
	NewestFirst Order = "create_time desc"
	// ByID is by ID, as bytes.
	ByID Order = "id"
	// ByName is by name as if ASCII letters were lower case, all else as bytes; of names that are the same then by their bytes as they
	// are, then by ID. It is the same in every database, whose own orders of language are not.
	ByName Order = "name"
)

// checkOrder returns the order that is meant, of the two that a list has: its usual one, which is meant where none is said, and ByName.
func checkOrder(v *violations, said, usual Order) Order {
	switch said {
	case "":
		return usual
	case usual, ByName:
		return said
	}
	v.add("order_by", "must be %q or %q", usual, ByName)
	return said
}
