// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	bt "aeroplane.run/authz/internal/browsertest"
)

// It is as late as the service says, whatever the browser's own clock shows: a key that has expired has expired.
func TestWrongClock(t *testing.T) {
	s := newStage(t)
	s.ago.Store(int64(5 * time.Hour))
	old, err := v1.NewKeyServiceClient(s.Admin).CreateKey(t.Context(), &v1.CreateKeyRequest{Name: "old", UserId: "ada", AccessLevel: v1.AccessLevel_ACCESS_LEVEL_READ,
		Projects: &v1.ProjectScope{All: true}, Expiry: &v1.CreateKeyRequest_ExpiresIn{ExpiresIn: durationpb.New(3 * time.Hour)}})
	s.must(err)
	s.ago.Store(0)
	made := s.create("ada", "fresh").GetKey()
	page := s.as("ada")
	for _, wrong := range []time.Duration{-40 * time.Hour, 40 * time.Hour, 0} {
		bt.Eval[bool](t, page, fmt.Sprintf(`(() => { const now = window.rightNow ??= Date.now; Date.now = () => now() + %d; return true; })()`, wrong.Milliseconds()))
		lookAgain(t, page)
		quiet(t, page)
		page.Text(t, row(old.GetKey().GetId()), "2 hours ago")
		page.Text(t, row(old.GetKey().GetId()), "Expired")
		page.Text(t, row(made.GetId()), "just now")
		page.Text(t, row(made.GetId()), "in 90 days")
		s.press(page, "Create API key")
		end := bt.Eval[string](t, page, `new Intl.DateTimeFormat(undefined, {dateStyle: "medium"}).format(new Date(rightNow() + 30 * 86400e3))`)
		page.Text(t, "dialog", "The key works until "+end)
		s.press(page, "Cancel")
	}
}
