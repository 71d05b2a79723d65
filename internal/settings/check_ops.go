// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"context"
	"errors"
	"fmt"
)

// Off is the OpsListen that switches metrics and probes off, and the HTTPListen without which no gateway asks over HTTP.
const Off = "off"

// checkOps refuses to tell the network what the metrics tell, unless that is meant.
func (s *Settings) checkOps(ctx context.Context, lookup Lookup) error {
	here := true
	if s.OpsListen != Off {
		var err error
		if here, err = onLoopback(ctx, lookup, s.OpsListen); err != nil {
			return fmt.Errorf("ops-listen %w; off switches it off", err)
		}
	}
	switch {
	case s.OpsListen == s.Listen && !anyPort(s.Listen):
		return errors.New("ops-listen and listen are the same address: choose another port for one of them")
	case s.OpsListen == s.HTTPListen && s.OpsListen != Off && !anyPort(s.OpsListen):
		return errors.New("ops-listen and http-listen are the same address: choose another port for one of them")
	case !here && !s.InsecureOps:
		return fmt.Errorf("ops-listen %s is beyond this machine, where anybody on the network could read the metrics, "+
			"which insecure-ops allows", s.OpsListen)
	case here && s.InsecureOps:
		return errors.New("insecure-ops is set although nothing needs it: take it away")
	}
	return nil
}
