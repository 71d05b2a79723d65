// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"aeroplane.run/authz"
	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

func (a *app) keys() *cobra.Command {
	return group("keys", "Create, list and revoke API keys", a.createKey(), a.listKeys(), a.showKey(), a.revokeKey())
}

func (a *app) listKeys() *cobra.Command {
	cmd := command("list [flags]", "List keys, newest first or by name", noArguments, nil)
	cmd.Long = "List keys, newest first or by name. The last-used times may lag by a minute, which is how often a server writes them."
	states := cmd.Flags().StringSlice("state", []string{"live"}, "the `states` to list: live, expired, revoked, or all")
	user := cmd.Flags().String("user", "", "only keys that act for this `user`; empty: for nobody")
	project := cmd.Flags().String("project", "", "only keys that reach this `project`")
	access := cmd.Flags().String("access", "", "only keys that may do this: `read` or write")
	search := cmd.Flags().String("search", "", "only keys whose name, prefix or id contains this `text`, A to Z in any case")
	sort := cmd.Flags().String("sort", "newest", "what to sort `by`: newest or name")
	limit := cmd.Flags().Int("limit", 0, "list at most so many keys; 0 lists all")
	completeFrom(cmd, "state", []string{"live", "expired", "revoked", "all"})
	completeFrom(cmd, "access", []string{"read", "write"})
	completeFrom(cmd, "sort", []string{"newest", "name"})
	return a.calling(cmd, admin, func(ctx context.Context, c *connection, cmd *cobra.Command, _ []string) error {
		in := &v1.ListKeysRequest{ProjectId: *project, Query: *search}
		if cmd.Flags().Changed("user") {
			in.UserId = user
		}
		var err error
		if cmd.Flags().Changed("access") {
			if in.AccessLevel, err = accessLevel(*access); err != nil {
				return err
			}
		}
		if in.OrderBy, err = orderBy(*sort, "newest", authz.NewestFirst); err != nil {
			return err
		}
		if in.States, err = keyStates(*states); err != nil {
			return err
		}
		keys, next, err := all(*limit, func(size int32, token string) ([]*v1.Key, string, error) {
			in.PageSize, in.PageToken = size, token
			out, err := v1.NewKeyServiceClient(c).ListKeys(ctx, in)
			return out.GetKeys(), out.GetNextPageToken(), err
		})
		if err != nil {
			return err
		}
		return c.answer(&v1.ListKeysResponse{Keys: keys, NextPageToken: next}, func(w io.Writer) {
			var rows [][]string
			for _, k := range keys {
				rows = append(rows, []string{k.GetId(), k.GetName(), enumWord(k.GetAccessLevel()), fewProjects(k.GetProjects()),
					k.GetUserId(), enumWord(k.GetState()), moment(k.GetExpireTime()), moment(k.GetLastUseTime())})
			}
			columns(w, "ID NAME ACCESS PROJECTS USER STATE EXPIRES LAST-USED", rows)
		})
	})
}

// orderBy returns the order that --sort names: the usual one of the list, or by name.
func orderBy(sort, usual string, order authz.Order) (string, error) {
	switch sort {
	case usual:
		return string(order), nil
	case "name":
		return string(authz.ByName), nil
	}
	return "", usage("--sort must be %s or name, not %q", usual, sort)
}

func keyStates(words []string) ([]v1.KeyState, error) {
	var states []v1.KeyState
	for _, word := range words {
		switch word {
		case "live":
			states = append(states, v1.KeyState_KEY_STATE_LIVE)
		case "expired":
			states = append(states, v1.KeyState_KEY_STATE_EXPIRED)
		case "revoked":
			states = append(states, v1.KeyState_KEY_STATE_REVOKED)
		case "all":
			states = append(states, v1.KeyState_KEY_STATE_LIVE, v1.KeyState_KEY_STATE_EXPIRED, v1.KeyState_KEY_STATE_REVOKED)
		default:
			return nil, usage("--state must be live, expired, revoked or all, not %q", word)
		}
	}
	return states, nil
}

func (a *app) showKey() *cobra.Command {
	cmd := command("show ID [flags]", "Show what is on record of a key", exactly("ID"), nil)
	return a.calling(cmd, admin, func(ctx context.Context, c *connection, _ *cobra.Command, args []string) error {
		id, err := keyID(args[0])
		if err != nil {
			return err
		}
		out, err := v1.NewKeyServiceClient(c).GetKey(ctx, &v1.GetKeyRequest{Id: id})
		if err != nil {
			return err
		}
		return c.answer(out, func(w io.Writer) {
			k := out.GetKey()
			record(w,
				[2]string{"id", k.GetId()}, [2]string{"name", k.GetName()}, [2]string{"prefix", k.GetPrefix()},
				[2]string{"user", k.GetUserId()}, [2]string{"access", enumWord(k.GetAccessLevel())},
				[2]string{"projects", scopeWords(k.GetProjects())}, [2]string{"state", enumWord(k.GetState())},
				[2]string{"created", moment(k.GetCreateTime())}, [2]string{"expires", moment(k.GetExpireTime())},
				[2]string{"revoked", moment(k.GetRevokeTime())}, [2]string{"last used", moment(k.GetLastUseTime())})
		})
	})
}

func (a *app) revokeKey() *cobra.Command {
	cmd := command("revoke (ID | --user USER) [flags]", "End a key, or all keys of a user, for good", atMost("ID"), nil)
	user := cmd.Flags().String("user", "", "revoke every key that acts for this `user`")
	return a.calling(cmd, admin, func(ctx context.Context, c *connection, cmd *cobra.Command, args []string) error {
		ofUser := cmd.Flags().Changed("user")
		if ofUser == (len(args) == 1) {
			return usage("name the key to revoke, or a user with --user, one of the two")
		}
		keys := v1.NewKeyServiceClient(c)
		if ofUser {
			out, err := keys.RevokeKeysOfUser(ctx, &v1.RevokeKeysOfUserRequest{UserId: *user})
			if err != nil {
				return err
			}
			c.noteBarrier(out.GetReceipt())
			return c.answer(out, func(w io.Writer) {
				fmt.Fprintf(w, "%s of user %s revoked\n", count(int(out.GetRevokedCount()), "key", "keys"), *user)
			})
		}
		id, err := keyID(args[0])
		if err != nil {
			return err
		}
		out, err := keys.RevokeKey(ctx, &v1.RevokeKeyRequest{Id: id})
		if err != nil {
			return err
		}
		c.noteBarrier(out.GetReceipt())
		return c.answer(out, func(w io.Writer) {
			k := out.GetKey()
			if out.GetAlreadyRevoked() {
				fmt.Fprintf(w, "%s has been revoked since %s\n", keyWords(k), moment(k.GetRevokeTime()))
				return
			}
			fmt.Fprintf(w, "%s revoked\n", keyWords(k))
		})
	})
}
