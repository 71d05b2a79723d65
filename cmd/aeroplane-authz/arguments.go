// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"aeroplane.run/authz/internal/apikey"
)

// noArguments refuses arguments. It says so itself, as cobra takes each for the name of a command.
func noArguments(cmd *cobra.Command, args []string) error { return exactly()(cmd, args) }

// exactly wants one argument for each word of what.
func exactly(what ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) < len(what) {
			return fmt.Errorf("%s needs %s", words(cmd), strings.Join(what, " and "))
		}
		return atMost(what...)(cmd, args)
	}
}

// atMost wants no more arguments than there are words of what.
func atMost(what ...string) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		switch {
		case len(args) <= len(what):
			return nil
		case len(what) == 0:
			return fmt.Errorf("%q is too much: %s takes no arguments, only flags", args[0], words(cmd))
		}
		return fmt.Errorf("%q is too much: %s takes %s alone", args[len(what)], words(cmd), strings.Join(what, " and "))
	}
}

// words are the words by which a command is called, without the program's name.
func words(cmd *cobra.Command) string {
	return strings.TrimPrefix(strings.TrimPrefix(cmd.CommandPath(), cmd.Root().Name()), " ")
}

// keyID returns the id that an argument means: an id; what is displayed of a key, which is ap_ and the id; or a whole
// key, of which nothing but the id goes any further. Its errors repeat nothing.
func keyID(text string) (string, error) {
	const brand, idLen = "ap_", 16
	text = strings.TrimSpace(text)
	rest, branded := strings.CutPrefix(text, brand)
	switch {
	case apikey.FormOf(text) == apikey.Own, branded && len(rest) == idLen:
		return rest[:idLen], nil
	case apikey.FormOf(text) != apikey.Malformed, branded && len(rest) > idLen, apikey.Redact(text) != text:
		return "", usage("%w", errKeyForID)
	}
	return text, nil
}

var errKeyForID = errors.New("that is a key, not its id: the id is the 16 characters after ap_; revoke it by that")
