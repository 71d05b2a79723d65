// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// A Client asks the service. Its methods may be called at once.
type Client struct {
	conn              *grpc.ClientConn
	service           authzv1.AuthorizationServiceClient
	timeout           time.Duration
	noIdentityHeaders bool
	noTransferTarget  bool
	log               *slog.Logger
	throttle          throttle
}

// New returns a client, which begins to connect, and waits for nothing: that the service cannot be reached is an error of calls. It
// refuses a Config that lacks something, contradicts itself, or would send the token readable to another machine.
func New(c Config) (*Client, error) {
	to, err := c.check()
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	conn, err := grpc.NewClient(to.text, dialOptions(&c, to)...)
	if err != nil {
		return nil, fmt.Errorf("client: %w", err)
	}
	conn.Connect()
	client := &Client{
		conn: conn, service: authzv1.NewAuthorizationServiceClient(conn), timeout: c.Timeout,
		noIdentityHeaders: c.NoIdentityHeaders, noTransferTarget: c.NoTransferTarget, log: c.Log,
	}
	if client.timeout == 0 {
		client.timeout = DefaultTimeout
	}
	if client.log == nil {
		client.log = slog.New(slog.DiscardHandler)
	}
	return client, nil
}

// Format implements fmt.Formatter: some verbs would otherwise print what gRPC holds, while it is in use.
func (c *Client) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "client of %s", c.conn.Target()) }

// Close ends all connections. Calls that are under way end with an error.
func (c *Client) Close() error { return c.conn.Close() }

// Authorize asks about one request. A denial is an answer; an error, which has a gRPC status, means that no decision was reached, and
// the request must then be refused. So must one whose answer contradicts itself, which is an error as well: an answer that is
// returned is either allowed and has a grant, or denied and has a denial with a status of 400 to 499.
func (c *Client) Authorize(ctx context.Context, q *authzv1.AuthorizeRequest) (*authzv1.AuthorizeResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	answer, err := c.service.Authorize(ctx, q)
	if err != nil {
		return nil, err
	}
	if !sound(answer) {
		return nil, status.Error(codes.Internal, "the answer contradicts itself: is it the service that answers?")
	}
	return answer, nil
}

// sound reports whether an answer is what the contract says.
func sound(a *authzv1.AuthorizeResponse) bool {
	if d := a.Denial; d != nil {
		return !a.Allowed && a.Grant == nil && d.Reason != authzv1.DenialReason_DENIAL_REASON_UNSPECIFIED &&
			400 <= d.HttpStatus && d.HttpStatus <= 499 && d.Message != ""
	}
	return a.Allowed && a.Grant != nil
}
