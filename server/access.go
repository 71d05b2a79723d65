// SPDX-License-Identifier: Apache-2.0

package server

import (
	authv3 "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"
	reflectionalpha "google.golang.org/grpc/reflection/grpc_reflection_v1alpha"

	"aeroplane.run/authz"
	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// An access says who may call a method. Its zero value admits nobody, so that a method without a row is closed.
type access uint8

const (
	closed  access = iota
	open           // anybody, without a token, for a short while
	known          // whoever has a good token
	decides        // gateways and administrators
	answers        // the same; but whoever else calls is answered a refusal, and no error
	reads          // administrators
	changes        // administrators; the call is a change, and logged
)

// ours reports whether the method is one of our own services, which are stricter than gRPC's.
func (a access) ours() bool { return a >= decides }

// asks reports whether the method asks for decisions.
func (a access) asks() bool { return a == decides || a == answers }

// administers reports whether the method is for administrators alone.
func (a access) administers() bool { return a >= reads }

// admits reports whether a caller of the role may call.
func (a access) admits(role authz.CallerRole) bool {
	switch a {
	case open:
		return true
	case known, decides, answers:
		return role == authz.CallerRoleGateway || role == authz.CallerRoleAdmin
	case reads, changes:
		return role == authz.CallerRoleAdmin
	}
	return false
}

// methods is the closed list of what can be called, and by whom.
var methods = map[string]access{
	v1.AuthorizationService_Authorize_FullMethodName:       decides,
	v1.AuthorizationService_BatchAuthorize_FullMethodName:  decides,
	v1.AuthorizationService_AuthorizeStream_FullMethodName: decides,

	authv3.Authorization_Check_FullMethodName: answers,

	v1.KeyService_CreateKey_FullMethodName:        changes,
	v1.KeyService_GetKey_FullMethodName:           reads,
	v1.KeyService_ListKeys_FullMethodName:         reads,
	v1.KeyService_RevokeKey_FullMethodName:        changes,
	v1.KeyService_RevokeKeysOfUser_FullMethodName: changes,

	v1.CatalogService_PutProject_FullMethodName:             changes,
	v1.CatalogService_BatchPutProjects_FullMethodName:       changes,
	v1.CatalogService_DeleteProject_FullMethodName:          changes,
	v1.CatalogService_BatchDeleteProjects_FullMethodName:    changes,
	v1.CatalogService_ListProjects_FullMethodName:           reads,
	v1.CatalogService_PutService_FullMethodName:             changes,
	v1.CatalogService_BatchPutServices_FullMethodName:       changes,
	v1.CatalogService_DeleteService_FullMethodName:          changes,
	v1.CatalogService_BatchDeleteServices_FullMethodName:    changes,
	v1.CatalogService_ListServices_FullMethodName:           reads,
	v1.CatalogService_PutDeployment_FullMethodName:          changes,
	v1.CatalogService_BatchPutDeployments_FullMethodName:    changes,
	v1.CatalogService_DeleteDeployment_FullMethodName:       changes,
	v1.CatalogService_BatchDeleteDeployments_FullMethodName: changes,
	v1.CatalogService_ListDeployments_FullMethodName:        reads,
	v1.CatalogService_SyncCatalog_FullMethodName:            changes,
	v1.CatalogService_GetSyncState_FullMethodName:           reads,
	v1.CatalogService_ReportSync_FullMethodName:             reads, // it changes nothing that decisions are made by

	v1.SessionService_PutSession_FullMethodName:           changes,
	v1.SessionService_RevokeSession_FullMethodName:        changes,
	v1.SessionService_RevokeSessionsOfUser_FullMethodName: changes,

	v1.AuditService_ListEvents_FullMethodName: reads,

	v1.ExplanationService_ExplainAuthorize_FullMethodName: reads,
	v1.ConsoleService_CreateConsoleLink_FullMethodName:    changes,

	healthpb.Health_Check_FullMethodName: open,
	healthpb.Health_List_FullMethodName:  open,
	healthpb.Health_Watch_FullMethodName: known, // it lasts, and so may not be everybody's

	reflectionpb.ServerReflection_ServerReflectionInfo_FullMethodName:    known,
	reflectionalpha.ServerReflection_ServerReflectionInfo_FullMethodName: known,
}

// usualAccess is the row of the method that is called most, which is worth a look of its own.
var usualAccess = methods[v1.AuthorizationService_Authorize_FullMethodName]

// rowOf returns the row of a method, if it has one.
func rowOf(method string) (need access, listed bool) {
	if method == v1.AuthorizationService_Authorize_FullMethodName {
		return usualAccess, true
	}
	need, listed = methods[method]
	return need, listed
}
