// SPDX-License-Identifier: Apache-2.0

// Package client is how a gateway in Go asks the service. It needs gRPC and the generated contract, and nothing else.
//
// New makes a Client from a Config, which has the replicas' addresses and the gateway's token. Client.Middleware stands before what a
// gateway forwards to, as a rule a reverse proxy: it asks about each request as it was received, answers for those that are denied,
// and passes on the others with headers that tell the upstream who is calling. Client.Authorize asks about one request.
//
// No decision is never a yes: where none could be reached, whatever the reason, Authorize returns an error, and the middleware answers
// 503. An answer that contradicts itself is no decision. A token does not travel unencrypted to another machine unless the Config says
// that it is meant, and is in no error, log or printed value.
//
// Calls go to the replicas in turn, past those that say of themselves that they are not serving. What a replica has answered is never
// asked again.
//
// The example of the package is a whole gateway.
package client
