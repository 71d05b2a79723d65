// SPDX-License-Identifier: Apache-2.0

package server

import (
	"fmt"

	"google.golang.org/protobuf/proto"

	"aeroplane.run/authz"
	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

func syncFromProto(b *authzv1.SyncBegin) (*sentSync, error) {
	if b == nil {
		return nil, invalid("part", "must be the begin at first")
	}
	if b.GetTakeKeys() && (!b.GetWithKeys() || b.AfterRevision != nil) {
		return nil, invalid("begin.take_keys", "must come with with_keys, and without after_revision")
	}
	if b.AfterRevision != nil && (b.GetDryRun() || b.GetCautious()) {
		return nil, invalid("begin.after_revision", "must come without dry_run and cautious")
	}
	if b.GetRefusedCount() < 0 {
		return nil, invalid("begin.refused_count", "must not be negative")
	}
	return &sentSync{
		request: authz.SyncRequest{Revision: b.GetRevision(), Source: b.GetSource(), TakeKeys: b.GetTakeKeys(), Cautious: b.GetCautious(),
			DryRun: b.GetDryRun(), Refused: int(b.GetRefusedCount()), Trouble: b.GetTrouble()},
		after: b.AfterRevision, withSessions: b.GetWithSessions(), withKeys: b.GetWithKeys(),
	}, nil
}

// add takes in some items.
func (in *sentSync) add(items *authzv1.SyncItems) error {
	sessions, err := eachSure(items.GetSessions(), sessionFromProto)
	if err != nil {
		return err
	}
	keys, err := eachSure(items.GetKeys(), foreignKeyFromProto)
	if err != nil {
		return err
	}
	gone, err := eachSure(items.GetGoneSessionSha256S(), func(b []byte) (authz.Digest, error) { return digestFromProto("gone_session_sha256s", b) })
	if err != nil {
		return err
	}
	more := authz.Delta{
		Projects: each(items.GetProjects(), projectFromProto), Services: each(items.GetServices(), serviceFromProto),
		Deployments: each(items.GetDeployments(), deploymentFromProto), Sessions: sessions, Keys: keys, DoubtfulKeys: items.GetDoubtfulKeyIds(),
		GoneProjects: items.GetGoneProjectIds(), GoneServices: items.GetGoneServiceIds(), GoneDeployments: items.GetGoneDeploymentIds(),
		GoneSessions: gone, GoneKeys: items.GetGoneKeyIds(),
	}
	if int64(in.items.Len()+more.Len()) > maxSync {
		return invalid("items", "must be at most %d in one sync", maxSync)
	}
	if len(sessions)+len(gone) > 0 && !in.withSessions {
		return invalid("items.sessions", "must come with with_sessions in the begin")
	}
	if len(keys)+len(more.DoubtfulKeys)+len(more.GoneKeys) > 0 && !in.withKeys {
		return invalid("items.keys", "must come with with_keys in the begin")
	}
	gones := len(more.GoneProjects) + len(more.GoneServices) + len(more.GoneDeployments) + len(more.GoneSessions) + len(more.GoneKeys)
	if in.after == nil && gones > 0 {
		return invalid("items", "must not name what is gone where all that there is is sent: it is gone if it is left out")
	}
	in.items.Add(&more)
	return nil
}

// inventory is what the items are where all that there is was sent.
func (in *sentSync) inventory() *authz.Inventory {
	return &authz.Inventory{Projects: in.items.Projects, Services: in.items.Services, Deployments: in.items.Deployments,
		WithSessions: in.withSessions, Sessions: in.items.Sessions,
		WithKeys: in.withKeys, Keys: in.items.Keys, DoubtfulKeys: in.items.DoubtfulKeys}
}

// eachSure converts a list whose items may be wrong.
func eachSure[A, B any](list []A, convert func(A) (B, error)) (out []B, err error) {
	out = make([]B, len(list))
	for i, a := range list {
		if out[i], err = convert(a); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func foreignKeyFromProto(in *authzv1.ForeignKey) (k authz.ForeignKey, err error) {
	from := in.GetKey()
	if from == nil {
		return k, invalid("keys.key", "must be set")
	}
	k.Key = authz.Key{ID: from.GetId(), Name: from.GetName(), Prefix: from.GetPrefix(), UserID: from.GetUserId(),
		Access: accessLevels.domain(from.GetAccessLevel()), Projects: scopeFromProto(from.GetProjects())}
	if k.Digest, err = digestFromProto(fmt.Sprintf("keys[%q].key_sha256", clip(k.ID)), in.GetKeySha256()); err != nil {
		return k, err
	}
	if k.CreatedAt, err = timeFromProto("keys.key.create_time", from.GetCreateTime()); err != nil {
		return k, err
	}
	if k.ExpiresAt, err = timeFromProto("keys.key.expire_time", from.GetExpireTime()); err != nil {
		return k, err
	}
	if k.RevokedAt, err = timeFromProto("keys.key.revoke_time", from.GetRevokeTime()); err != nil {
		return k, err
	}
	k.LastUsedAt, err = timeFromProto("keys.key.last_use_time", from.GetLastUseTime())
	return k, err
}

func syncResultToProto(r authz.SyncResult) *authzv1.SyncResult {
	out := &authzv1.SyncResult{KeysOurs: r.KeysOurs}
	if !r.Revision.IsZero() {
		out.Receipt = receiptToProto(r.Receipt)
	}
	for _, c := range r.Counts {
		out.Counts = append(out.Counts, &authzv1.SyncCount{Kind: c.Kind, HadCount: int32(c.Had), NewCount: int32(c.New),
			ChangedCount: int32(c.Changed), GoneCount: int32(c.Gone)})
	}
	room := maxChangesSent
	for _, c := range r.Changes {
		change := &authzv1.SyncChange{Kind: c.Kind, Id: c.ID, Before: c.Before, After: c.After}
		if room -= proto.Size(change); room < 0 {
			break
		}
		out.Changes = append(out.Changes, change)
	}
	return out
}
