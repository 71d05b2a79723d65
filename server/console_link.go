// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

type consoleService struct {
	authzv1.UnsafeConsoleServiceServer
	console *authz.Console
	url     string // where the page is; empty: nowhere
}

// callerWho returns the caller of an administrator's call, by whichever door. A session makes no links.
func callerWho(ctx context.Context) *Caller {
	if v := visitorOf(ctx); v != nil {
		return v.caller
	}
	return ctx.Value(callerKey{}).(*Caller)
}

// CreateConsoleLink lets the code leave its type, for the one answer that may hold it. It stands where browsers do not send it to anybody,
// and no log of a proxy has it: the page itself sends it on.
func (s *consoleService) CreateConsoleLink(ctx context.Context, _ *authzv1.CreateConsoleLinkRequest) (*authzv1.CreateConsoleLinkResponse, error) {
	if s.url == "" {
		return nil, authz.Errorf(authz.FailedPrecondition, "there is no API Access page: the service does not listen for HTTP, see http-listen")
	}
	code, until, err := s.console.Code(ctx, actorFrom(ctx), callerWho(ctx).digest)
	if err != nil {
		return nil, err
	}
	return &authzv1.CreateConsoleLinkResponse{Url: s.url + consolePath + "/#code=" + code.Reveal(), ExpireTime: timeToProto(until)}, nil
}
