// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Who calls a door for HTTP is told which address is meant.
func TestCallingADoorForHTTP(t *testing.T) {
	t.Parallel()
	for name, both := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		s := httptest.NewUnstartedServer(http.NotFoundHandler())
		s.Config.Protocols = new(http.Protocols)
		s.Config.Protocols.SetHTTP1(true)
		s.Config.Protocols.SetUnencryptedHTTP2(both)
		s.Start()
		t.Cleanup(s.Close)
		environ := []string{"HOME=" + t.TempDir(), "AEROPLANE_AUTHZ_TOKEN=" + strings.Repeat("a", 40)}
		var stderr bytes.Buffer
		code := run(t.Context(), []string{"keys", "list", "--address", s.Listener.Addr().String()}, environ, nil, &stderr, &stderr)
		if code != exitUnreachable || stderr.String() != "aeroplane-authz: "+otherDoor+"\n" {
			t.Errorf("%s: %d %s", name, code, &stderr)
		}
	}
}
