// SPDX-License-Identifier: Apache-2.0

// Command aeroplane-authz is the service and the tool that administers it: serve runs the one, the other commands call
// it. Begin with `aeroplane-authz serve`; what it prints says what to type next.
//
// What the commands do is specified by the terminal sessions in testdata/script.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal finds nobody listening, and ends the process at once
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdin, os.Stdout, os.Stderr))
}

// run is the program: arguments, environment and streams in, exit code out. Nothing that it started runs on.
func run(ctx context.Context, args, environ []string, stdin io.Reader, stdout, stderr io.Writer) int {
	a := &app{environ: environ, stdin: interruptible{ctx, stdin}, stdout: stdout, stderr: stderr}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteContextC(ctx)
	return report(stderr, cmd, err)
}

// An app is one run of the program.
type app struct {
	environ        []string
	stdin          io.Reader
	stdout, stderr io.Writer
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "aeroplane-authz",
		Short: "Decides which HTTP requests may reach Aeroplane",
		Long: "aeroplane-authz decides which HTTP requests may reach Aeroplane, by API keys, sessions and projects.\n\n" +
			"Exit codes: 0 done, or allowed; 1 denied, or refused by the server; 2 wrong usage or settings;\n" +
			"3 the server or the database cannot be reached, or no decision was reached.",
		SilenceErrors: true, // report prints them
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				return unknownCommand(cmd, args[0])
			}
			return cmd.Help()
		},
	}
	root.Version = thisBuild().Version
	root.SetVersionTemplate("aeroplane-authz {{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	root.PersistentFlags().String("config", "", "a settings `file`; see docs/configuration.md")
	root.AddCommand(a.serve(), a.keys(), a.projects(), a.services(), a.deployments(), a.sessions(), a.authorize(),
		a.console(), a.explain(), a.routes(), a.migrate(), a.audit(), a.health(), a.doctor(), a.imports(), a.follow(),
		a.settings(), a.version())
	root.InitDefaultCompletionCmd()
	if completion, _, err := root.Find([]string{"completion"}); err == nil {
		completion.Args, completion.RunE = cobra.ArbitraryArgs, needsCommand // it would print its help, and succeed
	}
	return root
}

// group returns a command that only holds others.
func group(name, short string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use: name, Short: short,
		Args: cobra.ArbitraryArgs,
		RunE: needsCommand,
	}
	g.AddCommand(commands...)
	return g
}

func needsCommand(cmd *cobra.Command, args []string) error {
	return unknownCommand(cmd, strings.Join(args[:min(1, len(args))], ""))
}

// command returns a command that does something. Whatever work returns has been classified: see classify.
func command(use, short string, args cobra.PositionalArgs, work func(cmd *cobra.Command, args []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: args,
		DisableFlagsInUseLine: true,
		ValidArgsFunction:     cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, args []string) error {
			return classify(work(cmd, args))
		},
	}
}
