// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"aeroplane.run/authz/internal/datadir"
	"aeroplane.run/authz/internal/settings"
)

// checkPermissions looks at who could read or change what the service keeps secret.
func checkPermissions(_ context.Context, x *examination) (all []Finding) {
	dir := filepath.Clean(x.Settings.DataDir)
	user := serviceUser(dir)
	if x.needsDirectory() {
		all = append(all, x.directory(dir, user)...)
	} else {
		all = append(all, good("the data directory is not needed: the database is Postgres, and all tokens are configured"))
	}
	secrets := x.secretFiles()
	before := len(all)
	for _, path := range secrets {
		all = append(all, judgeSecret(path, user)...)
	}
	if len(secrets) > 0 && len(all) == before {
		all = append(all, good("nobody else may read or change the files of secrets, %s", strings.Join(secrets, ", ")))
	}
	return all
}

// needsDirectory reports whether the service keeps anything in the data directory.
func (x *examination) needsDirectory() bool {
	v := x.Settings
	configured := (!v.AdminTokens.IsZero() || v.AdminTokensFile != "") && (!v.GatewayTokens.IsZero() || v.GatewayTokensFile != "")
	return !x.onPostgres() || !configured
}

// directory looks at the data directory, and at what is in it that is the service's.
func (x *examination) directory(dir string, user int) (all []Finding) {
	if f, foreign := foreignDirectory(dir); foreign {
		return []Finding{f}
	}
	err := error(nil)
	if user == os.Geteuid() {
		err = x.Usable(dir)
	} else { // root may do anything; the service is not run by it
		err = datadir.CheckFor(dir, user)
	}
	if err != nil {
		return []Finding{fault("Let it be the service's user's alone (mode 0700), or name another with data-dir.", "the data directory %s cannot be used: %v", dir, err)}
	}
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return append(all, good("the data directory %s is not there yet: the first start makes it", dir), x.room(dir))
	case err != nil:
		return []Finding{fault("Run this as the user of the service, or let that user read the directory.", "the data directory %s cannot be read: %v", dir, err)}
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasPrefix(name, "authz.") || strings.HasSuffix(name, ".token") || strings.HasPrefix(name, ".token-") {
			all = append(all, judgeOwn(filepath.Join(dir, name), user)...)
		}
	}
	if len(all) == 0 {
		all = append(all, good("the data directory %s, and what is in it, is its owner's alone", dir))
	}
	return append(all, x.room(dir))
}

// secretFiles are the files outside of the data directory that hold secrets, as far as they are there. That one is missing, or is
// set where nothing reads it, is for the check of settings.
func (x *examination) secretFiles() []string {
	v := x.Settings
	files := []string{v.AdminTokensFile, v.GatewayTokensFile, v.PostgresPasswordFile, v.RedisPasswordFile, v.RedisEntryKeysFile,
		v.TLSKey, v.RedisTLSKey, v.TokenFile}
	for _, s := range settings.Of(settings.Server | settings.Client) {
		if from := v.From(s.Name); s.Secret() && from != "default" && from != s.Env() { // it has no flag, so that is the settings file
			files = append(files, from)
		}
	}
	files = slices.DeleteFunc(files, func(path string) bool {
		_, err := os.Stat(path)
		return path == "" || err != nil
	})
	slices.Sort(files)
	return slices.Compact(files)
}

// The least room that a disk should have: bytes, and where the disk is not large a twentieth of it.
const (
	leastRoom  = 100 << 20
	enoughRoom = 1 << 30
)

// room looks at the disk of the data directory, or of where it will be.
func (x *examination) room(dir string) Finding {
	at := dir
	for {
		if _, err := os.Stat(at); err == nil || at == filepath.Dir(at) {
			break
		}
		at = filepath.Dir(at)
	}
	free, total, err := x.space(at)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return good("how much room the disk of %s has cannot be told on this system", dir)
	case err != nil:
		return warning("Look at the disk.", "how much room the disk of %s has cannot be told: %v", dir, err)
	case free < leastRoom || free < total/20 && free < enoughRoom:
		return warning("Make room: on a full disk every change fails, revocations too.", "the disk of %s has %s left of %s", dir, bytes(free), bytes(total))
	}
	return good("the disk of %s has %s left", dir, bytes(free))
}
