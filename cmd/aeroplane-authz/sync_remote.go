// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"slices"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"aeroplane.run/authz"
	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// syncPart is how many things are sent in one message.
const syncPart = 1000

// A remoteSync is a service that is kept in step by calls. It is a follow.Target.
type remoteSync struct {
	catalog  v1.CatalogServiceClient
	progress func(done, all int32) // nil: nobody is told
	rejected func(error)           // is told that the service does not take the token; nil: nobody is
}

// failed makes of an error what whoever calls authz.Syncer gets.
func (r *remoteSync) failed(err error) error {
	if code := status.Code(err); r.rejected != nil && (code == codes.Unauthenticated || code == codes.PermissionDenied) {
		r.rejected(err)
	}
	return fromStatus(err)
}

// State asks how what is kept stands to Aeroplane.
func (r *remoteSync) State(ctx context.Context) (authz.SyncState, error) {
	out, err := r.state(ctx)
	if err != nil {
		return authz.SyncState{}, r.failed(err)
	}
	return authz.SyncState{Revision: out.GetRevision(), Complete: out.GetComplete(), KeysOurs: out.GetKeysOurs()}, nil
}

func (r *remoteSync) state(ctx context.Context) (*v1.GetSyncStateResponse, error) {
	return r.catalog.GetSyncState(ctx, &v1.GetSyncStateRequest{})
}

// Report reports how following goes.
func (r *remoteSync) Report(ctx context.Context, report authz.SyncReport) error {
	_, err := r.catalog.ReportSync(ctx, &v1.ReportSyncRequest{Trouble: report.Trouble})
	return r.failed(err)
}

// Whole sends all that there is.
func (r *remoteSync) Whole(ctx context.Context, request authz.SyncRequest, in *authz.Inventory) (authz.SyncResult, error) {
	out, err := r.sendWhole(ctx, request, in)
	return resultFromProto(out), r.failed(err)
}

func (r *remoteSync) sendWhole(ctx context.Context, request authz.SyncRequest, in *authz.Inventory) (*v1.SyncResult, error) {
	begin := beginOf(request)
	begin.WithSessions, begin.WithKeys = in.WithSessions, in.WithKeys
	return r.send(ctx, begin, &authz.Delta{Projects: in.Projects, Services: in.Services, Deployments: in.Deployments,
		Sessions: in.Sessions, Keys: in.Keys, DoubtfulKeys: in.DoubtfulKeys})
}

// Step sends what has changed.
func (r *remoteSync) Step(ctx context.Context, after int64, request authz.SyncRequest, d *authz.Delta) (authz.SyncResult, error) {
	begin := beginOf(request)
	begin.AfterRevision, begin.WithSessions, begin.WithKeys = &after, true, true
	out, err := r.send(ctx, begin, d)
	return resultFromProto(out), r.failed(err)
}

func beginOf(r authz.SyncRequest) *v1.SyncBegin {
	return &v1.SyncBegin{Revision: r.Revision, Source: r.Source, TakeKeys: r.TakeKeys, Cautious: r.Cautious, DryRun: r.DryRun,
		RefusedCount: int32(r.Refused), Trouble: r.Trouble}
}

// send sends one sync, and waits for the result. Where the service hangs up while it is being sent, why is in what it answered.
func (r *remoteSync) send(ctx context.Context, begin *v1.SyncBegin, d *authz.Delta) (*v1.SyncResult, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := r.catalog.SyncCatalog(ctx)
	if err != nil {
		return nil, err
	}
	parts := []*v1.SyncCatalogRequest{{Part: &v1.SyncCatalogRequest_Begin{Begin: begin}}}
	for _, items := range itemsOf(d) {
		parts = append(parts, &v1.SyncCatalogRequest{Part: &v1.SyncCatalogRequest_Items{Items: items}})
	}
	parts = append(parts, &v1.SyncCatalogRequest{Part: &v1.SyncCatalogRequest_End{End: &v1.SyncEnd{ItemCount: int64(d.Len())}}})
	for _, part := range parts {
		if err := stream.Send(part); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
	}
	_ = stream.CloseSend() // never fails
	return r.await(stream)
}

func (r *remoteSync) await(stream grpc.BidiStreamingClient[v1.SyncCatalogRequest, v1.SyncCatalogResponse]) (*v1.SyncResult, error) {
	for {
		out, err := stream.Recv()
		switch {
		case errors.Is(err, io.EOF):
			return nil, status.Error(codes.Internal, "the server gave no result")
		case err != nil:
			return nil, err
		case out.GetResult() != nil:
			return out.GetResult(), nil
		case r.progress != nil:
			r.progress(out.GetProgress().GetDoneCount(), out.GetProgress().GetTotalCount())
		}
	}
}

// itemsOf divides what there is to send.
func itemsOf(d *authz.Delta) (all []*v1.SyncItems) {
	all = part(all, d.Projects, func(to *v1.SyncItems, p authz.Project) {
		to.Projects = append(to.Projects, &v1.Project{Id: p.ID, Slug: p.Slug, Name: p.Name, OwnerId: p.OwnerID})
	})
	all = part(all, d.Services, func(to *v1.SyncItems, s authz.Service) {
		to.Services = append(to.Services, &v1.Service{Id: s.ID, ProjectId: s.ProjectID})
	})
	all = part(all, d.Deployments, func(to *v1.SyncItems, d authz.Deployment) {
		to.Deployments = append(to.Deployments, &v1.Deployment{Id: d.ID, ServiceId: d.ServiceID})
	})
	all = part(all, d.Sessions, func(to *v1.SyncItems, s authz.Session) {
		to.Sessions = append(to.Sessions, &v1.Session{TokenSha256: s.Digest[:], UserId: s.UserID, Role: v1.UserRole(s.Role),
			ExpireTime: timestamppb.New(s.ExpiresAt)})
	})
	all = part(all, d.Keys, func(to *v1.SyncItems, k authz.ForeignKey) { to.Keys = append(to.Keys, foreignKeyMessage(k)) })
	all = part(all, d.DoubtfulKeys, func(to *v1.SyncItems, id string) { to.DoubtfulKeyIds = append(to.DoubtfulKeyIds, id) })
	all = part(all, d.GoneProjects, func(to *v1.SyncItems, id string) { to.GoneProjectIds = append(to.GoneProjectIds, id) })
	all = part(all, d.GoneServices, func(to *v1.SyncItems, id string) { to.GoneServiceIds = append(to.GoneServiceIds, id) })
	all = part(all, d.GoneDeployments, func(to *v1.SyncItems, id string) { to.GoneDeploymentIds = append(to.GoneDeploymentIds, id) })
	all = part(all, d.GoneKeys, func(to *v1.SyncItems, id string) { to.GoneKeyIds = append(to.GoneKeyIds, id) })
	return part(all, d.GoneSessions, func(to *v1.SyncItems, digest authz.Digest) {
		to.GoneSessionSha256S = append(to.GoneSessionSha256S, digest[:])
	})
}

func part[T any](all []*v1.SyncItems, from []T, add func(*v1.SyncItems, T)) []*v1.SyncItems {
	for some := range slices.Chunk(from, syncPart) {
		to := new(v1.SyncItems)
		for _, item := range some {
			add(to, item)
		}
		all = append(all, to)
	}
	return all
}

func foreignKeyMessage(k authz.ForeignKey) *v1.ForeignKey {
	out := &v1.Key{Id: k.ID, Name: k.Name, Prefix: k.Prefix, UserId: k.UserID, AccessLevel: v1.AccessLevel(k.Access),
		Projects: &v1.ProjectScope{All: k.Projects.All, ProjectIds: k.Projects.IDs}, CreateTime: timestamppb.New(k.CreatedAt)}
	if !k.ExpiresAt.IsZero() {
		out.ExpireTime = timestamppb.New(k.ExpiresAt)
	}
	if !k.RevokedAt.IsZero() {
		out.RevokeTime = timestamppb.New(k.RevokedAt)
	}
	if !k.LastUsedAt.IsZero() {
		out.LastUseTime = timestamppb.New(k.LastUsedAt)
	}
	return &v1.ForeignKey{Key: out, KeySha256: k.Digest[:]}
}

func resultFromProto(out *v1.SyncResult) authz.SyncResult {
	r := authz.SyncResult{KeysOurs: out.GetKeysOurs()}
	for _, c := range out.GetCounts() {
		r.Counts = append(r.Counts, authz.SyncCount{Kind: c.GetKind(), Had: int(c.GetHadCount()), New: int(c.GetNewCount()),
			Changed: int(c.GetChangedCount()), Gone: int(c.GetGoneCount())})
	}
	return r
}

// fromStatus makes of a status what whoever calls authz.Syncer gets.
func fromStatus(err error) error {
	st, ok := status.FromError(err)
	if err == nil || !ok {
		return err
	}
	kind := authz.Unavailable
	switch st.Code() {
	case codes.InvalidArgument:
		kind = authz.Invalid
	case codes.FailedPrecondition:
		kind = authz.FailedPrecondition
	case codes.AlreadyExists:
		kind = authz.AlreadyExists
	}
	out := authz.Errorf(kind, "%s", sentence(st))
	for _, detail := range st.Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			out.Code = info.GetReason()
		}
	}
	return out
}
