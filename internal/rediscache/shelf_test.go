// SPDX-License-Identifier: Apache-2.0

package rediscache_test

import (
	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/internal/rediscache"
)

var _ fence.Shelf = (*rediscache.Cache)(nil)
