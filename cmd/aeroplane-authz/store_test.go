// SPDX-License-Identifier: Apache-2.0

package main

import (
	"testing"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/settings"
)

// The settings' own defaults are those of whoever embeds a replica.
func TestDefaultRetention(t *testing.T) {
	t.Parallel()
	v, err := settings.Load(settings.Sources{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := *replicaConfig(v, &plan{}, nil, nil).Retention, authz.DefaultRetention(); got != want {
		t.Errorf("the service's are %+v, want %+v", got, want)
	}
}
