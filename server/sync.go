// SPDX-License-Identifier: Apache-2.0

package server

import (
	"context"
	"errors"
	"io"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// maxSync bounds how many things one sync may hold: some 150 MB. A variable, for tests.
var maxSync int64 = 1_000_000

// syncSilence is how long whoever sends a sync may send nothing: there is room for few of them. A variable, for tests.
var syncSilence = time.Minute

const (
	// maxSyncs bounds the syncs that are sent at a time.
	maxSyncs = 4
	// maxChangesSent bounds the bytes of the changes that are told of, so that clients take the message.
	maxChangesSent = 3 << 20
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
	ctx := stream.Context()
	over := make(chan struct{})
	defer close(over)
	in, err := receiveSync(listen(stream, over))
	if err != nil {
		return err
	}
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
		result, err = s.syncer.Step(ctx, actorFrom(ctx), *in.after, in.request, &in.items)
	} else {
		result, err = s.syncer.Whole(ctx, actorFrom(ctx), in.request, in.inventory())
	}
	if err != nil {
		return err
	}
	return stream.Send(&authzv1.SyncCatalogResponse{Part: &authzv1.SyncCatalogResponse_Result{Result: syncResultToProto(result)}})
}

// A sentSync is what one stream says.
type sentSync struct {
	request                authz.SyncRequest
	after                  *int64 // of a difference
	withSessions, withKeys bool
	items                  authz.Delta // where all that there is is sent, all of it to be put
}

// listen returns what receives the next message of a stream, and does not wait for ever, which only the end of the call can make the
// stream itself do. over is closed then.
func listen(stream grpc.BidiStreamingServer[authzv1.SyncCatalogRequest, authzv1.SyncCatalogResponse],
	over <-chan struct{}) (receive func() (*authzv1.SyncCatalogRequest, error)) {
	type received struct {
		request *authzv1.SyncCatalogRequest
		err     error
	}
	all := make(chan received)
	go func() {
		for {
			request, err := stream.Recv()
			select {
			case all <- received{request, err}:
			case <-over:
				return
			}
			if err != nil {
				return
			}
		}
	}()
	return func() (*authzv1.SyncCatalogRequest, error) {
		select {
		case r := <-all:
			return r.request, r.err
		case <-time.After(syncSilence):
			return nil, &authz.Error{Kind: authz.Unavailable, Code: authz.CodeOverloaded,
				Message: "nothing more of the sync was sent for too long: nothing was changed; send it without pauses"}
		}
	}
}

// receiveSync reads a stream to its end.
func receiveSync(receive func() (*authzv1.SyncCatalogRequest, error)) (*sentSync, error) {
	first, err := receive()
	if err != nil {
		return nil, brokenOff(err)
	}
	in, err := syncFromProto(first.GetBegin())
	if err != nil {
		return nil, err
	}
	for {
		next, err := receive()
		if err != nil {
			return nil, brokenOff(err)
		}
		switch part := next.GetPart().(type) {
		case *authzv1.SyncCatalogRequest_Items:
			if err := in.add(part.Items); err != nil {
				return nil, err
			}
		case *authzv1.SyncCatalogRequest_End:
			if got := part.End.GetItemCount(); got != int64(in.items.Len()) {
				return nil, invalid("end.item_count", "must be the number of things in the items, which is %d and not %d", in.items.Len(), got)
			}
			return in, nil
		default:
			return nil, invalid("part", "must be items, or the end, after the begin")
		}
	}
}

// brokenOff is the error of a stream that ends before its end, of which gRPC says how in statuses.
func brokenOff(err error) error {
	switch code := status.Code(err); {
	case errors.Is(err, io.EOF):
		return invalid("end", "must come before the stream is closed: nothing was changed")
	case code == codes.Canceled, code == codes.DeadlineExceeded:
		return authz.Errorf(authz.Unavailable, "the call ended before all of the sync had come: nothing was changed").Because(err)
	case code == codes.ResourceExhausted:
		return invalid("items", "must be at most %d bytes in one message", maxMessage)
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
