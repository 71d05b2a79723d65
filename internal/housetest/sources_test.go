// SPDX-License-Identifier: Apache-2.0

package housetest

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"strings"
)

// checkLicences wants the licence's name among the first lines of each source file.
func checkLicences(t tree) (complaints []string) {
	const want = "SPDX-License-Identifier: Apache-2.0"
	for _, name := range t.files() {
		text := t.text(name)
		source := matches(path.Base(name), []string{"*.go", "*.proto", "*.sh", "*.sql", "Dockerfile", "Makefile"})
		if !source && !strings.HasPrefix(text, "#!") {
			continue
		}
		lines := strings.SplitN(text, "\n", 4)
		if !strings.Contains(strings.Join(lines[:min(3, len(lines))], "\n"), want) {
			complaints = append(complaints, name+": no "+want+" at its top")
		}
	}
	return complaints
}

// checkFuzzSeeds wants something for each fuzz target to begin with: an empty corpus finds nothing, and says nothing.
func checkFuzzSeeds(t tree) (complaints []string) {
	for _, name := range t.files("*_test.go") {
		file, err := parser.ParseFile(token.NewFileSet(), name, t.text(name), parser.SkipObjectResolution)
		if err != nil {
			complaints = append(complaints, err.Error())
			continue
		}
		for _, decl := range file.Decls {
			target, ok := decl.(*ast.FuncDecl)
			if !ok || target.Recv != nil || !strings.HasPrefix(target.Name.Name, "Fuzz") {
				continue
			}
			corpus := path.Join("testdata/fuzz", target.Name.Name)
			if !callsAdd(target) && !t.has(path.Join(path.Dir(name), corpus, "*")) {
				complaints = append(complaints, fmt.Sprintf("%s: %s has no seeds: neither f.Add nor files in %s",
					name, target.Name.Name, corpus))
			}
		}
	}
	return complaints
}

func callsAdd(target *ast.FuncDecl) (found bool) {
	ast.Inspect(target, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			if method, ok := call.Fun.(*ast.SelectorExpr); ok && method.Sel.Name == "Add" {
				if receiver, ok := method.X.(*ast.Ident); ok && receiver.Name == "f" {
					found = true
				}
			}
		}
		return !found
	})
	return found
}

// forbidden are words that no file may hold, and why. They are written in two halves, since this file is one too.
var forbidden = []struct{ word, why string }{
	{"/wo" + "rk/", "a path of one machine"},
	{"/ro" + "ot/", "a path of one machine"},
	{"../sha" + "red", "a path outside the repository"},
	{"proxy.golang" + ".org", "the host of a package registry"},
	{"registry.npm" + "js.org", "the host of a package registry"},
	{"deb.debian" + ".org", "the host of a package registry"},
	{"TO" + "DO", "unfinished work belongs in an issue"},
	{"FIX" + "ME", "unfinished work belongs in an issue"},
	{"panic(\"not imple" + "mented", "unfinished work belongs in an issue"},
	{"PRIVATE" + " KEY-----", "a secret does not belong in the repository"},
	{"<<<<<<" + "< ", "a merge left open"},
}

func checkForbidden(t tree) (complaints []string) {
	for _, name := range t.files() {
		for i, line := range strings.Split(t.text(name), "\n") {
			for _, f := range forbidden {
				if strings.Contains(line, f.word) {
					complaints = append(complaints, fmt.Sprintf("%s:%d: holds %q: %s", name, i+1, f.word, f.why))
				}
			}
		}
	}
	return complaints
}

// The most lines that a file of Go may have which a person wrote.
const (
	longest     = 400
	longestTest = 600
)

func checkLength(t tree) (complaints []string) {
	for _, name := range t.files("*.go") {
		limit := longest
		if isTest(name) {
			limit = longestTest
		}
		lines := strings.Count(t.text(name), "\n")
		if lines > limit && !t.generated(name) {
			complaints = append(complaints, fmt.Sprintf("%s: %d lines, more than %d: it may hold two ideas", name, lines, limit))
		}
	}
	return complaints
}
