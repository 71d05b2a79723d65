// SPDX-License-Identifier: Apache-2.0

// Package housetest holds tests of the house itself: who may import whom, links in the documents, and the habits that
// every file keeps. Each check is a function from a tree of files to complaints about it. TestHouse runs them on this
// repository; TestChecksComplain runs each on a small tree that it must complain about, so that none can rot into one
// which never does.
//
// The checks read files themselves, rather than ask the go command or git: so they also say what they say while some
// package does not compile, and `go test` knows what it may answer from its cache.
package housetest
