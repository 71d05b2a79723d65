// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// A build is which program this is.
type build struct {
	Version  string `json:"version"`
	Commit   string `json:"commit,omitempty"`
	Time     string `json:"time,omitempty"` // of the commit
	Modified bool   `json:"modified,omitempty"`
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

// version is set by the linker where there is no version control to ask, as in the build of an image:
// -ldflags "-X main.version=v1.2.3".
var version string

func thisBuild() build {
	b := build{Version: "unknown", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		info = new(debug.BuildInfo)
	}
	b.Version = cmp.Or(version, info.Main.Version, b.Version)
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func (a *app) version() *cobra.Command {
	cmd := command("version [flags]", "Print which program this is", noArguments, func(cmd *cobra.Command, _ []string) error {
		v, err := a.load(cmd)
		if err != nil {
			return err
		}
		b := thisBuild()
		return printer{a.stdout, a.stderr, v.Output == "json"}.plain(b, func(w io.Writer) {
			fmt.Fprintf(w, "aeroplane-authz %s\n", b.Version)
			if b.Commit != "" {
				fmt.Fprintf(w, "commit %s of %s", b.Commit, b.Time)
				if b.Modified {
					fmt.Fprint(w, ", modified")
				}
				fmt.Fprintln(w)
			}
			fmt.Fprintf(w, "%s %s\n", b.Go, b.Platform)
		})
	})
	return withSettings(cmd, 0, "output")
}
