// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/doctor"
)

// A prescription is what the doctor has made to ask with.
type prescription struct {
	c       *connection
	keys    []string // ids
	session []byte   // its digest, if it was put
}

// fill makes two keys, which every replica knows when it returns, and a session.
func (p *prescription) fill(ctx context.Context, config *doctor.Config) error {
	for _, k := range []struct {
		to     *string
		access v1.AccessLevel
	}{{&config.Read, v1.AccessLevel_ACCESS_LEVEL_READ}, {&config.Write, v1.AccessLevel_ACCESS_LEVEL_WRITE}} {
		made, err := v1.NewKeyServiceClient(p.c).CreateKey(ctx, &v1.CreateKeyRequest{
			Name: "aeroplane-authz doctor gateway", AccessLevel: k.access, Projects: &v1.ProjectScope{All: true}, Wait: true,
			Expiry: &v1.CreateKeyRequest_ExpiresIn{ExpiresIn: durationpb.New(doctorsHour)},
		})
		if err != nil {
			return err
		}
		p.keys = append(p.keys, made.GetKey().GetId())
		*k.to = made.GetSecret()
	}
	config.Session = rand.Text() + rand.Text()
	digest := sha256.Sum256([]byte(config.Session))
	_, err := v1.NewSessionServiceClient(p.c).PutSession(ctx, &v1.PutSessionRequest{Session: &v1.Session{
		TokenSha256: digest[:], Role: v1.UserRole_USER_ROLE_USER, ExpireTime: timestamppb.New(time.Now().Add(doctorsHour)),
	}})
	if err == nil {
		p.session = digest[:]
	}
	return err
}

// takeBack revokes it all, also when the command was interrupted.
func (p *prescription) takeBack() {
	ctx := context.Background() // each call has the usual time
	for _, id := range p.keys {
		if _, err := v1.NewKeyServiceClient(p.c).RevokeKey(ctx, &v1.RevokeKeyRequest{Id: id}); err != nil {
			p.c.note("The key %s could not be revoked, and expires in an hour: %v", id, classify(err))
		}
	}
	if p.session == nil {
		return
	}
	if _, err := v1.NewSessionServiceClient(p.c).RevokeSession(ctx, &v1.RevokeSessionRequest{TokenSha256: p.session}); err != nil {
		p.c.note("The doctor's session could not be revoked, and expires in an hour: %v", classify(err))
	}
}
