// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/spf13/cobra"

	"aeroplane.run/authz"
	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/follow"
	"aeroplane.run/authz/internal/settings"
)

// followFile keeps the service in step with the Aeroplane of its settings, if there is one, until the result is called.
func (a *app) followFile(ctx context.Context, v *settings.Settings, syncer *authz.Syncer, log *slog.Logger) (end func()) {
	if v.AeroplaneFile == "" {
		return func() {}
	}
	path, err := absolute(v.AeroplaneFile)
	if err != nil { // the directory that it is relative to is gone
		path = v.AeroplaneFile
	}
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	running.Go(func() {
		follow.New(follow.Config{Path: path, Target: follow.Own{Syncer: syncer}, Logger: log}).Run(ctx)
	})
	return func() {
		cancel()
		running.Wait()
	}
}

func (a *app) follow() *cobra.Command {
	return group("follow", "Keep the server in step with an Aeroplane", a.followAeroplane())
}

func (a *app) followAeroplane() *cobra.Command {
	cmd := command("aeroplane FILE [flags]", "Keep the server in step with the Aeroplane whose database is FILE", exactly("FILE"), nil)
	cmd.Long = `Keep the server in step with the Aeroplane whose database is FILE, deploy.db in its data directory, until an interrupt: projects,
services, deployments, users' roles and sessions, and keys until those are ours (see import). A change in Aeroplane is in force here
within a second. The file is only read.

On the server's own machine, "aeroplane-authz serve --aeroplane-file FILE" does the same without another process.

While the file is missing, locked or damaged, or when most of what is known is not in it any more, what is known stays as it is. The log
says so, and "aeroplane-authz doctor" does.`
	cmd.ValidArgsFunction = nil // files
	withSettings(cmd, 0, "log-level", "log-format")
	return a.calling(cmd, admin, func(ctx context.Context, c *connection, _ *cobra.Command, args []string) error {
		path, err := absolute(args[0])
		if err != nil {
			return err
		}
		// A token that is no good does not become good: whoever starts this anew reads it anew.
		ctx, end := context.WithCancelCause(ctx)
		defer end(nil)
		target := &remoteSync{catalog: v1.NewCatalogServiceClient(c), rejected: end}
		follow.New(follow.Config{Path: path, Target: target, Logger: logger(c.Settings, a.stderr)}).Run(ctx)
		if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
			return cause
		}
		return nil
	})
}
