// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"context"
	"time"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/aeroplane"
)

// stale is how long Aeroplane may not have been seen where it is followed: that is reported every ten seconds.
const stale = 30 * time.Second

const importDry = "Run `aeroplane-authz import aeroplane FILE --dry-run`, which lists them with the reasons; put them right in Aeroplane."

// checkAeroplane looks at the file that is followed, and asks the service how it stands to Aeroplane, whoever keeps it in step.
func checkAeroplane(ctx context.Context, x *examination) (all []Finding) {
	file := x.Settings.AeroplaneFile
	if file != "" {
		all = append(all, x.readable(ctx, file))
	}
	if x.Address == "" || x.running().listens != nil {
		return append(all, good("how the service stands to Aeroplane is not known while it does not answer"))
	}
	conn, err := x.Connect(ctx, true)
	if err != nil {
		return append(all, good("how the service stands to Aeroplane is not known without the token of an admin"))
	}
	state, err := v1.NewCatalogServiceClient(conn).GetSyncState(ctx, &v1.GetSyncStateRequest{})
	if err != nil {
		return append(all, warning("See what is said of the service.", "how it stands to Aeroplane cannot be asked: %s", said(err)))
	}
	return append(all, x.inStep(state, file)...)
}

func (x *examination) readable(ctx context.Context, file string) Finding {
	r, err := aeroplane.Read(ctx, file, x.Now(), nil)
	if err != nil {
		return fault("Put that right; until then what is known stays as it is.", "%v", err)
	}
	return good("%s can be read: %d projects, %d services, %d deployments, %d sessions, %d keys", file, len(r.Projects), len(r.Services),
		len(r.Deployments), len(r.Sessions), len(r.Keys))
}

// inStep judges the state. One that was imported, and that nobody follows, grows old.
func (x *examination) inStep(s *v1.GetSyncStateResponse, file string) (all []Finding) {
	age := x.Now().Sub(s.GetSeenTime().AsTime()).Round(time.Second)
	switch {
	case s.GetRevision() == 0 && s.GetSource() == "" && file == "" && s.GetTrouble() == "":
		return []Finding{good("Aeroplane is not followed: what is known was put by hand")}
	case s.GetTrouble() != "":
		all = append(all, fault("Put that right; until then what is known stays as it was.", "Aeroplane is not followed since %s: %s",
			s.GetTroubleTime().AsTime().UTC().Format(time.RFC3339), oneLine(s.GetTrouble())))
	case s.GetRevision() == 0 && s.GetSource() != "": // the first sync has begun
	case s.GetRevision() == 0:
		all = append(all, fault("See the log of the service, and whether it was started with aeroplane-file.", "nothing was taken over from Aeroplane yet"))
	case age > stale && file != "":
		all = append(all, fault("See the log of the service, and whether it was started with aeroplane-file.",
			"Aeroplane was last seen to be in step %v ago", age))
	case age > stale:
		all = append(all, warning("Follow it, by aeroplane-file or `aeroplane-authz follow`, or import it again.",
			"Aeroplane was last seen to be in step %v ago, and nobody follows it", age))
	default:
		all = append(all, good("Aeroplane was seen to be in step %v ago", max(age, 0)))
	}
	if s.GetSource() != "" && !s.GetComplete() {
		all = append(all, warning("It is repeated by itself where Aeroplane is followed; otherwise import it again.", "the last sync has not come to its end"))
	}
	if n := s.GetRefusedCount(); n > 0 {
		all = append(all, warning(importDry, "%d things of Aeroplane's break a rule, and were not taken over", n))
	}
	if s.GetRevision() == 0 {
		return all
	}
	if s.GetKeysOurs() {
		return append(all, good("keys are ours: what Aeroplane's own page does with them is not followed"))
	}
	return append(all, good("keys are Aeroplane's"))
}
