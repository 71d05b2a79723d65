// SPDX-License-Identifier: Apache-2.0

// Package server is the gRPC door in front of one authz.Authorizer, and of the services that administer what it knows.
//
// Begin with New, then Serve and Drain. Every call passes the same guard (interceptor.go), which says who may call
// what (access.go), keeps a panic to the call that it happened in, and turns errors into statuses by one table
// (status.go). Messages never travel further inwards than convert.go.
//
// A denial is an OK answer. An error means that no decision was reached, or that a change was not made or its outcome
// is unknown; of an internal one nothing is shown but that it happened.
package server
