// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/durationpb"

	"aeroplane.run/authz"
	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/settings"
)

// keyFlags describe a key to create.
type keyFlags struct {
	name, access, user, expires, requestID string
	projects                               []string
	allProjects, wait                      bool
}

func (a *app) createKey() *cobra.Command {
	cmd := command("create --name NAME --access read|write (--all-projects | --project ID ...) [flags]", "Create a key",
		noArguments, nil)
	cmd.Long = "Create a key. The key is printed on standard output, this once and alone, so that KEY=$(...) works; what there is\n" +
		"to say about it goes to standard error. With --output json it is in the one JSON document."
	var f keyFlags
	flags := cmd.Flags()
	flags.StringVar(&f.name, "name", "", "a `label`: 1 to 80 characters")
	flags.StringVar(&f.access, "access", "", "what the key may do: `read` or write")
	flags.BoolVar(&f.allProjects, "all-projects", false, "the key reaches every project, or all of its user's")
	flags.StringArrayVar(&f.projects, "project", nil, "the key reaches the project of this `id`; may be repeated")
	flags.StringVar(&f.user, "user", "", "the `user` whom the key acts for; empty in a single-user installation")
	flags.StringVar(&f.expires, "expires", "90d", "how long the key is good for: 7d, 30d, 90d, any `duration`, or none")
	flags.StringVar(&f.requestID, "request-id", "", "repeat an earlier call by its `id`, which made a key or not (default a new id)")
	flags.BoolVar(&f.wait, "wait", false, "return only when every replica knows of the key")
	completeFrom(cmd, "access", []string{"read", "write"})
	completeFrom(cmd, "expires", []string{"7d", "30d", "90d", "none"})
	return a.calling(cmd, admin, func(ctx context.Context, c *connection, _ *cobra.Command, _ []string) error {
		in, err := f.request()
		if err != nil {
			return err
		}
		signal.Ignore(syscall.SIGPIPE) // a key that nobody reads is told of
		out, err := v1.NewKeyServiceClient(c).CreateKey(ctx, in)
		if err != nil {
			err = classify(err)
			if f, ok := err.(*failure); ok && f.code == exitUnreachable {
				c.note("It is not known whether a key was created. To find out, repeat the command with --request-id %s", in.GetRequestId())
			}
			return err
		}
		return printNewKey(c, out)
	})
}

func (f *keyFlags) request() (*v1.CreateKeyRequest, error) {
	in := &v1.CreateKeyRequest{Name: f.name, UserId: f.user, RequestId: f.requestID, Wait: f.wait}
	if f.name == "" {
		return nil, usage("--name is needed: a label to recognise the key by")
	}
	var err error
	if in.AccessLevel, err = accessLevel(f.access); err != nil {
		return nil, err
	}
	if f.allProjects == (len(f.projects) > 0) {
		return nil, usage("say what the key reaches: --all-projects, or --project for each project, one of the two")
	}
	in.Projects = &v1.ProjectScope{All: f.allProjects, ProjectIds: f.projects}
	if f.expires == "none" {
		in.Expiry = &v1.CreateKeyRequest_NeverExpires{NeverExpires: true}
	} else {
		d, err := settings.ParseDuration(f.expires)
		if err != nil {
			return nil, usage("--expires %w, or none", err)
		}
		if d < authz.MinKeyLife || d > authz.MaxKeyLife {
			return nil, usage("--expires must be a minute to %d days, or none", authz.MaxKeyLife/(24*time.Hour))
		}
		in.Expiry = &v1.CreateKeyRequest_ExpiresIn{ExpiresIn: durationpb.New(d)}
	}
	if in.RequestId == "" {
		in.RequestId = rand.Text() // 128 bits: an answer that was lost can be asked for again
	}
	return in, nil
}

func accessLevel(word string) (v1.AccessLevel, error) {
	switch word {
	case "read":
		return v1.AccessLevel_ACCESS_LEVEL_READ, nil
	case "write":
		return v1.AccessLevel_ACCESS_LEVEL_WRITE, nil
	}
	return 0, usage("--access must be read or write, not %q", word)
}

func printNewKey(c *connection, out *v1.CreateKeyResponse) error {
	k := out.GetKey()
	if out.GetReplayed() {
		if c.json {
			if err := c.answer(out, nil); err != nil {
				return err
			}
		}
		return fail(exitNo, "an earlier call with this request id created %s, and the key was in its answer alone: "+
			"if that was lost, revoke the key and create another", keyWords(k))
	}
	if err := c.answer(out, func(w io.Writer) { fmt.Fprintln(w, out.GetSecret()) }); err != nil {
		return fmt.Errorf("%s was created, but %w: revoke it and create another", keyWords(k), err)
	}
	if !c.json {
		c.note("Created %s: %s, projects %s, expires %s.\nThis is the only time that it is shown; what is stored is a hash.",
			keyWords(k), enumWord(k.GetAccessLevel()), scopeWords(k.GetProjects()), moment(k.GetExpireTime()))
	}
	return nil
}
