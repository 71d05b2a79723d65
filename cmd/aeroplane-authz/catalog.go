// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/proto"

	"aeroplane.run/authz"
	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// The three kinds of thing that the catalog holds. What their commands have in common is in noun.go.

func (a *app) projects() *cobra.Command {
	return nounCommands(a, noun[*v1.Project]{
		one: "project", many: "projects", heading: "ID SLUG NAME OWNER",
		fresh: func() *v1.Project { return new(v1.Project) },
		row:   func(p *v1.Project) []string { return []string{p.GetId(), p.GetSlug(), p.GetName(), p.GetOwnerId()} },
		flags: func(cmd *cobra.Command) func(string) *v1.Project {
			slug := cmd.Flags().String("slug", "", "the `name` in URLs")
			name := cmd.Flags().String("name", "", "the `name` that people see")
			owner := cmd.Flags().String("owner", "", "the `user` whom it belongs to; empty: nobody")
			return func(id string) *v1.Project { return &v1.Project{Id: id, Slug: *slug, Name: *name, OwnerId: *owner} }
		},
		sorted: "id or name", list: listedProjects,
		listed: func(items []*v1.Project, next string) proto.Message {
			return &v1.ListProjectsResponse{Projects: items, NextPageToken: next}
		},
		put: func(ctx context.Context, c catalog, items []*v1.Project) (int32, error) {
			out, err := c.BatchPutProjects(ctx, &v1.BatchPutProjectsRequest{Projects: items})
			return out.GetChangedCount(), err
		},
		putTotal: func(n int32) proto.Message { return &v1.BatchPutProjectsResponse{ChangedCount: n} },
		remove: func(ctx context.Context, c catalog, ids []string) (int32, error) {
			out, err := c.BatchDeleteProjects(ctx, &v1.BatchDeleteProjectsRequest{Ids: ids})
			return out.GetDeletedCount(), err
		},
		removedTotal: func(n int32) proto.Message { return &v1.BatchDeleteProjectsResponse{DeletedCount: n} },
	})
}

func listedProjects(cmd *cobra.Command) lister[*v1.Project] {
	owner := cmd.Flags().String("owner", "", "only projects that belong to this `user`; empty: to nobody")
	search := cmd.Flags().String("search", "", "only projects whose name, slug or id contains this `text`, A to Z in any case")
	sort := cmd.Flags().String("sort", "id", "what to sort `by`: id or name")
	completeFrom(cmd, "sort", []string{"id", "name"})
	return func(ctx context.Context, c catalog, size int32, token string) ([]*v1.Project, string, error) {
		in := &v1.ListProjectsRequest{PageSize: size, PageToken: token, Query: *search}
		if cmd.Flags().Changed("owner") {
			in.OwnerId = owner
		}
		var err error
		if in.OrderBy, err = orderBy(*sort, "id", authz.ByID); err != nil {
			return nil, "", err
		}
		out, err := c.ListProjects(ctx, in)
		return out.GetProjects(), out.GetNextPageToken(), err
	}
}

func (a *app) services() *cobra.Command {
	return nounCommands(a, noun[*v1.Service]{
		one: "service", many: "services", heading: "ID PROJECT",
		fresh: func() *v1.Service { return new(v1.Service) },
		row:   func(s *v1.Service) []string { return []string{s.GetId(), s.GetProjectId()} },
		flags: func(cmd *cobra.Command) func(string) *v1.Service {
			project := cmd.Flags().String("project", "", "the `id` of the project that it is in; another one moves it")
			return func(id string) *v1.Service { return &v1.Service{Id: id, ProjectId: *project} }
		},
		sorted: "id",
		list: func(cmd *cobra.Command) lister[*v1.Service] {
			project := cmd.Flags().String("project", "", "only services in this `project`")
			return func(ctx context.Context, c catalog, size int32, token string) ([]*v1.Service, string, error) {
				out, err := c.ListServices(ctx, &v1.ListServicesRequest{PageSize: size, PageToken: token, ProjectId: *project})
				return out.GetServices(), out.GetNextPageToken(), err
			}
		},
		listed: func(items []*v1.Service, next string) proto.Message {
			return &v1.ListServicesResponse{Services: items, NextPageToken: next}
		},
		put: func(ctx context.Context, c catalog, items []*v1.Service) (int32, error) {
			out, err := c.BatchPutServices(ctx, &v1.BatchPutServicesRequest{Services: items})
			return out.GetChangedCount(), err
		},
		putTotal: func(n int32) proto.Message { return &v1.BatchPutServicesResponse{ChangedCount: n} },
		remove: func(ctx context.Context, c catalog, ids []string) (int32, error) {
			out, err := c.BatchDeleteServices(ctx, &v1.BatchDeleteServicesRequest{Ids: ids})
			return out.GetDeletedCount(), err
		},
		removedTotal: func(n int32) proto.Message { return &v1.BatchDeleteServicesResponse{DeletedCount: n} },
	})
}

func (a *app) deployments() *cobra.Command {
	return nounCommands(a, noun[*v1.Deployment]{
		one: "deployment", many: "deployments", heading: "ID SERVICE",
		fresh: func() *v1.Deployment { return new(v1.Deployment) },
		row:   func(d *v1.Deployment) []string { return []string{d.GetId(), d.GetServiceId()} },
		flags: func(cmd *cobra.Command) func(string) *v1.Deployment {
			service := cmd.Flags().String("service", "", "the `id` of the service that it is of")
			return func(id string) *v1.Deployment { return &v1.Deployment{Id: id, ServiceId: *service} }
		},
		sorted: "id",
		list: func(cmd *cobra.Command) lister[*v1.Deployment] {
			service := cmd.Flags().String("service", "", "only deployments of this `service`")
			return func(ctx context.Context, c catalog, size int32, token string) ([]*v1.Deployment, string, error) {
				out, err := c.ListDeployments(ctx, &v1.ListDeploymentsRequest{PageSize: size, PageToken: token, ServiceId: *service})
				return out.GetDeployments(), out.GetNextPageToken(), err
			}
		},
		listed: func(items []*v1.Deployment, next string) proto.Message {
			return &v1.ListDeploymentsResponse{Deployments: items, NextPageToken: next}
		},
		put: func(ctx context.Context, c catalog, items []*v1.Deployment) (int32, error) {
			out, err := c.BatchPutDeployments(ctx, &v1.BatchPutDeploymentsRequest{Deployments: items})
			return out.GetChangedCount(), err
		},
		putTotal: func(n int32) proto.Message { return &v1.BatchPutDeploymentsResponse{ChangedCount: n} },
		remove: func(ctx context.Context, c catalog, ids []string) (int32, error) {
			out, err := c.BatchDeleteDeployments(ctx, &v1.BatchDeleteDeploymentsRequest{Ids: ids})
			return out.GetDeletedCount(), err
		},
		removedTotal: func(n int32) proto.Message { return &v1.BatchDeleteDeploymentsResponse{DeletedCount: n} },
	})
}
