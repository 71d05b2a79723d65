// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"aeroplane.run/authz/internal/settings"
)

// A settingFlag is the flag of a setting. It keeps the text: settings.Load says what that means.
type settingFlag struct {
	text string
	kind string
}

func (f *settingFlag) Set(text string) error { f.text = text; return nil }
func (f *settingFlag) String() string        { return f.text }
func (f *settingFlag) Type() string          { return f.kind }

// withSettings gives a command the flags of settings: all of a group's, or those that are named. Secrets have none.
func withSettings(cmd *cobra.Command, g settings.Group, names ...string) *cobra.Command {
	of := settings.Of(g)
	if len(names) > 0 {
		of = nil
		for _, name := range names {
			s, ok := settings.Named(name)
			if !ok {
				panic("no setting is called " + name)
			}
			of = append(of, s)
		}
	}
	for _, s := range of {
		if s.Secret() {
			continue
		}
		value := &settingFlag{text: s.Default, kind: strings.ReplaceAll(s.Kind(), ", ", "|")}
		shorthand := ""
		if s.Name == "output" {
			shorthand = "o"
		}
		flag := cmd.Flags().VarPF(value, s.Name, shorthand, s.About)
		if s.Switch() {
			flag.NoOptDefVal, value.kind = "true", "bool" // by which name pflag knows that no value is needed
		}
		if len(s.OneOf) > 0 {
			completeFrom(cmd, s.Name, s.OneOf)
		}
	}
	return cmd
}

// load returns the settings in force for a command.
func (a *app) load(cmd *cobra.Command) (*settings.Settings, error) {
	v, err := settings.Load(a.sources(cmd))
	if err != nil {
		return nil, usage("%w", err)
	}
	for _, warning := range v.Warnings() {
		logger(v, a.stderr).Warn(warning)
	}
	return v, nil
}

// sources are where the settings of a command come from.
func (a *app) sources(cmd *cobra.Command) settings.Sources {
	src := settings.Sources{Flags: make(map[string]string), Environ: a.environ}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if value, ok := f.Value.(*settingFlag); ok {
			src.Flags[f.Name] = value.text
		}
	})
	src.File, _ = cmd.Flags().GetString("config")
	return src
}

// completeFrom lets a shell complete a flag's value from a list.
func completeFrom(cmd *cobra.Command, flag string, words []string) {
	complete := cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
	if err := cmd.RegisterFlagCompletionFunc(flag, complete); err != nil {
		panic(err) // a flag that the program itself has just defined
	}
}
