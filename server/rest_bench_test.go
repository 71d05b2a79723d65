// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/sqlite"
	"aeroplane.run/authz/server/servertest"
)

// BenchmarkAPIAccess measures what the API Access page waits for, on the embedded database:
//
//	go test -run '^$' -bench APIAccess ./server
//
// The first 50 of a user's 10,000 keys by name, over gRPC and in JSON, by a token and by a session, and with a search that finds one; and
// how long after the answer to RevokeKey a page is told of it.
func BenchmarkAPIAccess(b *testing.B) {
	store, err := sqlite.Open(b.Context(), sqlite.Config{Dir: b.TempDir(), Migrate: true})
	if err != nil {
		b.Fatal(err)
	}
	r := servertest.Start(b, servertest.Options{Store: store})
	keys := authzv1.NewKeyServiceClient(r.Admin)
	var last string
	for i := range 10_000 {
		made, err := keys.CreateKey(b.Context(), &authzv1.CreateKeyRequest{
			Name: fmt.Sprintf("Job %05d", i), UserId: "ada", AccessLevel: authzv1.AccessLevel_ACCESS_LEVEL_READ,
			Projects: &authzv1.ProjectScope{All: true}, Expiry: &authzv1.CreateKeyRequest_NeverExpires{NeverExpires: true}})
		if err != nil {
			b.Fatal(err)
		}
		last = made.GetKey().GetId()
	}
	digest := sha256.Sum256([]byte("ada-session"))
	if _, err := authzv1.NewSessionServiceClient(r.Admin).PutSession(b.Context(), &authzv1.PutSessionRequest{Session: &authzv1.Session{
		TokenSha256: digest[:], UserId: "ada", Role: authzv1.UserRole_USER_ROLE_USER, ExpireTime: timestamppb.New(time.Now().Add(time.Hour))}}); err != nil {
		b.Fatal(err)
	}
	ask := func(b *testing.B, target, header, value string) *http.Response {
		request, _ := http.NewRequestWithContext(b.Context(), http.MethodGet, "http://"+r.HTTPAddr+"/authz"+target, nil)
		request.Header.Set(header, value)
		answer, err := http.DefaultClient.Do(request)
		if err != nil || answer.StatusCode != http.StatusOK {
			b.Fatal(answer, err)
		}
		return answer
	}
	const first = "/v1/keys?userId=ada&orderBy=name&pageSize=50"
	bearer, cookie := "Bearer "+r.AdminToken, "aeroplane_session=ada-session"
	b.Run("list/gRPC", func(b *testing.B) {
		for b.Loop() {
			out, err := keys.ListKeys(b.Context(), &authzv1.ListKeysRequest{UserId: proto.String("ada"), OrderBy: "name", PageSize: 50})
			if err != nil || len(out.GetKeys()) != 50 {
				b.Fatal(err)
			}
		}
	})
	for name, by := range map[string][3]string{
		"list/JSON, by a token": {first, "Authorization", bearer}, "list/JSON, by a session": {first, "Cookie", cookie},
		"list/JSON, a search": {first + "&query=job+04242", "Cookie", cookie},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				answer := ask(b, by[0], by[1], by[2])
				_, _ = io.Copy(io.Discard, answer.Body)
				_ = answer.Body.Close()
			}
		})
	}
	b.Run("live", func(b *testing.B) {
		stream := ask(b, "/live", "Cookie", cookie)
		defer stream.Body.Close()
		events := bufio.NewScanner(stream.Body)
		told := func() {
			for events.Scan() {
				if strings.HasPrefix(events.Text(), "data:") {
					return
				}
			}
			b.Fatal("the stream has ended")
		}
		told()
		var after time.Duration
		n := 0
		for b.Loop() {
			if _, err := keys.RevokeKey(b.Context(), &authzv1.RevokeKeyRequest{Id: last}); err != nil {
				b.Fatal(err)
			}
			answered := time.Now()
			told()
			after += time.Since(answered)
			n++
		}
		b.ReportMetric(float64(after.Microseconds())/float64(n), "µs-after-the-answer")
	})
}
