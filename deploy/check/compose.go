// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

// checkCompose loads a Compose file, which checks it against Compose's schema and for consistency, and then looks at
// what each of its services may do.
func checkCompose(ctx context.Context, path string) ([]string, error) {
	options, err := cli.NewProjectOptions([]string{path}, cli.WithResolvedPaths(true))
	if err != nil {
		return nil, err
	}
	project, err := options.LoadProject(ctx)
	if err != nil {
		return nil, err
	}
	var complaints []string
	for _, name := range slices.Sorted(maps.Keys(project.Services)) {
		for _, complaint := range checkService(project.Services[name]) {
			complaints = append(complaints, "service "+name+": "+complaint)
		}
	}
	return complaints, nil
}

// checkService looks for what the project promises of each service: nothing that it can do without, no port open to
// other machines, and no secret in the file.
func checkService(s types.ServiceConfig) (complaints []string) {
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }

	if s.Image != "" && s.Build == nil && !pinnedImage.MatchString(s.Image) {
		complain("the image %s is not pinned to a release", s.Image)
	}
	if !s.ReadOnly {
		complain("its root file system is not read_only")
	}
	if !slices.Equal(s.CapDrop, []string{"ALL"}) {
		complain("cap_drop is not ALL")
	}
	if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") {
		complain("no-new-privileges is not set")
	}
	for _, port := range s.Ports {
		if ip, err := netip.ParseAddr(port.HostIP); err != nil || !ip.IsLoopback() {
			complain("port %d is published on %q, not on loopback", port.Target, port.HostIP)
		}
	}

	if s.Restart == "no" {
		return complaints // it runs once, and whoever needs it waits for its end
	}
	if s.HealthCheck == nil || s.HealthCheck.Disable {
		complain("no healthcheck")
	}
	for name, dependency := range s.DependsOn {
		if dependency.Condition == types.ServiceConditionStarted {
			complain("does not wait until %s is ready", name)
		}
	}
	return complaints
}
