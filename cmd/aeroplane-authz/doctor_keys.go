// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/doctor"
)

const (
	doctorsName = "aeroplane-authz doctor"
	doctorsLife = time.Hour // should they not be revoked
)

// ownCredentials are keys and a session that are created for an examination, and end with it.
type ownCredentials struct {
	c       *connection
	keys    []string // ids
	session []byte   // the hash of its token
}

// create puts a key that reads, one that writes, and a session into a config. Every replica knows of them when it returns.
func (o *ownCredentials) create(ctx context.Context, config *doctor.Config) error {
	for access, text := range map[v1.AccessLevel]*string{
		v1.AccessLevel_ACCESS_LEVEL_READ: &config.Read, v1.AccessLevel_ACCESS_LEVEL_WRITE: &config.Write,
	} {
		made, err := v1.NewKeyServiceClient(o.c).CreateKey(ctx, &v1.CreateKeyRequest{
			Name: doctorsName, AccessLevel: access, Projects: &v1.ProjectScope{All: true},
			Expiry: &v1.CreateKeyRequest_ExpiresIn{ExpiresIn: durationpb.New(doctorsLife)}, RequestId: rand.Text(), Wait: true,
		})
		if err != nil {
			return err
		}
		*text = made.GetSecret()
		o.keys = append(o.keys, made.GetKey().GetId())
	}
	config.Session = rand.Text() + rand.Text()
	digest := sha256.Sum256([]byte(config.Session))
	o.session = digest[:]
	_, err := v1.NewSessionServiceClient(o.c).PutSession(ctx, &v1.PutSessionRequest{Session: &v1.Session{
		TokenSha256: o.session, Role: v1.UserRole_USER_ROLE_USER, ExpireTime: timestamppb.New(time.Now().Add(doctorsLife)),
	}})
	return err
}

// revoke ends what was created, also after an interrupt. What could not be ended is named.
func (o *ownCredentials) revoke(ctx context.Context) error {
	ctx = context.WithoutCancel(ctx) // each call has the time limit of the settings
	var left []string
	for _, id := range o.keys {
		if _, err := v1.NewKeyServiceClient(o.c).RevokeKey(ctx, &v1.RevokeKeyRequest{Id: id}); err != nil {
			left = append(left, "key "+id)
		}
	}
	if o.session != nil {
		if _, err := v1.NewSessionServiceClient(o.c).RevokeSession(ctx, &v1.RevokeSessionRequest{TokenSha256: o.session}); err != nil {
			left = append(left, fmt.Sprintf("the session with the hash %x", o.session))
		}
	}
	if len(left) == 0 {
		return nil
	}
	return fail(exitUnreachable, "what was created for the examination could not be revoked, and ends by itself within %v: %s",
		doctorsLife, strings.Join(left, ", "))
}
