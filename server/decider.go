// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/apikey"
)

// A decider decides on one request after the other, by whichever call they come.
type decider struct {
	authorizer *authz.Authorizer
	guard      *guard
	started    time.Time // what durations are measured from: to read the wall clock takes longer
	revision   revisionText
}

func newDecider(a *authz.Authorizer, g *guard) decider {
	return decider{authorizer: a, guard: g, started: time.Now()}
}

// uncounted returns the same, but what it decides, and what befalls it, is not counted: that is for questions of our own, which are no
// gateway's.
func (d *decider) uncounted() *decider {
	quiet := *d.guard
	quiet.observer = nobody{}
	uncounted := newDecider(d.authorizer, &quiet)
	return &uncounted
}

// decide puts the decision on a question into r. With atOnce it waits for nothing: authz.ErrNotAtOnce where there is no answer yet.
func (d *decider) decide(ctx context.Context, q *question, atOnce bool, r *result) error {
	if q.refused != nil {
		return q.refused
	}
	begun := time.Since(d.started)
	q.request.AtOnce = atOnce
	var err error
	if r.decision, err = d.authorizer.Authorize(ctx, q.request); err == nil {
		err = r.check()
	}
	if err != nil {
		return err
	}
	r.revision = d.revision.of(r.decision.Revision)
	if !r.decision.Allowed && d.guard.log.Enabled(ctx, slog.LevelDebug) {
		d.logDenial(ctx, q, &r.decision)
	}
	d.guard.observer.Decided(r.decision.Reason, time.Since(d.started)-begun)
	return nil
}

// decideOne decides on one of many questions, and reports whether the result is set: not where it is not known at once. An error, or
// a panic, is that of the one question.
func (d *decider) decideOne(ctx context.Context, method string, q *question, atOnce bool, r *result) (ok bool) {
	var err error
	defer func() {
		if err = d.guard.contain(method, recover(), err); err != nil && err != authz.ErrNotAtOnce {
			r.fault = faultOf(status.Convert(d.guard.answer(ctx, method, authz.Actor{}, err)), err)
		}
		ok = err != authz.ErrNotAtOnce
	}()
	err = d.decide(ctx, q, atOnce, r)
	return // as the above says
}

// faultOf tells of an error, and the status that it became, as if the question had been a call by itself.
func faultOf(st *status.Status, err error) *authzv1.AuthorizeError {
	return &authzv1.AuthorizeError{Code: int32(st.Code()), Reason: reasonOf(classified(err)), Message: strings.ToValidUTF8(st.Message(), "\uFFFD")}
}

// gatewayKey is of the name of a gateway that asks over HTTP; empty where its address is all that is known of it.
type gatewayKey struct{}

// logDenial tells what the client may not know. The query stays out, which may hold secrets, and so does the
// credential.
func (d *decider) logDenial(ctx context.Context, q *question, decision *authz.Decision) {
	path, _, _ := strings.Cut(q.request.Target, "?")
	gateway := ""
	if name, ok := ctx.Value(gatewayKey{}).(string); ok {
		gateway = name
	} else if header, ok := metadata.FromIncomingContext(ctx); ok {
		if caller, err := d.guard.callers.identify(header["authorization"], metadataEntry); err == nil {
			gateway = caller.Name
		}
	}
	d.guard.log.LogAttrs(ctx, slog.LevelDebug, "denied",
		slog.String("gateway", gateway), slog.String("address", addressOf(ctx)),
		slog.String("reason", decision.Reason.String()), slog.String("detail", decision.Detail), slog.Int("route", decision.Route),
		slog.String("key", decision.KeyID), slog.String("user", decision.UserID),
		slog.String("method", clip(q.request.Method)), slog.String("path", clip(path)))
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
