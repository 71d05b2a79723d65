// SPDX-License-Identifier: Apache-2.0

package authz

// What a Decision's Detail tells beyond its Reason, unless that is the gate's refusal or the state of a key. It is for logs, and
// explanations go by it: each has a row in explain_denials.go.
const (
	unknownMethod = "unknown method"

	contradictory  = "contradictory credential headers"
	malformed      = "malformed" // what was sent is the text of no key
	unknownKey     = "unknown"
	noCredential   = "no credential"
	unknownSession = "unknown session"
	revokedSession = "revoked session"
	expiredSession = "expired session"

	createsNone      = "a key for selected projects creates none"
	notCallers       = "not the caller's project"
	unknownOf        = "unknown " // and the scope
	targetNotNamed   = "no transfer target named"
	targetUnknown    = "unknown transfer target"
	targetNotCallers = "the transfer target is not the caller's project"
)
