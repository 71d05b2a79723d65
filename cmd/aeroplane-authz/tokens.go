// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"aeroplane.run/authz"
	"aeroplane.run/authz/internal/datadir"
	"aeroplane.run/authz/internal/secret"
	"aeroplane.run/authz/internal/settings"
	"aeroplane.run/authz/server"
)

// A tokenSource is where the tokens of one role come from.
type tokenSource struct {
	role    role
	caller  authz.CallerRole
	given   secret.Text
	file    string
	setting string // the name of the setting, for errors
}

func tokenSources(v *settings.Settings) []tokenSource {
	return []tokenSource{
		{admin, authz.CallerRoleAdmin, v.AdminTokens, v.AdminTokensFile, "admin-tokens"},
		{gateway, authz.CallerRoleGateway, v.GatewayTokens, v.GatewayTokensFile, "gateway-tokens"},
	}
}

// configured reports whether there are settings for the role; else its token is generated.
func (s tokenSource) configured() bool { return !s.given.IsZero() || s.file != "" }

// callers returns who may call by the settings.
func (s tokenSource) callers(log *slog.Logger) ([]server.Caller, error) {
	setting := s.setting
	if s.file != "" {
		setting += "-file"
	}
	text, err := settings.ReadSecret(s.given, s.file, log)
	if err != nil {
		return nil, usage("%s: %w", setting, err)
	}
	lines := text.Reveal()
	if s.file == "" {
		lines = onePerLine(lines)
	}
	callers, err := server.ParseCallers(s.caller, lines)
	switch {
	case err != nil:
		return nil, usage("%s: %w", setting, err)
	case len(callers) == 0:
		return nil, usage("%s: holds no token", setting)
	}
	return callers, nil
}

// onePerLine puts pairs that commas separate on lines of their own. A comment goes on to the end of its line, commas and
// all: a token that was retired into one stays retired.
func onePerLine(text string) string {
	var pairs []string
	for line := range strings.SplitSeq(text, "\n") {
		for pair := range strings.SplitSeq(line, ",") {
			if strings.HasPrefix(strings.TrimSpace(pair), "#") {
				break
			}
			pairs = append(pairs, pair)
		}
	}
	return strings.Join(pairs, "\n")
}

// generated returns the caller whose token is in the data directory. The first start makes it; it is never changed.
func (s tokenSource) generated(dataDir string) ([]server.Caller, error) {
	if err := datadir.Ensure(dataDir); err != nil {
		return nil, usage("data-dir: %w", err)
	}
	path := tokenPath(dataDir, s.role)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		if err := generate(path); err != nil {
			return nil, usage("the %s token: %w", s.role, err)
		}
	}
	return s.read(path)
}

// read returns the caller whose token was generated into a file.
func (s tokenSource) read(path string) ([]server.Caller, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, usage("the %s token: %w", s.role, err)
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, usage("the %s token: %w", s.role, err)
	case info.Mode().Perm()&0o077 != 0:
		return nil, usage("others may use %s: run chmod 600 %s, or remove it to have a new token generated", path, path)
	}
	callers, err := server.ParseCallers(s.caller, string(text))
	if err != nil || len(callers) == 0 {
		return nil, usage("%s does not hold a token: remove it to have a new one generated", path)
	}
	return callers, nil
}

// generate makes a token and the file that holds it: whole and on disk, or not at all, and never over another one.
func generate(path string) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".token-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	secret := make([]byte, 32)
	rand.Read(secret) // never fails
	_, err = fmt.Fprintf(f, "local %s\n", base64.RawURLEncoding.EncodeToString(secret))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Link(f.Name(), path); errors.Is(err, fs.ErrExist) {
		return nil // somebody was faster
	} else if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

// syncDir makes the names in a directory durable.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
