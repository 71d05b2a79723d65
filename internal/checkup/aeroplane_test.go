// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
)

func TestInStep(t *testing.T) {
	t.Parallel()
	x := with(t)
	ago := func(d time.Duration) *timestamppb.Timestamp { return timestamppb.New(x.Now().Add(-d)) }
	const followed = "ok keys are Aeroplane's"
	for _, c := range []struct {
		name  string
		state *v1.GetSyncStateResponse
		file  string
		want  []string
	}{
		{"nobody follows", &v1.GetSyncStateResponse{}, "", []string{"ok is not followed"}},
		{"nothing yet", &v1.GetSyncStateResponse{}, "f", []string{"fault nothing was taken over"}},
		{"trouble from the start", &v1.GetSyncStateResponse{Trouble: "there is no file", TroubleTime: ago(0)}, "f", []string{"fault there is no file"}},
		{"in step", &v1.GetSyncStateResponse{Revision: 1, Complete: true, SeenTime: ago(5 * time.Second)}, "f", []string{"ok in step 5s ago", followed}},
		{"by a clock that is ahead", &v1.GetSyncStateResponse{Revision: 1, Complete: true, SeenTime: ago(-5 * time.Second)}, "f",
			[]string{"ok in step 0s ago", followed}},
		{"silent", &v1.GetSyncStateResponse{Revision: 1, Complete: true, SeenTime: ago(time.Minute)}, "f", []string{"fault in step 1m0s ago", followed}},
		{"imported", &v1.GetSyncStateResponse{Revision: 1, Complete: true, SeenTime: ago(time.Hour), KeysOurs: true}, "",
			[]string{"warning nobody follows it", "ok keys are ours"}},
		{"trouble", &v1.GetSyncStateResponse{Revision: 1, Complete: true, SeenTime: ago(0), Trouble: "it is locked", TroubleTime: ago(0)}, "f",
			[]string{"fault it is locked", followed}},
		{"half way from the start", &v1.GetSyncStateResponse{Source: "f"}, "", []string{"warning come to its end"}},
		{"half way", &v1.GetSyncStateResponse{Revision: 1, Source: "f", SeenTime: ago(0), RefusedCount: 3}, "f",
			[]string{"ok in step", "warning come to its end", "warning 3 things", followed}},
	} {
		t.Run(c.name, func(t *testing.T) { wants(t, x.inStep(c.state, c.file), c.want...) })
	}
}

func TestTheFileThatIsFollowed(t *testing.T) {
	t.Parallel()
	const silent = "ok not known while it does not answer"
	a := aeroplanetest.Start(t)
	a.User("ada", "owner")
	a.Project("p", "ada", "web")
	wants(t, checkAeroplane(t.Context(), with(t, "aeroplane-file="+a.Path)), "ok can be read: 1 projects", silent)

	missing := filepath.Join(t.TempDir(), "deploy.db")
	wants(t, checkAeroplane(t.Context(), with(t, "aeroplane-file="+missing)), "fault there is no file "+missing, silent)
	if err := os.WriteFile(missing, []byte("not a database, but long enough to be read as the header of one: hunter2, and what else there may be in it"), 0o600); err != nil {
		t.Fatal(err)
	}
	wants(t, checkAeroplane(t.Context(), with(t, "aeroplane-file="+missing)), "fault not a database", silent)
	wants(t, checkAeroplane(t.Context(), with(t)), silent)
}
