// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/internal/settings"
)

func (a *app) sessions() *cobra.Command {
	return group("sessions", "Tell the server of Aeroplane's browser sessions", a.putSession(), a.revokeSession())
}

// aboutSessionToken tells how a session is named: by its token, which nobody should type into a command line.
const aboutSessionToken = "The session is named by its token, on standard input, of which only the hash is sent;\n" +
	"or by that hash itself, with --token-sha256."

func (a *app) putSession() *cobra.Command {
	cmd := command("put --role owner|user [flags]", "Make a session known, or replace what is known of it", noArguments, nil)
	cmd.Long = "Make a session known, or replace what is known of it. " + aboutSessionToken
	digest := sessionFlag(cmd)
	user := cmd.Flags().String("user", "", "the `user`; empty in a single-user installation")
	roleWord := cmd.Flags().String("role", "", "the user's role: `owner` or user")
	expires := cmd.Flags().String("expires", "30d", "how long the session is good for: a `duration`, or a time such as 2030-01-31T12:00:00Z")
	completeFrom(cmd, "role", []string{"owner", "user"})
	return a.calling(cmd, admin, func(ctx context.Context, c *connection, _ *cobra.Command, _ []string) error {
		session := &v1.Session{UserId: *user}
		switch *roleWord {
		case "owner":
			session.Role = v1.UserRole_USER_ROLE_OWNER
		case "user":
			session.Role = v1.UserRole_USER_ROLE_USER
		default:
			return usage("--role must be owner or user, not %q", *roleWord)
		}
		end, err := instant("expires", *expires, time.Duration.Abs)
		if err != nil {
			return err
		}
		session.ExpireTime = timestamppb.New(end)
		if session.TokenSha256, err = a.sessionDigest(*digest); err != nil {
			return err
		}
		out, err := v1.NewSessionServiceClient(c).PutSession(ctx, &v1.PutSessionRequest{Session: session})
		if err != nil {
			return err
		}
		return c.answer(out, func(w io.Writer) {
			fmt.Fprintf(w, "session %x put, good until %s\n", out.GetSession().GetTokenSha256(), moment(out.GetSession().GetExpireTime()))
		})
	})
}

func (a *app) revokeSession() *cobra.Command {
	cmd := command("revoke [--user USER] [flags]", "End a session, or all sessions of a user, for good", noArguments, nil)
	cmd.Long = "End a session, or all sessions of a user, for good. " + aboutSessionToken
	digest := sessionFlag(cmd)
	user := cmd.Flags().String("user", "", "revoke every session of this `user`")
	cmd.MarkFlagsMutuallyExclusive("user", "token-sha256")
	return a.calling(cmd, admin, func(ctx context.Context, c *connection, cmd *cobra.Command, _ []string) error {
		sessions := v1.NewSessionServiceClient(c)
		if cmd.Flags().Changed("user") {
			out, err := sessions.RevokeSessionsOfUser(ctx, &v1.RevokeSessionsOfUserRequest{UserId: *user})
			if err != nil {
				return err
			}
			c.noteBarrier(out.GetReceipt())
			return c.answer(out, func(w io.Writer) {
				fmt.Fprintf(w, "%s of user %s revoked\n", count(int(out.GetRevokedCount()), "session", "sessions"), *user)
			})
		}
		sum, err := a.sessionDigest(*digest)
		if err != nil {
			return err
		}
		out, err := sessions.RevokeSession(ctx, &v1.RevokeSessionRequest{TokenSha256: sum})
		if err != nil {
			return err
		}
		c.noteBarrier(out.GetReceipt())
		return c.answer(out, func(w io.Writer) {
			if out.GetAlreadyRevoked() {
				fmt.Fprintf(w, "session %x had been revoked before\n", sum)
				return
			}
			fmt.Fprintf(w, "session %x revoked\n", sum)
		})
	})
}

func sessionFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("token-sha256", "", "the SHA-256 of the session's token, in `hex` or base64url, instead of the token")
}

// sessionDigest returns the hash that names a session: as given, or of the token on standard input.
func (a *app) sessionDigest(text string) ([]byte, error) {
	if text == "" {
		token, err := a.secretFrom("-")
		if err != nil {
			return nil, err
		}
		digest := apikey.DigestOf(token)
		return digest[:], nil
	}
	return digest("token-sha256", text)
}

// digest reads a SHA-256.
func digest(flag, text string) ([]byte, error) {
	for _, decode := range []func(string) ([]byte, error){hex.DecodeString, base64.RawURLEncoding.DecodeString} {
		if sum, err := decode(strings.TrimRight(text, "=")); err == nil && len(sum) == len(apikey.Digest{}) {
			return sum, nil
		}
	}
	return nil, usage("--%s must be 32 bytes in hexadecimal or base64url", flag)
}

// instant reads a time, or a duration from now, of which sign makes it one ahead or one ago.
func instant(flag, text string, sign func(time.Duration) time.Duration) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	d, err := settings.ParseDuration(text)
	if err != nil {
		return time.Time{}, usage("--%s %w, or a time such as 2030-01-31T12:00:00Z", flag, err)
	}
	return time.Now().Add(sign(d)), nil
}
