// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"strings"

	"github.com/spf13/cobra"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// health is what a container is probed by: it needs no shell, no token and no other program.
func (a *app) health() *cobra.Command {
	cmd := command("health [flags]", "Ask whether the server serves; exit code 0 means that it does", cobra.NoArgs, nil)
	service := cmd.Flags().String("service", "", "ask about one `service`, such as aeroplane.authz.v1.KeyService")
	return a.calling(cmd, nobody, func(ctx context.Context, c *connection, _ *cobra.Command, _ []string) error {
		out, err := healthpb.NewHealthClient(c).Check(ctx, &healthpb.HealthCheckRequest{Service: *service})
		if err != nil {
			return err
		}
		if err := c.answer(out, func(w io.Writer) {
			_, _ = io.WriteString(w, strings.ReplaceAll(strings.ToLower(out.GetStatus().String()), "_", " ")+"\n")
		}); err != nil {
			return err
		}
		if out.GetStatus() != healthpb.HealthCheckResponse_SERVING {
			return &failure{code: exitNo}
		}
		return nil
	})
}
