// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"

	"google.golang.org/grpc/grpclog"

	"aeroplane.run/authz/internal/apikey"
)

// A grpcLog is where gRPC, and its gateway for JSON, say what befell a connection. They would write to standard error by themselves, whenever a
// client breaks off. Here all of it goes to the log of the service that runs, at debug: it is what strangers cause, and what matters of it for a call
// the service tells itself. Where no service runs it is dropped, since commands say what their own calls came to.
type grpcLog struct{ to atomic.Pointer[slog.Logger] }

var grpcLogs grpcLog

// There is one for the whole process, which is to be set before anything of gRPC is called.
func init() { grpclog.SetLoggerV2(&grpcLogs) }

// during sends what gRPC says to a log. The result ends it.
func (g *grpcLog) during(log *slog.Logger) (end func()) {
	g.to.Store(log)
	return func() { g.to.CompareAndSwap(log, nil) }
}

func (g *grpcLog) say(level slog.Level, text func() string) {
	if log := g.to.Load(); log != nil && log.Enabled(context.Background(), level) {
		log.Log(context.Background(), level, "gRPC: "+apikey.Redact(strings.TrimSpace(text()))) // names that a client makes up are in it
	}
}

func (g *grpcLog) Info(args ...any) {
	g.say(slog.LevelDebug, func() string { return fmt.Sprint(args...) })
}
func (g *grpcLog) Infof(format string, args ...any) {
	g.say(slog.LevelDebug, func() string { return fmt.Sprintf(format, args...) })
}
func (g *grpcLog) Infoln(args ...any) {
	g.say(slog.LevelDebug, func() string { return fmt.Sprintln(args...) })
}
func (g *grpcLog) Warning(args ...any)                 { g.Info(args...) }
func (g *grpcLog) Warningf(format string, args ...any) { g.Infof(format, args...) }
func (g *grpcLog) Warningln(args ...any)               { g.Infoln(args...) }
func (g *grpcLog) Error(args ...any)                   { g.Info(args...) }
func (g *grpcLog) Errorf(format string, args ...any)   { g.Infof(format, args...) }
func (g *grpcLog) Errorln(args ...any)                 { g.Infoln(args...) }

func (g *grpcLog) Fatal(args ...any)                 { g.fatal(fmt.Sprint(args...)) }
func (g *grpcLog) Fatalf(format string, args ...any) { g.fatal(fmt.Sprintf(format, args...)) }
func (g *grpcLog) Fatalln(args ...any)               { g.fatal(fmt.Sprintln(args...)) }

// fatal ends the process, as gRPC expects of it.
func (g *grpcLog) fatal(text string) {
	g.say(slog.LevelError, func() string { return text })
	os.Exit(exitUnreachable)
}

// V reports whether more is to be said than is usual. It is not.
func (g *grpcLog) V(level int) bool { return level <= 0 }
