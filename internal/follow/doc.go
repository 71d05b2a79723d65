// SPDX-License-Identifier: Apache-2.0

// Package follow keeps the catalog in step with an Aeroplane on the same machine, by watching the file that Aeroplane keeps everything in.
//
// It looks at the file five times a second, which takes microseconds. When somebody has written to it, it is read, compared with
// what was read before, and what is different is made known, in one change.
//
// Nothing is taken for granted that cannot be read. While the file is missing, locked, damaged or of another Aeroplane, what is
// known stays as it is, and the trouble is reported, to the log and to whoever asks for the state of the sync. A file that may not be
// the one that was read last is not believed either if most of what is known is not in it: see Follower.all.
//
// Begin with Follower.Run.
package follow
