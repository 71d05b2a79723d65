// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/apikey"
)

// Each service embeds its Unsafe interface, so that a method of the contract which is missing here does not compile.
type authorizationService struct {
	authzv1.UnsafeAuthorizationServiceServer
	authorizer *authz.Authorizer
	log        *slog.Logger
	observer   Observer
}

func (s *authorizationService) Authorize(ctx context.Context, in *authzv1.AuthorizeRequest) (
	*authzv1.AuthorizeResponse, error) {
	begun := time.Now()
	if err := checkSize(in); err != nil {
		return nil, err
	}
	r, err := requestFromProto(in)
	if err != nil {
		return nil, err
	}
	d, err := s.authorizer.Authorize(ctx, r)
	if err != nil {
		return nil, err
	}
	if !d.Allowed && s.log.Enabled(ctx, slog.LevelDebug) {
		s.logDenial(ctx, in, d)
	}
	out, err := decisionToProto(d)
	if err == nil {
		s.observer.Decided(d.Reason, time.Since(begun))
	}
	return out, err
}

// logDenial tells what the client may not know. The query stays out, which may hold secrets, and so does the
// credential.
func (s *authorizationService) logDenial(ctx context.Context, in *authzv1.AuthorizeRequest, d authz.Decision) {
	path, _, _ := strings.Cut(in.GetPath(), "?")
	caller, _ := ctx.Value(callerKey{}).(Caller)
	s.log.LogAttrs(ctx, slog.LevelDebug, "denied",
		slog.String("gateway", caller.Name), slog.String("address", addressOf(ctx)),
		slog.String("reason", d.Reason.String()), slog.String("detail", d.Detail), slog.Int("route", d.Route),
		slog.String("key", d.KeyID), slog.String("user", d.UserID),
		slog.String("method", clip(in.GetMethod())), slog.String("path", clip(path)))
}

// clip shortens what a stranger sent to what a log line can bear, and takes out what looks like a key: some clients put
// theirs where it does not belong.
func clip(s string) string {
	const most = 256
	if len(s) > 2*most {
		s = s[:2*most] // a key that is cut here is cut away below
	}
	s = apikey.Redact(s)
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "..."
}

// checkSize refuses what no gateway should have accepted from its client.
func checkSize(in *authzv1.AuthorizeRequest) error {
	credential := len(in.GetApiKey()) + len(in.GetSessionToken())
	for _, values := range [][]string{
		in.GetHeaders().GetAuthorization(), in.GetHeaders().GetXApiKey(), in.GetHeaders().GetCookie(),
	} {
		for _, v := range values {
			credential += len(v)
		}
	}
	parts := [...]struct {
		field string
		size  int
	}{
		{"method", len(in.GetMethod())}, {"path", len(in.GetPath())},
		{"credential", credential}, {"target_project_id", len(in.GetTargetProjectId())},
	}
	total, largest := 0, parts[0]
	for _, p := range parts {
		total += p.size
		if p.size > largest.size {
			largest = p
		}
	}
	if total > maxAsk {
		return invalid(largest.field,
			"method, path, credential and target_project_id must hold at most %d bytes in all, not %d", maxAsk, total)
	}
	return nil
}
