// SPDX-License-Identifier: Apache-2.0

package console_test

import (
	"flag"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	bt "aeroplane.run/authz/internal/browsertest"
)

var screenshots = flag.String("screenshots", "", "the folder that pictures of the page go to; none are made without")

const (
	day         = 24 * time.Hour
	read, write = v1.AccessLevel_ACCESS_LEVEL_READ, v1.AccessLevel_ACCESS_LEVEL_WRITE
)

// shown are keys as somebody may have them.
var shown = []struct {
	name     string
	access   v1.AccessLevel
	projects []string      // none: all
	life     time.Duration // 0: for ever
	age      time.Duration
	used     time.Duration // ago; 0: never
}{
	{"CI deploys", write, []string{"p-public-api", "p-web-shop"}, 90 * day, 31 * day, 4 * time.Minute},
	{"Grafana dashboard", read, nil, 0, 212 * day, 20 * time.Second},
	{"Ada's laptop", write, nil, 30 * day, 26 * day, 3 * time.Hour},
	{"Nightly backup", read, []string{"p-data-warehouse"}, 90 * day, 12 * day, 9 * time.Hour},
	{"Release bot", write, []string{"p-documentation", "p-public-api", "p-web-shop"}, 90 * day, 2 * time.Hour, 0},
	{"Old scripts", read, nil, 90 * day, 94 * day, 40 * day},
	{"Contractor", read, []string{"p-documentation"}, 30 * day, 19 * day, 2 * day},
}

// createShown creates them for ada, and returns their ids by their names.
func (s *stage) createShown() map[string]string {
	s.Helper()
	ids := make(map[string]string)
	for _, k := range shown {
		r := &v1.CreateKeyRequest{Name: k.name, UserId: "ada", AccessLevel: k.access, Projects: &v1.ProjectScope{All: k.projects == nil, ProjectIds: k.projects}}
		r.Expiry = &v1.CreateKeyRequest_NeverExpires{NeverExpires: true}
		if k.life > 0 {
			r.Expiry = &v1.CreateKeyRequest_ExpiresIn{ExpiresIn: durationpb.New(k.life)}
		}
		s.ago.Store(int64(k.age))
		made, err := v1.NewKeyServiceClient(s.Admin).CreateKey(s.Context(), r)
		s.must(err)
		if ids[k.name] = made.GetKey().GetId(); k.used > 0 {
			s.ago.Store(int64(k.used))
			s.authorize(made.GetSecret(), "GET", "/api/projects")
			s.Uses.Flush(s.Context())
		}
	}
	s.ago.Store(0)
	return ids
}

// TestScreenshots makes the pictures of the documents: make screenshots.
func TestScreenshots(t *testing.T) {
	if *screenshots == "" {
		t.Skip("no pictures are asked for")
	}
	s := newStage(t)
	ids := s.createShown()
	page := s.as("ada")
	page.Text(t, row(ids["CI deploys"]), "4 minutes ago")
	s.revoke(ids["Contractor"])
	page.Text(t, row(ids["Contractor"]), "Revoked")
	bt.Eval[bool](t, page, `(() => { document.activeElement.blur(); return true; })()`)
	picture := func(name string) {
		t.Helper()
		for suffix, media := range map[string]bt.Media{"light": {}, "dark": {Dark: true}} {
			page.Emulate(t, media)
			page.Screenshot(t, filepath.Join(*screenshots, name+"-"+suffix+".png"))
		}
	}
	page.Resize(t, 1200, 880)
	picture("api-access")
	s.press(page, "Why was this refused?")
	s.enter(page, "Method", "POST")
	s.enter(page, "Path", "/api/projects/p-data-warehouse/services")
	s.enter(page, "ID of the key", ids["CI deploys"])
	page.Press(t, bt.Enter)
	page.Visible(t, ".verdict")
	page.Resize(t, 1200, 1000)
	picture("why-refused")
}
