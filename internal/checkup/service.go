// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"cmp"
	"context"
	"errors"
	"strings"

	"google.golang.org/grpc/codes"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// prefix begins the names of the service's series.
const prefix = "aeroplane_authz_"

// checkService asks the service whether it serves, and which it is.
func checkService(ctx context.Context, x *examination) []Finding {
	if x.Address == "" {
		return []Finding{warning("Put the settings right first.", "it was not asked, because of its settings")}
	}
	s := x.running()
	switch {
	case s.listens != nil:
		return []Finding{x.nobody(s)}
	case s.refused != nil:
		return append([]Finding{fault("See what listens there. Where the service wants TLS, this needs its tls-cert, or tls and tls-ca.",
			"what listens at %s does not answer as the service would: %s", x.Address, said(s.refused))}, x.opsOf(s)...)
	case s.health != healthpb.HealthCheckResponse_SERVING:
		why := cmp.Or(s.ready, "its log says why")
		return append([]Finding{fault("See what is said of its database; it serves again by itself when the cause is gone.",
			"the service answers at %s, and does not serve: %s", x.Address, why)}, x.opsOf(s)...)
	}
	all := []Finding{good("it serves at %s", x.Address)}
	all = append(all, x.opsOf(s)...)
	return append(all, x.knowsAdmin(ctx)...)
}

// nobody tells a service that was not started from one that hangs, or is elsewhere.
func (x *examination) nobody(s *runningService) Finding {
	if !x.onPostgres() {
		if c, err := x.embedded(); err == nil && c.Open {
			return fault("See where that process listens, and what it logs; if it hangs, end it, and start the service anew.",
				"nobody answers at %s, although %s has the database open", x.Address, holder(c.Holder))
		}
	}
	if s.ops == nil {
		return fault("See in its log where it listens, or whether it is shutting down.", "nobody answers at %s, although somebody does at %s, where its metrics are",
			x.Address, x.Ops)
	}
	return warning("Start it with `aeroplane-authz serve`; if it runs elsewhere, say where with --listen or --address.",
		"the service does not run: %v", s.listens)
}

// opsOf says what metrics and probes tell.
func (x *examination) opsOf(s *runningService) []Finding {
	switch {
	case errors.Is(s.ops, errOff):
		return []Finding{good("%v, so that its version, lease and view of Redis are not known", s.ops)}
	case s.ops != nil:
		return []Finding{warning("Set ops-listen to what the service was started with.", "its metrics and probes cannot be asked: %v", s.ops)}
	}
	version, commit := s.metrics.Label(prefix+"build_info", "version"), s.metrics.Label(prefix+"build_info", "commit")
	switch {
	case version == "":
		return []Finding{warning("See what listens there: each server on a machine needs an ops-listen of its own.", "the metrics at %s are not those of this service", x.Ops)}
	case version != x.Build.Version, commit != "" && x.Build.Commit != "" && commit != x.Build.Commit:
		return []Finding{warning("Restart the service, if it was upgraded; or examine it with the program that it is.",
			"the running service is version %s, and this program %s", described(version, commit), described(x.Build.Version, x.Build.Commit))}
	}
	return []Finding{good("it is version %s, as this program is", described(version, commit))}
}

func described(version, commit string) string {
	if commit == "" {
		return version
	}
	return version + " (" + commit[:min(len(commit), 12)] + ")"
}

// knowsAdmin tries the token that commands would use. Where there is none for this user, there is nothing to try.
func (x *examination) knowsAdmin(ctx context.Context) []Finding {
	conn, err := x.Connect(ctx, true)
	if err != nil {
		return nil
	}
	_, err = v1.NewKeyServiceClient(conn).ListKeys(ctx, &v1.ListKeysRequest{PageSize: 1})
	switch status.Code(err) {
	case codes.OK:
		return []Finding{good("it knows the admin's token that commands find here")}
	case codes.Unauthenticated, codes.PermissionDenied:
		return []Finding{warning("Restart the service, if its tokens were changed since it was started; or give commands the token of an admin.",
			"it does not take the admin's token that commands find here: %s", said(err))}
	}
	return []Finding{fault("See its log.", "it cannot list keys: %s", said(err))}
}

// said is what a call's error says, without gRPC's own wrapping.
func said(err error) string {
	if st, ok := status.FromError(err); ok {
		message := strings.TrimPrefix(st.Message(), `connection error: desc = "`)
		return oneLine(strings.TrimSuffix(strings.TrimPrefix(message, "transport: "), `"`))
	}
	return oneLine(err.Error())
}
