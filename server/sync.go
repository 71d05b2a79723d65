// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

const (
	// maxSync bounds how many things one sync may hold: some 150 MB.
	maxSync = 1_000_000
	// maxSyncs bounds the syncs that are sent at a time.
	maxSyncs = 4
	// syncTold is how often whoever syncs is told how far it is.
	syncTold = 250 * time.Millisecond
)

// A syncService is the part of the CatalogService that keeps the catalog in step with Aeroplane.
type syncService struct {
	syncer *authz.Syncer
	slots  chan struct{} // taken by syncs that are being sent
}

func newSyncService(s *authz.Syncer) syncService {
	return syncService{syncer: s, slots: make(chan struct{}, maxSyncs)}
}

func (s *syncService) SyncCatalog(stream grpc.BidiStreamingServer[authzv1.SyncCatalogRequest, authzv1.SyncCatalogResponse]) error {
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	default:
		return &authz.Error{Kind: authz.Unavailable, Code: authz.CodeOverloaded, Message: "too many syncs are being sent; try again later"}
	}
	in, err := receiveSync(stream)
	if err != nil {
		return err
	}
	ctx := stream.Context()
	var told time.Time
	in.request.Progress = func(done, all int) {
		if time.Since(told) >= syncTold {
			told = time.Now()
			_ = stream.Send(&authzv1.SyncCatalogResponse{Part: &authzv1.SyncCatalogResponse_Progress{ // who is gone is found out at the end
				Progress: &authzv1.SyncProgress{DoneCount: int32(done), TotalCount: int32(all)}}})
		}
	}
	var result authz.SyncResult
	if in.after != nil {
		result, err = s.syncer.Step(ctx, actorFrom(ctx), *in.after, in.request, &in.delta)
	} else {
		result, err = s.syncer.Whole(ctx, actorFrom(ctx), in.request, &in.inventory)
	}
	if err != nil {
		return err
	}
	return stream.Send(&authzv1.SyncCatalogResponse{Part: &authzv1.SyncCatalogResponse_Result{Result: syncResultToProto(result)}})
}

// A sentSync is what one stream says.
type sentSync struct {
	request   authz.SyncRequest
	after     *int64 // of a difference
	inventory authz.Inventory
	delta     authz.Delta
	count     int64
}

// receiveSync reads a stream to its end.
func receiveSync(stream grpc.BidiStreamingServer[authzv1.SyncCatalogRequest, authzv1.SyncCatalogResponse]) (*sentSync, error) {
	first, err := stream.Recv()
	if err != nil {
		return nil, brokenOff(err)
	}
	in, err := syncFromProto(first.GetBegin())
	if err != nil {
		return nil, err
	}
	for {
		next, err := stream.Recv()
		if err != nil {
			return nil, brokenOff(err)
		}
		switch part := next.GetPart().(type) {
		case *authzv1.SyncCatalogRequest_Items:
			if err := in.add(part.Items); err != nil {
				return nil, err
			}
		case *authzv1.SyncCatalogRequest_End:
			if got := part.End.GetItemCount(); got != in.count {
				return nil, invalid("end.item_count", "must be the number of things in the items, which is %d and not %d", in.count, got)
			}
			return in, nil
		default:
			return nil, invalid("part", "must be items, or the end, after the begin")
		}
	}
}

// brokenOff is the error of a stream that ends before its end.
func brokenOff(err error) error {
	if errors.Is(err, io.EOF) {
		return invalid("end", "must come before the stream is closed: nothing was changed")
	}
	return err
}

func (s *syncService) GetSyncState(ctx context.Context, _ *authzv1.GetSyncStateRequest) (*authzv1.GetSyncStateResponse, error) {
	state, err := s.syncer.State(ctx)
	if err != nil {
		return nil, err
	}
	return &authzv1.GetSyncStateResponse{
		Revision: state.Revision, Complete: state.Complete, Source: state.Source, SyncTime: timeToProto(state.SyncedAt),
		SeenTime: timeToProto(state.SeenAt), Trouble: state.Trouble, TroubleTime: timeToProto(state.TroubleAt),
		RefusedCount: int32(state.Refused), KeysOurs: state.KeysOurs,
	}, nil
}

func (s *syncService) ReportSync(ctx context.Context, in *authzv1.ReportSyncRequest) (*authzv1.ReportSyncResponse, error) {
	return &authzv1.ReportSyncResponse{}, s.syncer.Report(ctx, authz.SyncReport{Trouble: in.GetTrouble()})
}
