// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"fmt"
	"slices"
	"testing"

	"google.golang.org/grpc/codes"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/server/servertest"
)

// namesOf returns the names of a list that is read by pages of one.
func namesOf[T interface{ GetName() string }](t *testing.T, page func(token string) ([]T, string, error)) (names []string) {
	t.Helper()
	for token := ""; ; {
		items, next, err := page(token)
		wantCode(t, err, codes.OK)
		for _, item := range items {
			names = append(names, item.GetName())
		}
		if next == "" {
			return names
		}
		if token = next; len(names) > 100 {
			t.Fatal("no end")
		}
	}
}

func TestListsInOrderAndSearched(t *testing.T) {
	t.Parallel()
	s, ctx := start(t, servertest.Options{}), t.Context()
	// Searched for is what no id can hold, since those of keys are drawn.
	for i, name := range []string{"my web", "my Web", "ci", "100 %"} {
		in := newKey()
		in.Name, in.AccessLevel = name, []v1.AccessLevel{v1.AccessLevel_ACCESS_LEVEL_READ, v1.AccessLevel_ACCESS_LEVEL_WRITE}[i%2]
		_, err := s.keys.CreateKey(ctx, in)
		wantCode(t, err, codes.OK)
		project := &v1.Project{Id: fmt.Sprint("p", i), Slug: fmt.Sprint("s", i), Name: name}
		_, err = s.catalog.PutProject(ctx, &v1.PutProjectRequest{Project: project})
		wantCode(t, err, codes.OK)
	}
	for _, c := range []struct {
		in   *v1.ListKeysRequest
		want []string
	}{
		{&v1.ListKeysRequest{}, []string{"100 %", "ci", "my Web", "my web"}},
		{&v1.ListKeysRequest{OrderBy: "create_time desc", Query: " Y wEB "}, []string{"my Web", "my web"}},
		{&v1.ListKeysRequest{OrderBy: "name", Query: "y w"}, []string{"my Web", "my web"}},
		{&v1.ListKeysRequest{Query: "%"}, []string{"100 %"}},
		{&v1.ListKeysRequest{OrderBy: "name", AccessLevel: v1.AccessLevel_ACCESS_LEVEL_READ}, []string{"ci", "my web"}},
		{&v1.ListKeysRequest{AccessLevel: v1.AccessLevel_ACCESS_LEVEL_WRITE}, []string{"100 %", "my Web"}},
	} {
		got := namesOf(t, func(token string) ([]*v1.Key, string, error) {
			c.in.PageSize, c.in.PageToken = 1, token
			out, err := s.keys.ListKeys(ctx, c.in)
			return out.GetKeys(), out.GetNextPageToken(), err
		})
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: %q, want %q", c.in, got, c.want)
		}
	}
	for _, c := range []struct {
		in   *v1.ListProjectsRequest
		want []string
	}{
		{&v1.ListProjectsRequest{}, []string{"my web", "my Web", "ci", "100 %"}},
		{&v1.ListProjectsRequest{OrderBy: "id", Query: "S1"}, []string{"my Web"}},
		{&v1.ListProjectsRequest{OrderBy: "name"}, []string{"100 %", "ci", "my Web", "my web"}},
		{&v1.ListProjectsRequest{OrderBy: "name", Ids: []string{"p7", "p2", "p0"}}, []string{"ci", "my web"}},
		{&v1.ListProjectsRequest{Ids: []string{"p7"}}, nil},
	} {
		got := namesOf(t, func(token string) ([]*v1.Project, string, error) {
			c.in.PageSize, c.in.PageToken = 1, token
			out, err := s.catalog.ListProjects(ctx, c.in)
			return out.GetProjects(), out.GetNextPageToken(), err
		})
		if !slices.Equal(got, c.want) {
			t.Errorf("%v: %q, want %q", c.in, got, c.want)
		}
	}
}
