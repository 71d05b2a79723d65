// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"aeroplane.run/authz/internal/checkup"
	"aeroplane.run/authz/internal/settings"
)

func (a *app) doctor() *cobra.Command {
	cmd := command("doctor [flags]", "Examine this installation, and say what to do about what is wrong", noCommand, a.checkUp)
	cmd.Long = `Examine this installation, on the host of the service and with its settings, whether it runs or not: the settings and the files
that they name, who may read these, the running service, its lease, its database, the clocks, and Redis. Each finding says what
to do. Run it as the user of the service, or as root.

It needs no settings but those of the service: the same file, environment and flags. As health does, it calls the service where
that listens, and expects the certificate that is in its file. It changes nothing, and keeps nothing from a service that starts meanwhile. No secret is printed.

Exit codes: 0 nothing but ok and warnings, 1 faults, settings that contradict each other among them, 2 wrong usage, 3 it could
not be done to the end.`
	cmd.AddCommand(a.doctorGateway())
	return withSettings(cmd, anySetting)
}

// noCommand refuses arguments, of which each was meant for the name of a command.
func noCommand(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return unknownCommand(cmd, args[0])
	}
	return nil
}

func (a *app) checkUp(cmd *cobra.Command, _ []string) error {
	src := a.sources(cmd)
	v, err := settings.Load(src)
	var report *checkup.Report
	if err == nil {
		report = checkup.Run(cmd.Context(), a.checkUpConfig(v))
	} else {
		report = checkup.Unloadable(thisBuild().Version, err)
		if v, err = withoutSettings(src); err != nil {
			return usage("%w", err)
		}
	}
	if cmd.Context().Err() != nil {
		return fail(exitUnreachable, "interrupted")
	}
	p := printer{a.stdout, a.stderr, v.Output == "json"}
	if err := p.plain(report, func(w io.Writer) { printCheckUp(w, report) }); err != nil {
		return fail(exitUnreachable, "%w", err)
	}
	if report.Faults > 0 {
		return &failure{code: exitNo}
	}
	return nil
}

// withoutSettings returns what there is to print by where the settings of the service do not load: the flags, and the one variable.
// The error is that of a flag.
func withoutSettings(src settings.Sources) (*settings.Settings, error) {
	output, _ := settings.Named("output")
	plain := settings.Sources{Flags: src.Flags}
	for _, entry := range src.Environ {
		if _, isOutput := strings.CutPrefix(entry, output.Env()+"="); isOutput {
			plain.Environ = append(plain.Environ, entry)
		}
	}
	if v, err := settings.Load(plain); err == nil {
		return v, nil
	}
	plain.Environ = nil // for it may be the variable that is wrong
	return settings.Load(plain)
}

// printCheckUp writes a table, and under each finding what to do about it.
func printCheckUp(w io.Writer, r *checkup.Report) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SEVERITY\tCHECK\tFOUND")
	for _, f := range r.Findings {
		fmt.Fprintf(t, "%s\t%s\t%s\n", f.Severity, f.Check, cell(f.Found))
		if f.Do != "" {
			fmt.Fprintf(t, "\t\t  do: %s\n", f.Do)
		}
	}
	_ = t.Flush() // w is a buffer
	fmt.Fprintf(w, "\nexamined in %v: %s, %s, %d ok\n", r.Took.Round(100*time.Millisecond), count(r.Faults, "fault", "faults"),
		count(r.Warnings, "warning", "warnings"), r.OK)
}
