// SPDX-License-Identifier: Apache-2.0

// Package door is what all doors that speak HTTP have in common, those of the service and those of package client: how a refusal is
// answered, in which headers an upstream learns who is calling, which names pass for others, and how a body names the project that a
// service is transferred to.
package door
