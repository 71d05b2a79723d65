// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"net"
	"slices"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	_ "google.golang.org/grpc/health" // without it gRPC does not do what healthCheckConfig says
	"google.golang.org/grpc/keepalive"

	"aeroplane.run/authz/internal/secret"
)

// serviceConfig has calls go to the replicas in turn, and to none that reports of this service that it is not serving: one that drains,
// or has lost its database.
const serviceConfig = `{
	"loadBalancingConfig": [{"round_robin": {}}],
	"healthCheckConfig": {"serviceName": "aeroplane.authz.v1.AuthorizationService"}
}`

// keepaliveParameters find a dead connection before the next request does. The server allows a ping every 10 s, and three that come
// sooner end the connection: 15 s leave room for what the network does to them. On Linux the timeout is also how long data may stay
// without an acknowledgement, so that a replica whose machine is gone is left within 5 s of the first call to it.
var keepaliveParameters = keepalive.ClientParameters{Time: 15 * time.Second, Timeout: 5 * time.Second, PermitWithoutStream: true}

// connectParameters try again soon: by its own defaults gRPC would wait for up to two minutes before it sees that a replica is back,
// and for 20 s for a machine that does not answer.
var connectParameters = grpc.ConnectParams{
	Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: 3 * time.Second},
	MinConnectTimeout: 3 * time.Second,
}

// maxMessage bounds an answer, and a question. The service takes no more than 64 KiB of a question, and says so itself.
const maxMessage = 4 << 20

// dialOptions are those of this package, then those of who embeds it, which replace them, then those that nobody replaces.
func dialOptions(c *Config, to *target) []grpc.DialOption {
	ours := []grpc.DialOption{
		grpc.WithDefaultServiceConfig(serviceConfig),
		grpc.WithDisableServiceConfig(), // whoever answers for DNS has no say in this
		grpc.WithDisableRetry(),         // but for calls that no replica has seen, which are sent again
		grpc.WithNoProxy(),              // HTTPS_PROXY is for the world outside
		grpc.WithKeepaliveParams(keepaliveParameters),
		grpc.WithConnectParams(connectParameters),
		grpc.WithDefaultCallOptions(
			grpc.WaitForReady(false), grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		grpc.WithUserAgent("aeroplane-authz-client"),
	}
	if to.list != nil {
		ours = append(ours, grpc.WithResolvers(to.list))
	}
	return slices.Concat(ours, c.DialOptions, security(c))
}

// security is how the token travels.
func security(c *Config) []grpc.DialOption {
	token := grpc.WithPerRPCCredentials(bearer{secret.New("Bearer " + c.Token.Reveal()), c.TLS != nil})
	switch {
	case c.TLS != nil:
		return []grpc.DialOption{grpc.WithTransportCredentials(credentials.NewTLS(c.TLS)), token}
	case c.InsecurePlaintext:
		return []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials()), token}
	}
	dial := onlyLoopback(new(net.Dialer).DialContext)
	return []grpc.DialOption{grpc.WithTransportCredentials(insecure.NewCredentials()), token, grpc.WithContextDialer(dial)}
}

// A bearer puts the token into each call, and into the Watch by which gRPC learns a replica's health.
type bearer struct {
	value     secret.Text
	encrypted bool
}

func (b bearer) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": b.value.Reveal()}, nil
}

// RequireTransportSecurity has gRPC check once more that a connection is encrypted where it should be.
func (b bearer) RequireTransportSecurity() bool { return b.encrypted }
