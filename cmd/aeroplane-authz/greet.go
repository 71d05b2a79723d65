// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"strings"
	"unicode"

	"aeroplane.run/authz/internal/settings"
)

// greet says where the server listens, what it stores on, which routes it goes by, where the tokens are, and what to
// type next: to a person on standard output, to a machine in one log record.
func (a *app) greet(v *settings.Settings, p *plan, on *listeners, log *slog.Logger) {
	at := on.grpc.Addr()
	if v.InsecurePlaintext {
		log.Warn("insecure-plaintext is set: tokens and API keys may cross the network readable")
	}
	routes := "built in"
	if v.Routes != "" {
		routes = v.Routes
	}
	routes += ", " + count(len(p.routes.Routes()), "row", "rows")
	tokens := "as configured"
	var generated []string
	for _, source := range p.generated {
		generated = append(generated, tokenPath(v.DataDir, source.role))
	}
	if len(generated) > 0 {
		tokens = "generated, in " + strings.Join(generated, " and ")
	}
	security := "TLS"
	if p.tls == nil {
		security = "plaintext"
	}
	http := settings.Off
	if on.http != nil {
		http = on.http.Addr().String()
	}
	if v.LogFormat == "json" {
		log.Info("serving", "address", at.String(), "http", http, "security", security, "store", storeName(v), "routes", routes,
			"tokens", tokens, "version", thisBuild().Version)
		return
	}
	var b strings.Builder
	fmt.Fprintf(&b, "aeroplane-authz %s\n", thisBuild().Version)
	record(&b, [2]string{"  listens on", at.String() + ", " + security}, [2]string{"  over HTTP", http}, [2]string{"  stores on", storeName(v)},
		[2]string{"  routes", routes}, [2]string{"  tokens", tokens})
	b.WriteString(next(v, p, at))
	_, _ = a.stdout.Write([]byte(b.String())) // nobody need be there to read it
}

// next is what to type next: commands that work as they stand, in another terminal of the same user.
func next(v *settings.Settings, p *plan, at net.Addr) string {
	me := program()
	if len(p.generated) < 2 || p.tls != nil || !isLoopback(at) {
		return "Next: set AEROPLANE_AUTHZ_ADDRESS and AEROPLANE_AUTHZ_TOKEN, and run " + me + " keys create --help\n"
	}
	var exports string
	if d, _ := settings.Named("address"); at.String() != d.Default {
		exports += "  export AEROPLANE_AUTHZ_ADDRESS=" + at.String() + "\n"
	}
	if v.From("data-dir") != "default" {
		exports += "  export AEROPLANE_AUTHZ_DATA_DIR=" + quoted(v.DataDir) + "\n"
	}
	var page string
	if v.HTTPListen != settings.Off {
		page = "Or do it in a browser, by the link that this prints:\n  " + me + " console\n"
	}
	return "Next, in another terminal, create a key and ask about two requests with it:\n" + exports +
		"  export AEROPLANE_AUTHZ_KEY=$(" + me + " keys create --name first --access read --all-projects)\n" +
		"  " + me + " authorize GET /api/projects\n" +
		"  " + me + " authorize POST /api/projects\n" + page
}

// program returns what starts this program in a shell: its name if PATH finds it, else the path of its file.
func program() string {
	const name = "aeroplane-authz"
	self, err := os.Executable()
	if err != nil {
		return name
	}
	if found, err := exec.LookPath(name); err == nil && sameFile(found, self) {
		return name
	}
	if strings.ContainsFunc(self, special) {
		return quoted(self)
	}
	return self
}

// special reports whether a character may mean something to a shell.
func special(r rune) bool {
	return !strings.ContainsRune("/._-", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r)
}

func sameFile(a, b string) bool {
	one, errOne := os.Stat(a)
	other, errOther := os.Stat(b)
	return errOne == nil && errOther == nil && os.SameFile(one, other)
}

// quoted returns a word as a shell reads it.
func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
