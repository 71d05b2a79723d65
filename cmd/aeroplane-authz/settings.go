// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"aeroplane.run/authz/internal/settings"
)

const anySetting = settings.Server | settings.Client

func (a *app) settings() *cobra.Command {
	return group("settings", "Print the settings in force, or check a server's", a.printSettings(), a.checkSettings())
}

// A setting is a setting in force, in JSON.
type setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
	From  string `json:"from"`
}

func (a *app) printSettings() *cobra.Command {
	cmd := command("print [flags]", "Print every setting in force and where it comes from, secrets redacted", noArguments,
		func(cmd *cobra.Command, _ []string) error {
			v, err := a.load(cmd)
			if err != nil {
				return err
			}
			var all []setting
			for _, s := range settings.Of(anySetting) {
				all = append(all, setting{s.Name, s.Text(v), v.From(s.Name)})
			}
			return printer{a.stdout, a.stderr, v.Output == "json"}.plain(all, func(w io.Writer) {
				var rows [][]string
				for _, s := range all {
					rows = append(rows, []string{s.Name, s.Value, s.From})
				}
				columns(w, "SETTING VALUE FROM", rows)
			})
		})
	return withSettings(cmd, anySetting)
}

func (a *app) checkSettings() *cobra.Command {
	cmd := command("check [flags]", "Check the settings of a server, without connecting to anything", noArguments,
		func(cmd *cobra.Command, _ []string) error {
			v, err := a.load(cmd)
			if err != nil {
				return err
			}
			p, err := a.prepare(cmd.Context(), v, logger(v, a.stderr))
			if err != nil {
				return err
			}
			if err := p.checkDataDir(v); err != nil {
				return err
			}
			_, err = fmt.Fprintln(a.stdout, "the settings are good; databases and ports are tried at start")
			return err
		})
	cmd.Long = "Check whether a server would start with the settings in force, as far as that shows without connecting to Postgres or Redis,\n" +
		"or opening a port."
	return withSettings(cmd, settings.Server)
}
