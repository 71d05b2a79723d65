// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/grpc/status"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/apikey"
)

// A decider decides on one request after the other, by whichever call they come.
type decider struct {
	authorizer *authz.Authorizer
	guard      guard
	started    time.Time // what durations are measured from: to read the wall clock takes longer
	revision   revisionText
}

// decide returns the answer to a request, in room if there is any and it will do. With atOnce it waits for nothing:
// authz.ErrNotAtOnce where there is no answer yet.
func (d *decider) decide(ctx context.Context, in *authzv1.AuthorizeRequest, atOnce bool, room *allowance) (*authzv1.AuthorizeResponse, error) {
	begun := time.Since(d.started)
	if err := refuseUnknown(in); err != nil {
		return nil, err
	}
	if err := checkSize(in); err != nil {
		return nil, err
	}
	r, err := requestFromProto(in)
	if err != nil {
		return nil, err
	}
	r.AtOnce = atOnce
	decision, err := d.authorizer.Authorize(ctx, r)
	if err != nil {
		return nil, err
	}
	if !decision.Allowed && d.guard.log.Enabled(ctx, slog.LevelDebug) {
		d.logDenial(ctx, in, decision)
	}
	out, err := decisionToProto(decision, d.revision.of(decision.Revision), room)
	if err == nil {
		d.guard.observer.Decided(decision.Reason, time.Since(d.started)-begun)
	}
	return out, err
}

// A result is what became of one of many requests, in one allocation with all that it usually is made of.
type result struct {
	message   authzv1.AuthorizeResult
	response  authzv1.AuthorizeResult_Response
	allowance allowance
}

// decideOne decides on one of many requests, and reports whether the result is set: not where it is not known at once. An error, or
// a panic, is that of the one request.
func (d *decider) decideOne(ctx context.Context, method string, in *authzv1.AuthorizeRequest, atOnce bool, r *result) (ok bool) {
	var err error
	defer func() {
		if err = d.guard.contain(method, recover(), err); err != nil && err != authz.ErrNotAtOnce {
			d.undecided(ctx, method, err, r)
			ok = true
		}
	}()
	if r.response.Response, err = d.decide(ctx, in, atOnce, &r.allowance); err != nil {
		return false
	}
	r.message.Result = &r.response
	return true
}

// undecided tells of an error as if the request had been a call by itself.
func (d *decider) undecided(ctx context.Context, method string, err error, r *result) {
	st := status.Convert(d.guard.answer(ctx, method, authz.Actor{}, err))
	r.message.Result = &authzv1.AuthorizeResult_Error{Error: &authzv1.AuthorizeError{
		Code: int32(st.Code()), Reason: reasonOf(classified(err)), Message: st.Message(),
	}}
}

// logDenial tells what the client may not know. The query stays out, which may hold secrets, and so does the
// credential.
func (d *decider) logDenial(ctx context.Context, in *authzv1.AuthorizeRequest, decision authz.Decision) {
	path, _, _ := strings.Cut(in.GetPath(), "?")
	gateway := ""
	if caller, ok := ctx.Value(callerKey{}).(*Caller); ok {
		gateway = caller.Name
	}
	d.guard.log.LogAttrs(ctx, slog.LevelDebug, "denied",
		slog.String("gateway", gateway), slog.String("address", addressOf(ctx)),
		slog.String("reason", decision.Reason.String()), slog.String("detail", decision.Detail), slog.Int("route", decision.Route),
		slog.String("key", decision.KeyID), slog.String("user", decision.UserID),
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
	if h := in.GetHeaders(); h != nil {
		credential += size(h.GetAuthorization()) + size(h.GetXApiKey()) + size(h.GetCookie())
	}
	if total := len(in.GetMethod()) + len(in.GetPath()) + credential + len(in.GetTargetProjectId()); total > maxAsk {
		return tooLarge(in, credential, total)
	}
	return nil
}

func size(values []string) (n int) {
	for _, v := range values {
		n += len(v)
	}
	return n
}

// tooLarge names the field that is the largest.
func tooLarge(in *authzv1.AuthorizeRequest, credential, total int) error {
	largest, most := "", -1
	for _, part := range [...]struct {
		field string
		size  int
	}{
		{"method", len(in.GetMethod())}, {"path", len(in.GetPath())},
		{"credential", credential}, {"target_project_id", len(in.GetTargetProjectId())},
	} {
		if part.size > most {
			largest, most = part.field, part.size
		}
	}
	return invalid(largest, "method, path, credential and target_project_id must hold at most %d bytes in all, not %d", maxAsk, total)
}
