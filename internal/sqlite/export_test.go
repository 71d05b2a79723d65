// SPDX-License-Identifier: Apache-2.0

package sqlite

// Verify checks a connection's settings.
var Verify = verify
