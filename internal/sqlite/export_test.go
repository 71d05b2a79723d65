// SPDX-License-Identifier: Apache-2.0

package sqlite

// Verify checks a connection's settings and the database.
var Verify = verify
