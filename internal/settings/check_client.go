// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"context"
	"errors"
	"fmt"
)

// CheckClient refuses settings that contradict each other, and those that would send a token or a key over the network
// readable. Its errors are one sentence for whoever typed the command.
func (s *Settings) CheckClient(ctx context.Context, lookup Lookup) error {
	switch {
	case !s.Token.IsZero() && s.TokenFile != "":
		return errors.New("token and token-file are both set: set one")
	case s.TLSCA != "" && !s.TLS:
		return errors.New("tls-ca is set without tls: add --tls")
	case s.TLSServerName != "" && !s.TLS:
		return errors.New("tls-server-name is set without tls: add --tls")
	case s.Timeout <= 0:
		return errors.New("timeout must be longer than 0")
	}
	here, err := onLoopback(ctx, lookup, s.Address)
	switch {
	case err != nil:
		return fmt.Errorf("address %w", err)
	case !here && !s.TLS && !s.InsecurePlaintext:
		return fmt.Errorf("calling %s, another machine, needs --tls; without it tokens and API keys would cross the network "+
			"readable, which --insecure-plaintext allows", s.Address)
	}
	return nil
}
