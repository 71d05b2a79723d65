// SPDX-License-Identifier: Apache-2.0

//go:build !(linux || darwin || dragonfly || freebsd || netbsd || openbsd)

package sqlite

import "errors"

// holderOf cannot tell.
func holderOf(string) (pid int, held bool, err error) { return 0, false, errors.ErrUnsupported }
