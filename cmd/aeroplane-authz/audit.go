// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	"aeroplane.run/authz"
	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

func (a *app) audit() *cobra.Command {
	cmd := command("audit [flags]", "Print what was changed, by whom, when and from where, newest first", noArguments, nil)
	in := new(v1.ListEventsRequest)
	flags := cmd.Flags()
	flags.StringVar(&in.Action, "action", "", "only this `action`, such as key.revoke, or several, such as key.*")
	flags.StringVar(&in.SubjectId, "subject", "", "only changes to the thing of this `id`")
	flags.StringVar(&in.TokenName, "token-name", "", "only changes made with the token of this `name`")
	flags.StringVar(&in.UserId, "user", "", "only changes made for this `user`")
	since := flags.String("since", "", "only changes since a `time` such as 2030-01-31T12:00:00Z, or so long ago: 24h, 7d")
	until := flags.String("until", "", "only changes before a `time`, or longer ago")
	limit := flags.Int("limit", 0, "print at most so many records; 0 prints all")
	var actions []string
	for _, action := range authz.Actions() {
		actions = append(actions, string(action))
	}
	completeFrom(cmd, "action", actions)
	return a.calling(cmd, admin, func(ctx context.Context, c *connection, _ *cobra.Command, _ []string) (err error) {
		if in.StartTime, err = ago("since", *since); err != nil {
			return err
		}
		if in.EndTime, err = ago("until", *until); err != nil {
			return err
		}
		events, next, err := all(*limit, func(size int32, token string) ([]*v1.Event, string, error) {
			in.PageSize, in.PageToken = size, token
			out, err := v1.NewAuditServiceClient(c).ListEvents(ctx, in)
			return out.GetEvents(), out.GetNextPageToken(), err
		})
		if err != nil {
			return err
		}
		return c.answer(&v1.ListEventsResponse{Events: events, NextPageToken: next}, func(w io.Writer) {
			var rows [][]string
			for _, e := range events {
				by := e.GetActor()
				rows = append(rows, []string{moment(e.GetTime()), e.GetAction(), e.GetSubjectId(),
					enumWord(by.GetRole()) + ":" + by.GetTokenName(),
					by.GetUserId(), by.GetAddress(), detailWords(e.GetDetails())})
			}
			columns(w, "TIME ACTION SUBJECT BY USER FROM DETAILS", rows)
		})
	})
}

func ago(flag, text string) (*timestamppb.Timestamp, error) {
	if text == "" {
		return nil, nil
	}
	t, err := instant(flag, text, func(d time.Duration) time.Duration { return -d })
	if err != nil {
		return nil, err
	}
	return timestamppb.New(t), nil
}

func detailWords(details map[string]string) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(details)) {
		value := label(details[name])
		if strings.Contains(value, " ") && !strings.HasPrefix(value, `"`) {
			value = quote(value) // a blank ends it here
		}
		words = append(words, name+"="+value)
	}
	return strings.Join(words, " ")
}
