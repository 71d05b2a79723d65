// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// Sources are where settings come from.
type Sources struct {
	Flags   map[string]string // the flags that were given, by the names of their settings
	Environ []string          // as of os.Environ
	File    string            // the settings file; empty: the one that the environment names, if any
}

// fileEnv names the settings file. It is no setting: a file cannot name itself.
const fileEnv = Prefix + "CONFIG"

// Load reads the settings. A flag wins over the environment, the environment over the file, the file over the default.
// An empty variable counts as unset, so that a container's definition can pass one through.
func Load(src Sources) (*Settings, error) {
	env, err := environment(src.Environ)
	if err != nil {
		return nil, err
	}
	path := src.File
	if path == "" {
		path = env[fileEnv]
	}
	v := &Settings{from: make(map[string]string)}
	file, err := v.readFile(path)
	if err != nil {
		return nil, err
	}
	for i := range table {
		s := &table[i]
		text, from, name := s.Default, "default", s.Name
		if t, ok := file[s.Name]; ok {
			text, from, name = t, path, s.Name+" in "+path
		}
		if t := env[s.Env()]; t != "" {
			text, from, name = t, s.Env(), s.Env()
		}
		if t, ok := src.Flags[s.Name]; ok && !s.Secret() {
			text, from, name = t, "flag", "--"+s.Name
		}
		v.from[s.Name] = from
		if text == "" && from == "default" {
			continue // the zero value
		}
		if err := s.set(v, text); err != nil {
			return nil, fmt.Errorf("%s %w", name, err)
		}
	}
	if v.DataDir == "" {
		v.DataDir = defaultDataDir(src.Environ)
	}
	return v, nil
}

// environment picks our variables, and refuses those which are no settings.
func environment(environ []string) (map[string]string, error) {
	known := []string{fileEnv}
	for i := range table {
		known = append(known, table[i].Env())
	}
	ours := make(map[string]string)
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case !strings.HasPrefix(name, Prefix) || foreign.MatchString(entry):
		case !slices.Contains(known, name):
			return nil, fmt.Errorf("the environment variable %s is no setting%s", name, didYouMean(name, known))
		default:
			ours[name] = value
		}
	}
	return ours, nil
}

// foreign are variables with our prefix that are not ours to judge: this project's own tests use the first; Kubernetes sets
// the others for every container in the namespace of a Service called aeroplane-authz, or aeroplane-authz-redis, say.
var foreign = regexp.MustCompile(`^` + Prefix + `(TEST_.*|` +
	`([A-Z0-9_]+_)?(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)=.*|` +
	`([A-Z0-9_]+_)?PORT=(tcp|udp|sctp)://.*)$`)

func defaultDataDir(environ []string) string {
	get := func(name string) string {
		for _, entry := range slices.Backward(environ) {
			if value, ok := strings.CutPrefix(entry, name+"="); ok {
				return value
			}
		}
		return ""
	}
	if dir := get("XDG_DATA_HOME"); filepath.IsAbs(dir) { // a relative one is to be ignored, says its specification
		return filepath.Join(dir, "aeroplane-authz")
	}
	if home := get("HOME"); filepath.IsAbs(home) {
		if info, err := os.Stat(home); err == nil && info.IsDir() {
			return filepath.Join(home, ".local", "share", "aeroplane-authz")
		}
	}
	return "/var/lib/aeroplane-authz"
}
