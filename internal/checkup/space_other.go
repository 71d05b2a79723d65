// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !darwin

package checkup

import "errors"

// space cannot tell.
func space(string) (free, total uint64, err error) { return 0, 0, errors.ErrUnsupported }
