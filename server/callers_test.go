// SPDX-License-Identifier: Apache-2.0

package server_test

import (
	"strings"
	"testing"

	"aeroplane.run/authz"
	"aeroplane.run/authz/server"
)

const tokenA, tokenB = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"

func TestParseCallers(t *testing.T) {
	t.Parallel()
	text := "# gateways\n\n  edge-1\t" + tokenA + "  \r\n#old " + tokenA + "\nedge-2 " + tokenB + "\n"
	callers, err := server.ParseCallers(authz.CallerRoleGateway, text)
	if err != nil {
		t.Fatal(err)
	}
	if len(callers) != 2 || callers[0].Name != "edge-1" || callers[1].Name != "edge-2" ||
		callers[0].Role != authz.CallerRoleGateway {
		t.Errorf("got %+v", callers)
	}
}

func TestParseCallersRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, text, want string }{
		{"no token", "# first\n" + tokenA, "line 2: must be a name and a token"},
		{"three words", "a b " + tokenA, "line 1: must be a name and a token"},
		{"a short token", "\n\nname " + tokenA[1:], "line 3: the token must be 32 to 1024 visible ASCII"},
		{"the order confused", tokenA + " name", "line 1: the token must be"},
		{"a token that is not ASCII", "name é" + tokenA, "line 1: the token must be"},
		{"a token with a control character", "name \x7f" + tokenA, "line 1: the token must be"},
		{"a long token", "name " + strings.Repeat("x", 1025), "line 1: the token must be"},
		{"a long name", strings.Repeat("n", 65) + " " + tokenA, "line 1: the name must be 1 to 64"},
		{"a name that is not ASCII", "né " + tokenA, "line 1: the name must be"},
		{"a name twice", "n " + tokenA + "\nm " + tokenB + "\nn " + tokenB, "line 3: line 1 has the same name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			callers, err := server.ParseCallers(authz.CallerRoleAdmin, c.text)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || callers != nil {
				t.Fatalf("got %v, %v, want %q", callers, err, c.want)
			}
			if strings.Contains(err.Error(), "AAAA") || strings.Contains(err.Error(), "BBBB") {
				t.Errorf("the error shows the token: %v", err)
			}
		})
	}
}

func TestNewCallersRefuses(t *testing.T) {
	t.Parallel()
	parse := func(role authz.CallerRole, text string) []server.Caller {
		callers, err := server.ParseCallers(role, text)
		if err != nil {
			t.Fatal(err)
		}
		return callers
	}
	admin := parse(authz.CallerRoleAdmin, "n "+tokenA)
	for _, c := range []struct {
		name string
		more []server.Caller
		want string // empty: accepted
	}{
		{"another role with the name", parse(authz.CallerRoleGateway, "n "+tokenB), ""},
		{"another name in the role", parse(authz.CallerRoleAdmin, "m "+tokenB), ""},
		{"the name twice in the role", parse(authz.CallerRoleAdmin, "n "+tokenB), `two admin tokens have the name "n"`},
		{"a token in both roles", parse(authz.CallerRoleGateway, "m "+tokenA), `admin token "n" and gateway token "m" are the same`},
		{"a token under two names", parse(authz.CallerRoleAdmin, "m "+tokenA), `admin token "n" and admin token "m" are the same`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := server.NewCallers(append(admin[:1:1], c.more...)...)
			if got := errorText(err); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
