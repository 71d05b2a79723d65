// SPDX-License-Identifier: Apache-2.0

// Package doctor examines a gateway from both sides: it sends awkward requests to it, is the upstream that they arrive at, and asks the
// service what it decides on each, as the client sent it and as it arrived. Where client, service and upstream disagree about what was
// asked, or where something arrives that a client made up, it says so.
//
// A gateway is right if every request that arrives is one that the service allows as it was sent, in the spelling that was sent, with the
// identity that the service granted and no other. It may be stricter than the service.
//
// The corpus is fired only at an upstream that is known to be the doctor's own (see probe), and stops as soon as somebody else
// answers. Nothing of a credential is in a report.
package doctor
