// SPDX-License-Identifier: Apache-2.0

package main

import (
	"log/slog"
	"strings"
	"testing"

	"google.golang.org/grpc/grpclog"

	"aeroplane.run/authz/internal/apikey"
)

// What gRPC says is in the service's own log, for who looks closely, and without keys.
func TestWhatGRPCSays(t *testing.T) { // not beside others: there is one such log in a process
	for level, want := range map[slog.Level]string{
		slog.LevelInfo:  "",
		slog.LevelDebug: "level=DEBUG msg=\"gRPC: Failed to write response: broken pipe\"\nlevel=DEBUG msg=\"gRPC: field not found: ap_0123456789abcdef_[redacted]\"\n",
	} {
		var out strings.Builder
		end := grpcLogs.during(slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		}})))
		grpclog.Errorf("Failed to write response: %v", "broken pipe")
		grpclog.Info("field not found: ", "ap_0123456789abcdef_"+strings.Repeat("x", 49))
		end()
		grpclog.Error("nobody listens any more")
		if got := out.String(); got != strings.ReplaceAll(want, "ap_0123456789abcdef_[redacted]", apikey.Redact("ap_0123456789abcdef_"+strings.Repeat("x", 49))) {
			t.Errorf("at %s: %s", level, got)
		}
	}
}
