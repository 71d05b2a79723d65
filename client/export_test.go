// SPDX-License-Identifier: Apache-2.0

package client

// What tests look at by itself.
var (
	OnlyLoopback = onlyLoopback
	IdentityOf   = identityOf
)
