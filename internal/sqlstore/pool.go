// SPDX-License-Identifier: Apache-2.0

package sqlstore

// Pool returns how many calls have a connection at this instant, and how many may. Where the two are equal, others wait.
func (s *Store) Pool() (inUse, most int) { return len(s.slots), cap(s.slots) }
