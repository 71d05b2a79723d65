// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"aeroplane.run/authz"
	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// credentialFlags say where the credential of a request comes from. None of them holds it.
type credentialFlags struct {
	keyStdin, sessionStdin            bool
	keyFile, sessionFile, headersFile string
}

func (f *credentialFlags) define(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&f.keyStdin, "key-stdin", false, "read an API key from standard input")
	flags.StringVar(&f.keyFile, "key-file", "", "read an API key from a `file`")
	flags.BoolVar(&f.sessionStdin, "session-stdin", false, "read a session token from standard input")
	flags.StringVar(&f.sessionFile, "session-file", "", "read a session token from a `file`")
	flags.StringVar(&f.headersFile, "headers-file", "",
		"read raw Authorization, X-API-Key and Cookie headers from a `file`, one \"Name: value\" a line; - is standard input")
	cmd.MarkFlagsMutuallyExclusive("key-stdin", "key-file", "session-stdin", "session-file", "headers-file")
}

// credential puts the credential into a request. A flag wins over the environment.
func (a *app) credential(in *v1.AuthorizeRequest, f *credentialFlags, c *connection) (err error) {
	var key, session string
	switch {
	case f.keyStdin:
		key, err = a.secretFrom("-")
	case f.keyFile != "":
		key, err = a.secretFrom(f.keyFile)
	case f.sessionStdin:
		session, err = a.secretFrom("-")
	case f.sessionFile != "":
		session, err = a.secretFrom(f.sessionFile)
	case f.headersFile != "":
		var headers *v1.CredentialHeaders
		headers, err = a.headersFrom(f.headersFile)
		in.Credential = &v1.AuthorizeRequest_Headers{Headers: headers}
	case !c.Key.IsZero() && !c.Session.IsZero():
		return usage("AEROPLANE_AUTHZ_KEY and AEROPLANE_AUTHZ_SESSION are both set: set one")
	default:
		key, session = c.Key.Reveal(), c.Session.Reveal()
	}
	switch {
	case key != "":
		in.Credential = &v1.AuthorizeRequest_ApiKey{ApiKey: key}
	case session != "":
		in.Credential = &v1.AuthorizeRequest_SessionToken{SessionToken: session}
	}
	return err
}

// maxSecret bounds what is read of a secret. The contract takes less.
const maxSecret = 1 << 20

// secretFrom reads a secret from a file, or from standard input, "-". The end of its line is not part of it.
func (a *app) secretFrom(path string) (string, error) {
	text, err := a.textFrom(path)
	text = strings.TrimRight(text, "\r\n")
	switch {
	case err != nil:
		return "", err
	case text == "":
		return "", usage("%s is empty: it must hold the secret", spoken(path))
	case !utf8.ValidString(text):
		return "", usage("%s must be UTF-8: a gateway refuses any other request with 400, without asking", spoken(path))
	}
	return text, nil
}

func (a *app) headersFrom(path string) (*v1.CredentialHeaders, error) {
	text, err := a.textFrom(path)
	if err != nil {
		return nil, err
	}
	if !utf8.ValidString(text) {
		return nil, usage("%s must be UTF-8: a gateway refuses any other request with 400, without asking", spoken(path))
	}
	var headers authz.CredentialHeaders
	number := 0
	for line := range strings.Lines(text) {
		number++
		name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":")
		if !ok && name == "" {
			continue
		}
		value = strings.Trim(value, " \t") // as every HTTP server does
		if !headers.Add(name, value) {     // the line is not repeated: it may hold a secret
			return nil, usage("%s, line %d: must be an Authorization, X-API-Key or Cookie header, \"Name: value\"", spoken(path), number)
		}
	}
	return &v1.CredentialHeaders{Authorization: headers.Authorization, XApiKey: headers.APIKey, Cookie: headers.Cookie}, nil
}

func (a *app) textFrom(path string) (string, error) {
	f, err := a.open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	switch {
	case err != nil:
		return "", unread(err, "%s cannot be read: %w", spoken(path), err)
	case len(raw) > maxSecret:
		return "", usage("%s is larger than %d bytes", spoken(path), maxSecret)
	}
	return string(raw), nil
}
