// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package cluster

import "errors"

// Suspend is not to be had here.
func (r *Replica) Suspend() (resume func(), err error) { return nil, errors.ErrUnsupported }
