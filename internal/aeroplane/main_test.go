// SPDX-License-Identifier: Apache-2.0

package aeroplane_test

import (
	"testing"

	"go.uber.org/goleak"

	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
)

func TestMain(m *testing.M) {
	aeroplanetest.Main()
	goleak.VerifyTestMain(m)
}
