// SPDX-License-Identifier: Apache-2.0

//go:build torture

package main

import (
	"os"

	"aeroplane.run/authz/internal/fence"
	"aeroplane.run/authz/internal/torture/control"
)

// A program that is built to be tortured does as it is told by the test that runs it.
func init() {
	dir := os.Getenv(control.Variable)
	if dir == "" {
		return
	}
	replica, _, err := control.Obey(dir)
	if err != nil {
		panic(err)
	}
	fence.Torture.Step, fence.Torture.Ahead, fence.Torture.Paced = replica.Step, replica.Ahead, replica.Paced
}
