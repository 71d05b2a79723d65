// SPDX-License-Identifier: Apache-2.0

// Package aeroplanetest is an Aeroplane for tests: a process that has a database of Aeroplane's form open, in WAL mode, and writes to it.
// It is a process of its own, as the real one is, since within one process SQLite shares what it keeps of a file, locks among it, and
// what holds there says nothing. It can be stopped, killed and started again.
//
// The process is the program that uses the package, which therefore calls Main first of all.
package aeroplanetest
