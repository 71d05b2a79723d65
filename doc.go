// SPDX-License-Identifier: Apache-2.0

// Package authz decides whether an HTTP request may pass Aeroplane's gateway. It is the domain: no I/O, no transport.
//
// Begin with Authorizer.Authorize, which takes one Request as its client sent it and returns a Decision: allowed with
// a Grant, or denied with a Reason from a closed list. A denial is a value; an error means that no decision could be
// reached, and no caller may turn it into a yes.
//
// The words: a Request carries a credential, which names a Principal (an API key or a browser session). The route
// table says who may call a route and what it reaches. Facts are what a Store knows of the credential and of what is
// reached. Facts may be cached by whoever implements FactStore; decisions are never stored, but computed afresh from
// facts, route table and clock by one pure function, decide.
//
// Keys, sessions and the catalog are changed through Issuer, Sessions and Catalog, which hold the rules; each change
// says who makes it, and its audit record is written in the same transaction.
//
// docs/behaviour.md tells the rules in prose; the numbers in comments here refer to its sections.
package authz
