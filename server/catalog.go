// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// The three nouns of the catalog have the same five methods each. They differ in their messages alone, which Go's
// generics cannot see into; so they are spelled out.
type catalogService struct {
	authzv1.UnsafeCatalogServiceServer
	syncService
	catalog *authz.Catalog
}

func (s *catalogService) PutProject(ctx context.Context, in *authzv1.PutProjectRequest) (
	*authzv1.PutProjectResponse, error) {
	if in.GetProject() == nil {
		return nil, invalid("project", "must be set")
	}
	project := projectFromProto(in.GetProject())
	put, err := s.catalog.PutProjects(ctx, actorFrom(ctx), "project", []authz.Project{project})
	if err != nil {
		return nil, err
	}
	return &authzv1.PutProjectResponse{Project: projectToProto(project), Receipt: receiptToProto(put.Receipt)}, nil
}

func (s *catalogService) BatchPutProjects(ctx context.Context, in *authzv1.BatchPutProjectsRequest) (
	*authzv1.BatchPutProjectsResponse, error) {
	projects := each(in.GetProjects(), projectFromProto)
	put, err := s.catalog.PutProjects(ctx, actorFrom(ctx), "projects[%d]", projects)
	if err != nil {
		return nil, err
	}
	return &authzv1.BatchPutProjectsResponse{ChangedCount: int32(put.N), Receipt: receiptToProto(put.Receipt)}, nil
}

func (s *catalogService) DeleteProject(ctx context.Context, in *authzv1.DeleteProjectRequest) (
	*authzv1.DeleteProjectResponse, error) {
	deleted, err := s.catalog.DeleteProjects(ctx, actorFrom(ctx), "id", []string{in.GetId()})
	if err != nil {
		return nil, err
	}
	return &authzv1.DeleteProjectResponse{Deleted: deleted.N > 0, Receipt: receiptToProto(deleted.Receipt)}, nil
}

func (s *catalogService) BatchDeleteProjects(ctx context.Context, in *authzv1.BatchDeleteProjectsRequest) (
	*authzv1.BatchDeleteProjectsResponse, error) {
	deleted, err := s.catalog.DeleteProjects(ctx, actorFrom(ctx), "ids[%d]", in.GetIds())
	if err != nil {
		return nil, err
	}
	return &authzv1.BatchDeleteProjectsResponse{DeletedCount: int32(deleted.N), Receipt: receiptToProto(deleted.Receipt)}, nil
}

func (s *catalogService) ListProjects(ctx context.Context, in *authzv1.ListProjectsRequest) (
	*authzv1.ListProjectsResponse, error) {
	f := authz.ProjectFilter{OwnerID: in.OwnerId, IDs: in.GetIds(), Query: in.GetQuery(), Order: authz.Order(in.GetOrderBy())}
	projects, next, err := s.catalog.Projects(ctx, f, pageFromProto(in))
	if err != nil {
		return nil, err
	}
	return &authzv1.ListProjectsResponse{Projects: each(projects, projectToProto), NextPageToken: next}, nil
}

func (s *catalogService) PutService(ctx context.Context, in *authzv1.PutServiceRequest) (
	*authzv1.PutServiceResponse, error) {
	if in.GetService() == nil {
		return nil, invalid("service", "must be set")
	}
	service := serviceFromProto(in.GetService())
	put, err := s.catalog.PutServices(ctx, actorFrom(ctx), "service", []authz.Service{service})
	if err != nil {
		return nil, err
	}
	return &authzv1.PutServiceResponse{Service: serviceToProto(service), Receipt: receiptToProto(put.Receipt)}, nil
}

func (s *catalogService) BatchPutServices(ctx context.Context, in *authzv1.BatchPutServicesRequest) (
	*authzv1.BatchPutServicesResponse, error) {
	services := each(in.GetServices(), serviceFromProto)
	put, err := s.catalog.PutServices(ctx, actorFrom(ctx), "services[%d]", services)
	if err != nil {
		return nil, err
	}
	return &authzv1.BatchPutServicesResponse{ChangedCount: int32(put.N), Receipt: receiptToProto(put.Receipt)}, nil
}

func (s *catalogService) DeleteService(ctx context.Context, in *authzv1.DeleteServiceRequest) (
	*authzv1.DeleteServiceResponse, error) {
	deleted, err := s.catalog.DeleteServices(ctx, actorFrom(ctx), "id", []string{in.GetId()})
	if err != nil {
		return nil, err
	}
	return &authzv1.DeleteServiceResponse{Deleted: deleted.N > 0, Receipt: receiptToProto(deleted.Receipt)}, nil
}

func (s *catalogService) BatchDeleteServices(ctx context.Context, in *authzv1.BatchDeleteServicesRequest) (
	*authzv1.BatchDeleteServicesResponse, error) {
	deleted, err := s.catalog.DeleteServices(ctx, actorFrom(ctx), "ids[%d]", in.GetIds())
	if err != nil {
		return nil, err
	}
	return &authzv1.BatchDeleteServicesResponse{DeletedCount: int32(deleted.N), Receipt: receiptToProto(deleted.Receipt)}, nil
}

func (s *catalogService) ListServices(ctx context.Context, in *authzv1.ListServicesRequest) (
	*authzv1.ListServicesResponse, error) {
	services, next, err := s.catalog.Services(ctx, in.GetProjectId(), pageFromProto(in))
	if err != nil {
		return nil, err
	}
	return &authzv1.ListServicesResponse{Services: each(services, serviceToProto), NextPageToken: next}, nil
}

func (s *catalogService) PutDeployment(ctx context.Context, in *authzv1.PutDeploymentRequest) (
	*authzv1.PutDeploymentResponse, error) {
	if in.GetDeployment() == nil {
		return nil, invalid("deployment", "must be set")
	}
	deployment := deploymentFromProto(in.GetDeployment())
	put, err := s.catalog.PutDeployments(ctx, actorFrom(ctx), "deployment", []authz.Deployment{deployment})
	if err != nil {
		return nil, err
	}
	return &authzv1.PutDeploymentResponse{Deployment: deploymentToProto(deployment), Receipt: receiptToProto(put.Receipt)}, nil
}

func (s *catalogService) BatchPutDeployments(ctx context.Context, in *authzv1.BatchPutDeploymentsRequest) (
	*authzv1.BatchPutDeploymentsResponse, error) {
	deployments := each(in.GetDeployments(), deploymentFromProto)
	put, err := s.catalog.PutDeployments(ctx, actorFrom(ctx), "deployments[%d]", deployments)
	if err != nil {
		return nil, err
	}
	return &authzv1.BatchPutDeploymentsResponse{ChangedCount: int32(put.N), Receipt: receiptToProto(put.Receipt)}, nil
}

func (s *catalogService) DeleteDeployment(ctx context.Context, in *authzv1.DeleteDeploymentRequest) (
	*authzv1.DeleteDeploymentResponse, error) {
	deleted, err := s.catalog.DeleteDeployments(ctx, actorFrom(ctx), "id", []string{in.GetId()})
	if err != nil {
		return nil, err
	}
	return &authzv1.DeleteDeploymentResponse{Deleted: deleted.N > 0, Receipt: receiptToProto(deleted.Receipt)}, nil
}

func (s *catalogService) BatchDeleteDeployments(ctx context.Context, in *authzv1.BatchDeleteDeploymentsRequest) (
	*authzv1.BatchDeleteDeploymentsResponse, error) {
	deleted, err := s.catalog.DeleteDeployments(ctx, actorFrom(ctx), "ids[%d]", in.GetIds())
	if err != nil {
		return nil, err
	}
	return &authzv1.BatchDeleteDeploymentsResponse{DeletedCount: int32(deleted.N), Receipt: receiptToProto(deleted.Receipt)}, nil
}

func (s *catalogService) ListDeployments(ctx context.Context, in *authzv1.ListDeploymentsRequest) (
	*authzv1.ListDeploymentsResponse, error) {
	deployments, next, err := s.catalog.Deployments(ctx, in.GetServiceId(), pageFromProto(in))
	if err != nil {
		return nil, err
	}
	return &authzv1.ListDeploymentsResponse{Deployments: each(deployments, deploymentToProto), NextPageToken: next}, nil
}
