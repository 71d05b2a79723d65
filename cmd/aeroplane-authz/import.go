// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/encoding/protojson"

	"aeroplane.run/authz"
	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/aeroplane"
)

func (a *app) imports() *cobra.Command {
	return group("import", "Take over what another program has", a.importAeroplane())
}

// importFlags say how to import.
type importFlags struct {
	dryRun, followKeys, yes bool
}

func (a *app) importAeroplane() *cobra.Command {
	cmd := command("aeroplane FILE [flags]", "Take over what the Aeroplane has whose database is FILE", exactly("FILE"), nil)
	cmd.Long = `Take over what the Aeroplane has whose database is FILE, deploy.db in its data directory: projects, services, deployments, sessions
and keys. Keys keep their ids and their secrets, so that every script goes on working. What is known here and is not in the file is
taken away, but for keys and sessions that do not come from Aeroplane. The file is only read, at one instant, whether Aeroplane runs or not.

Afterwards keys are ours: create and revoke them here. What Aeroplane's own page does with them is not followed any more; when this is
repeated, keys that are not known here are added, and those that were revoked there are revoked, and nothing else. With --follow-keys
they remain Aeroplane's, until an import without it.

What breaks a rule is not taken over, and is listed. An import that would take away more than half of the projects, services,
deployments or keys, if that is more than ten, or all that there is of the first three, is refused without --yes.`
	cmd.ValidArgsFunction = nil // files
	var f importFlags
	cmd.Flags().BoolVar(&f.dryRun, "dry-run", false, "change nothing, and print what would change")
	cmd.Flags().BoolVar(&f.followKeys, "follow-keys", false, "leave keys Aeroplane's: its own page goes on being followed")
	cmd.Flags().BoolVar(&f.yes, "yes", false, "also take away most of what is known")
	return a.calling(cmd, admin, func(ctx context.Context, c *connection, _ *cobra.Command, args []string) error {
		return a.runImport(ctx, c, &f, args[0])
	})
}

// absolute returns the whole path of a file, by which others find it as well.
func absolute(path string) (string, error) {
	whole, err := filepath.Abs(path)
	if err != nil {
		return "", usage("%w", err)
	}
	return whole, nil
}

func (a *app) runImport(ctx context.Context, c *connection, f *importFlags, path string) error {
	path, err := absolute(path)
	if err != nil {
		return err
	}
	tell := seldom(a.stderr, time.Second)
	target := &remoteSync{catalog: v1.NewCatalogServiceClient(c), progress: func(done, all int32) { tell("%d of %d changes made", done, all) }}
	request := authz.SyncRequest{Source: path, TakeKeys: !f.followKeys, Cautious: !f.yes && !f.dryRun, DryRun: f.dryRun}
	reading, out, err := takeOver(ctx, target, request, func() (*aeroplane.Reading, error) {
		return aeroplane.Read(ctx, path, time.Now(), func(p aeroplane.Progress) { tell("%d rows read, %s at last", p.Rows, p.Table) })
	})
	if err != nil {
		return err
	}
	c.noteBarrier(out.GetReceipt())
	revived, err := revokedHereOnly(ctx, c, reading)
	if err != nil {
		return err
	}
	state, err := target.state(ctx)
	if err != nil {
		return err
	}
	result, err := protojson.MarshalOptions{EmitDefaultValues: true}.Marshal(out)
	if err != nil {
		return err
	}
	report := importReport{DryRun: f.dryRun, Result: result, Refused: findings(reading.Refused), Notes: findings(reading.Notes),
		KeysOurs: state.GetKeysOurs(), RevokedHere: revived}
	return c.plain(report, func(w io.Writer) { printImport(w, &report, out, f) })
}

// takeOver reads everything and sends it. Its revision is that of the moment before it was read: whoever syncs meanwhile, such as a follower,
// may know better already. Then it is read anew.
func takeOver(ctx context.Context, target *remoteSync, request authz.SyncRequest, read func() (*aeroplane.Reading, error)) (
	reading *aeroplane.Reading, out *v1.SyncResult, err error) {
	for range 5 {
		state, err := target.state(ctx)
		if err != nil {
			return nil, nil, err
		}
		request.Revision = max(state.GetRevision()+1, time.Now().UnixMicro())
		if reading, err = read(); err != nil {
			return nil, nil, unreadable(err)
		}
		request.Refused = len(reading.Refused)
		if out, err = target.sendWhole(ctx, request, &reading.Inventory); err == nil {
			return reading, out, nil
		}
		var e *authz.Error
		if !errors.As(fromStatus(err), &e) || e.Code != authz.CodeSyncStale && e.Code != authz.CodeSyncConflict {
			return nil, nil, explain(err)
		}
	}
	return nil, nil, err
}

// unreadable is the failure of a file that cannot be read: it is locked, or it is no good.
func unreadable(err error) error {
	code := exitUsage
	if authz.KindOf(err) == authz.Unavailable {
		code = exitUnreachable
	}
	var e *authz.Error
	if errors.As(err, &e) {
		return fail(code, "%w", e)
	}
	return err
}

// explain says what to do about an import that takes away much, and about one that broke off.
func explain(err error) error {
	var e *authz.Error
	if errors.As(fromStatus(err), &e) && e.Code == authz.CodeSyncHeld {
		return fail(exitNo, "%s: --dry-run shows it; if it is right, repeat with --yes", e.Message)
	}
	var f *failure
	if errors.As(classify(err), &f) && f.code == exitUnreachable {
		return fail(f.code, "%w; a part may have been taken over: repeat the import", f.err)
	}
	return err
}

// revokedHereOnly returns the ids of keys that are revoked here, and not in Aeroplane: whoever goes back to it has to revoke them there.
func revokedHereOnly(ctx context.Context, c *connection, reading *aeroplane.Reading) (ids []string, err error) {
	ids = []string{}
	live := make(map[string]bool)
	for i := range reading.Keys {
		live[reading.Keys[i].ID] = reading.Keys[i].State(time.Now()) == authz.Live
	}
	revoked, _, err := all(0, func(size int32, token string) ([]*v1.Key, string, error) {
		out, err := v1.NewKeyServiceClient(c).ListKeys(ctx, &v1.ListKeysRequest{PageSize: size, PageToken: token,
			States: []v1.KeyState{v1.KeyState_KEY_STATE_REVOKED}})
		return out.GetKeys(), out.GetNextPageToken(), err
	})
	for _, k := range revoked {
		if live[k.GetId()] {
			ids = append(ids, k.GetId())
		}
	}
	return ids, err
}

// seldom tells of progress at intervals, so that what is quick says nothing.
func seldom(w io.Writer, interval time.Duration) func(format string, args ...any) {
	last := time.Now()
	return func(format string, args ...any) {
		if time.Since(last) >= interval {
			last = time.Now()
			fmt.Fprintf(w, format+"\n", args...)
		}
	}
}
