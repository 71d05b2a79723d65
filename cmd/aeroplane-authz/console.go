// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/settings"
)

func (a *app) console() *cobra.Command {
	cmd := command("console [flags]", "Print a link that opens the API Access page for an administrator", noArguments, nil)
	cmd.Long = "Print a link that opens the API Access page of the service for an administrator, where there is no session of Aeroplane's to sign in with.\n" +
		"It can be used once, within a minute. The session that it opens lasts eight hours, and acts on the strength of the token of this command.\n\n" +
		"Where a browser reaches the page at another address than the service knows of, as behind a proxy or a tunnel, --url says it."
	at := cmd.Flags().String("url", "", "the `URL` of what has the page at /authz/, such as https://pilot.example.com")
	return a.calling(cmd, admin, func(ctx context.Context, c *connection, _ *cobra.Command, _ []string) error {
		if *at != "" {
			if u, err := url.Parse(*at); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
				return usage("url must be one such as https://pilot.example.com")
			}
		}
		out, err := v1.NewConsoleServiceClient(c).CreateConsoleLink(ctx, &v1.CreateConsoleLinkRequest{})
		if err != nil {
			return err
		}
		if _, within, ok := strings.Cut(out.GetUrl(), "/authz/#"); ok && *at != "" {
			out.Url = strings.TrimSuffix(strings.TrimSuffix(*at, "/"), "/authz") + "/authz/#" + within
		}
		return c.answer(out, func(w io.Writer) {
			fmt.Fprintln(w, out.GetUrl())
			fmt.Fprintln(a.stderr, "It can be used once, until "+moment(out.GetExpireTime())+".")
		})
	})
}

// consoleURL returns where a browser on this machine, or as http-url has it, reaches the page. Empty: nowhere.
func consoleURL(v *settings.Settings, l net.Listener) string {
	switch {
	case l == nil:
		return ""
	case v.HTTPURL != "":
		return v.HTTPURL
	}
	scheme := "http://"
	if v.TLSCert != "" {
		scheme = "https://"
	}
	host, port, err := net.SplitHostPort(l.Addr().String())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return scheme + net.JoinHostPort(host, port)
}
