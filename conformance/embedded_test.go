// SPDX-License-Identifier: Apache-2.0

package conformance

import (
	"database/sql"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/proto"

	"aeroplane.run/authz"
	"aeroplane.run/authz/embedded"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/postgres"
	"aeroplane.run/authz/internal/testservers"
)

// A conversation is a question and what the service answered.
type conversation struct {
	question *authzv1.AuthorizeRequest
	answer   *authzv1.AuthorizeResponse
}

// openCopy returns a replica that is embedded here, on a copy of a database that nobody writes to at the moment.
func openCopy(t *testing.T, dir string) *embedded.Replica {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	s, err := embedded.Open(t.Context(), embedded.Config{Dir: to})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s.Replica
}

// join returns a replica that is embedded here, with the role of a gateway.
func join(t *testing.T, dsn string) *embedded.Replica {
	t.Helper()
	role, as := testservers.Postgres(t).NewRole(t, dsn)
	db := must[*sql.DB](t)(sql.Open("postgres", dsn))
	defer db.Close()
	must[sql.Result](t)(db.Exec(must[string](t)(postgres.Grants(role))))
	r, err := embedded.Join(t.Context(), embedded.JoinConfig{DSN: as})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return r
}

// agreesEmbedded asks a replica that is embedded here all that the service was asked, and wants the same answers.
func (d *everyDoor) agreesEmbedded(r *embedded.Replica) {
	d.t.Helper()
	for _, c := range d.conversations {
		in := c.question
		h := in.GetHeaders()
		decision, err := r.Authorize(d.t.Context(), authz.Request{Method: in.GetMethod(), Target: in.GetPath(), TransferTo: in.TargetProjectId,
			Credential: authz.CredentialHeaders{
				Authorization: h.GetAuthorization(), APIKey: h.GetXApiKey(), Cookie: h.GetCookie(),
			}.Credential(),
		})
		if err != nil {
			d.t.Fatalf("%v: %v", in, err)
		}
		if diff := cmp.Diff(wordsOf(c.answer), wordsOfDecision(decision)); diff != "" {
			d.t.Errorf("a replica that is embedded does not agree with the call about %v (-call +other):\n%s", in, diff)
		}
	}
}

// words are what an answer says.
type words struct {
	Answer             wanted
	Project, Key, User string
	Access             int32
	Unchecked          bool
	Visible            *authz.ProjectScope
}

func wordsOf(a *authzv1.AuthorizeResponse) words {
	g := a.GetGrant()
	w := words{
		Answer:  wanted{a.GetAllowed(), a.GetDenial().GetHttpStatus(), a.GetDenial().GetMessage()},
		Project: g.GetProjectId(), Key: g.GetKey().GetId(), User: g.GetKey().GetUserId() + g.GetSession().GetUserId(),
		Access: int32(g.GetAccessLevel()), Unchecked: g.GetTransferTargetUnchecked(),
	}
	if v := g.GetVisibleProjects(); v != nil {
		w.Visible = &authz.ProjectScope{All: v.GetAll(), IDs: v.GetProjectIds()}
	}
	return w
}

func wordsOfDecision(d authz.Decision) words {
	w := words{
		Answer: wanted{Allow: d.Allowed}, Project: d.Grant.ProjectID, User: d.Grant.Principal.UserID(),
		Access: int32(d.Grant.Principal.Access()), Unchecked: d.Grant.TransferTargetUnchecked, Visible: d.Grant.Visible,
	}
	if !d.Allowed {
		w.Answer.Status, w.Answer.Error = int32(d.Reason.HTTPStatus()), d.Reason.String()
	}
	if k := d.Grant.Principal.Key; k != nil {
		w.Key = k.ID
	}
	return w
}

// note keeps what was said, for whoever is asked the same later on.
func (d *everyDoor) note(in *authzv1.AuthorizeRequest, answer *authzv1.AuthorizeResponse) {
	d.conversations = append(d.conversations, conversation{proto.CloneOf(in), answer})
}
