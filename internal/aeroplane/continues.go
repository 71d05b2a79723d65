// SPDX-License-Identifier: Apache-2.0

package aeroplane

import (
	"encoding/binary"
	"os"
)

// Where the first salt is in an index: a number in the log's own order of bytes, which is random when Aeroplane starts, and one more
// each time that the log begins anew.
const saltAt = 32

// newLogs is how often the log may begin anew between two Looks. It is far more than it does, and far less than chance would hit.
const newLogs = 4096

// Continues reports whether m is of the same database as n, which was earlier, and Aeroplane has had it open all the while. That the
// files are the same ones does not show it: what is removed leaves its number to what is made next.
func (m Mark) Continues(n Mark) bool {
	if !m.SameFile(n) || !m.counts || !n.counts || !os.SameFile(m.files.shm, n.files.shm) {
		return false
	}
	salt := func(i index) uint32 { return binary.BigEndian.Uint32(i[saltAt:]) }
	return salt(m.index)-salt(n.index) < newLogs
}
