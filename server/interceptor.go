// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
	"google.golang.org/protobuf/proto"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/apikey"
	"aeroplane.run/authz/internal/door"
)

// actingUser is the metadata entry that names the user of Aeroplane for whom a caller acts.
const actingUser = "aeroplane-acting-user"

// A guard stands before every call, in two places: admit looks at who calls before a byte of the message is read, the
// interceptors at all else. Calls for decisions go by admit alone, and defer end.
type guard struct {
	callers  *Callers
	log      *slog.Logger
	failed   *throttle // what is logged of calls that failed
	observer Observer
}

// arrival bounds how long the message of a call may take that anybody may make.
const arrival = 5 * time.Second

type callerKey struct{}

// strangerKey is of why whoever calls may not.
type strangerKey struct{}

// admit lets a call begin if its caller may make it. Until then it costs the server its headers only: what strangers
// send is not read, so that they cannot make the server hold it. Whoever calls without a token has a bounded time.
func (g *guard) admit(ctx context.Context, call *tap.Info) (context.Context, error) {
	need, listed := rowOf(call.FullMethodName)
	switch {
	case !listed:
		return ctx, nil // gRPC answers that there is no such method; one without a row is closed by the interceptors
	case need == open:
		return briefly(ctx), nil
	}
	caller, err := g.callers.identify(call.Header["authorization"], metadataEntry)
	if err == nil && !need.admits(caller.Role) {
		err = authz.Errorf(authz.PermissionDenied, "a token of the role %s may not call this", caller.Role)
	}
	switch {
	case err != nil && need == answers: // a gateway that fails open would make an allow of an error
		return context.WithValue(briefly(ctx), strangerKey{}, err), nil
	case err != nil:
		return ctx, g.answer(ctx, call.FullMethodName, authz.Actor{}, err)
	case need.asks():
		return ctx, nil // a decision is the same for all who may ask for it
	}
	return context.WithValue(ctx, callerKey{}, caller), nil
}

// briefly bounds how long a call may take that anybody may make.
func briefly(ctx context.Context) context.Context {
	bounded, cancel := context.WithTimeout(ctx, arrival)
	context.AfterFunc(ctx, cancel)
	return bounded
}

// callerOf returns the caller whom admit has let in, nil where it makes no difference who calls.
func callerOf(ctx context.Context, need access) (*Caller, error) {
	if need == open || need.asks() {
		return nil, nil
	}
	caller, ok := ctx.Value(callerKey{}).(*Caller)
	if !ok || !need.admits(caller.Role) {
		return nil, authz.Errorf(authz.PermissionDenied, "nobody may call this")
	}
	return caller, nil
}

func (g *guard) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (resp any, err error) {
	method := info.FullMethod
	need := methods[method]
	var actor authz.Actor
	defer func() {
		if err = g.contain(method, recover(), err); err != nil || need == changes {
			err = g.answer(ctx, method, actor, err)
		}
	}()
	if actor, err = actorOf(ctx, need); err != nil {
		return nil, err
	}
	if need.administers() {
		if err := refuseUnknown(req.(proto.Message)); err != nil {
			return nil, err
		}
		ctx = context.WithValue(ctx, actorKey{}, actor)
	}
	return next(ctx, req)
}

func (g *guard) stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) (err error) {
	need := methods[info.FullMethod]
	var actor authz.Actor
	defer func() {
		err = g.contain(info.FullMethod, recover(), err)
		if _, already := status.FromError(err); need == changes {
			err = g.answer(s.Context(), info.FullMethod, actor, err)
		} else if !already { // or else all is said, by gRPC or by us
			err = g.tell(s.Context(), info.FullMethod, need, actor, err)
		}
	}()
	if actor, err = actorOf(s.Context(), need); err != nil {
		return err
	}
	if need.administers() {
		s = administration{s, context.WithValue(s.Context(), actorKey{}, actor)}
	}
	return next(srv, s)
}

// An administration is a stream of an administrator's.
type administration struct {
	grpc.ServerStream
	ctx context.Context
}

func (a administration) Context() context.Context { return a.ctx }

// RecvMsg refuses what it does not know, as unary calls do.
func (a administration) RecvMsg(m any) error {
	if err := a.ServerStream.RecvMsg(m); err != nil {
		return err
	}
	return refuseUnknown(m.(proto.Message))
}

// end is deferred by calls for decisions, which need no more of the interceptors: a panic is an error of the call, and errors are
// counted, logged, and turned into what is sent.
func (g *guard) end(ctx context.Context, method string, err *error) {
	if panicked := recover(); panicked != nil || *err != nil {
		*err = g.answer(ctx, method, authz.Actor{}, g.contain(method, panicked, *err))
	}
}

// contain turns a panic into an error of the one call that it happened in.
func (g *guard) contain(method string, panicked any, err error) error {
	if panicked == nil {
		return err
	}
	g.log.Error("panic", "method", method, "panic", fmt.Sprint(panicked), "stack", string(debug.Stack()))
	return authz.Errorf(authz.Internal, "panic")
}

// answer counts and logs how a call ended that failed, or that was for a change, and returns the error to send. What is no method of
// gRPC's is a path, where decisions are asked for over HTTP.
func (g *guard) answer(ctx context.Context, method string, actor authz.Actor, err error) error {
	need, ok := methods[method]
	if !ok {
		need = decides
	}
	if _, already := status.FromError(err); already && !need.ours() {
		return err // gRPC's own services speak in statuses
	}
	g.observe(method, need, err)
	return g.tell(ctx, method, need, actor, err)
}

// refuse counts and logs that no decision was reached, and returns the refusal that takes its place: for gateways which could make an
// allow of an error, or cannot be told of one.
func (g *guard) refuse(ctx context.Context, method string, err error) door.Refusal {
	_ = g.answer(ctx, method, authz.Actor{}, err) // the error is not sent
	return refusalOf(err)
}

// tell logs how a call ended, and returns the error to send.
func (g *guard) tell(ctx context.Context, method string, need access, actor authz.Actor, err error) error {
	st := statusOf(err)
	if need == changes && actor != (authz.Actor{}) {
		g.log.LogAttrs(ctx, slog.LevelInfo, "change",
			slog.String("method", method), slog.String("token", actor.TokenName), slog.String("user", actor.UserID),
			slog.String("address", actor.Address), slog.String("outcome", st.Code().String()))
	}
	if err == nil {
		return nil
	}
	level, like := levelOf(ctx, err), int64(0)
	if need.asks() || st.Code() == codes.Unauthenticated || st.Code() == codes.PermissionDenied || classified(err).Code == authz.CodeOverloaded {
		var logged bool
		if logged, like = g.failed.allow(time.Now(), level); !logged {
			return st.Err()
		}
	}
	g.log.LogAttrs(ctx, level, "call failed",
		slog.String("method", method), slog.String("address", addressOf(ctx)),
		slog.String("code", st.Code().String()), slog.String("error", apikey.Redact(err.Error())), slog.Int64("others_not_logged", like))
	return st.Err()
}

// levelOf says who needs to know: an operator of faults, everybody of callers refused, a developer of bad input.
func levelOf(ctx context.Context, err error) slog.Level {
	switch authz.KindOf(classified(err)) {
	case authz.Internal:
		return slog.LevelError
	case authz.Unavailable:
		if ctx.Err() != nil {
			return slog.LevelDebug // it was the caller who did not wait
		}
		return slog.LevelWarn
	case authz.Unauthenticated, authz.PermissionDenied:
		return slog.LevelInfo
	}
	return slog.LevelDebug
}

// A throttle lets one failure of a level be logged each second, and counts the others: anybody can fail to call as
// often as they like, and when the database is away every call fails.
type throttle struct {
	levels [4]struct{ second, skipped atomic.Int64 }
}

// allow reports whether to log, and how many were not logged since the last that was.
func (t *throttle) allow(now time.Time, l slog.Level) (ok bool, skipped int64) {
	at := &t.levels[min(max((l-slog.LevelDebug)/4, 0), 3)]
	last := at.second.Load()
	if now.Unix() != last && at.second.CompareAndSwap(last, now.Unix()) {
		return true, at.skipped.Swap(0)
	}
	at.skipped.Add(1)
	return false, 0
}

type actorKey struct{}

// actorFrom returns who makes the change. It panics without one: no change is made then.
func actorFrom(ctx context.Context) authz.Actor { return ctx.Value(actorKey{}).(authz.Actor) }

// actorOf returns who makes a call, if it is an administrator's. Others it refuses where they may not call.
func actorOf(ctx context.Context, need access) (authz.Actor, error) {
	if v := visitorOf(ctx); v != nil { // who was let in, for this method, by the JSON API
		return v.actor(ctx)
	}
	caller, err := callerOf(ctx, need)
	if err != nil || !need.administers() {
		return authz.Actor{}, err
	}
	return caller.actor(ctx)
}

// actor returns who the caller is in a call, and for whom it acts.
func (c *Caller) actor(ctx context.Context) (authz.Actor, error) {
	actor := authz.Actor{Role: c.Role, TokenName: c.Name, Address: addressOf(ctx)}
	users := metadata.ValueFromIncomingContext(ctx, actingUser)
	if len(users) == 0 {
		return actor, nil
	}
	if len(users) > 1 || users[0] != "" && !authz.ValidUserID(users[0]) {
		return actor, invalid(actingUser, "must be one entry: the id of a user, or nothing")
	}
	actor.UserID = users[0]
	return actor, nil
}

func addressOf(ctx context.Context) string {
	if p, ok := peer.FromContext(ctx); ok && p.Addr != nil {
		return p.Addr.String()
	}
	return ""
}
