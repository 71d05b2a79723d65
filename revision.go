// SPDX-License-Identifier: Apache-2.0

package authz

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
)

// A Revision is a place in the history of what decisions depend on. Every change that was made has one, and the
// revisions of one history are numbered without a gap, in the order in which the changes came into force.
//
// The number alone does not say which history is meant: a database that was restored, or failed over to a standby which
// had missed something, may have another change at the same number. The tag tells them apart.
type Revision struct {
	Seq int64 // from 1
	Tag int64 // random, of the change at Seq
}

// IsZero reports whether the revision is none.
func (r Revision) IsZero() bool { return r == Revision{} }

// String returns the revision as callers are given it, such as "1042.9f86d081884c7d65"; empty for none.
func (r Revision) String() string {
	if r.IsZero() {
		return ""
	}
	const longest = 20 + 1 + 16
	text := append(strconv.AppendInt(make([]byte, 0, longest), r.Seq, 10), '.')
	tag := binary.BigEndian.AppendUint64(nil, uint64(r.Tag))
	return string(hex.AppendEncode(text, tag))
}

// ParseRevision reads what String wrote. Errors: Invalid, naming the field.
func ParseRevision(field, text string) (Revision, error) {
	seq, tag, _ := strings.Cut(text, ".")
	n, errSeq := strconv.ParseInt(seq, 10, 64)
	t, errTag := strconv.ParseUint(tag, 16, 64)
	r := Revision{Seq: n, Tag: int64(t)}
	if errSeq != nil || errTag != nil || n < 1 || r.String() != text {
		return Revision{}, InvalidFields(Violation{Field: field, Description: "must be a revision as an answer of this service has it"})
	}
	return r, nil
}
