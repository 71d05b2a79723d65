// SPDX-License-Identifier: Apache-2.0

package housetest

import (
	"io/fs"
	"path"
	"slices"
	"strings"
)

// A tree is the repository, or a small one made for a test.
type tree struct{ fs.FS }

// What is in the tree without being part of it: folders at its root, and names anywhere. See .gitignore.
var (
	ignoredFolders = []string{".git", ".bin", ".cache", "bin"}
	ignoredNames   = []string{"*.test", "*.prof"}
)

// files lists the files whose names match one of the patterns, such as "*.go"; without patterns, all.
func (t tree) files(patterns ...string) []string {
	var found []string
	err := fs.WalkDir(t, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && slices.Contains(ignoredFolders, name):
			return fs.SkipDir
		case !entry.Type().IsRegular() || matches(entry.Name(), ignoredNames):
		case len(patterns) == 0 || matches(entry.Name(), patterns):
			found = append(found, name)
		}
		return nil
	})
	if err != nil {
		panic(err) // the tree is on this disk
	}
	return found
}

func matches(name string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return err == nil && ok
	})
}

// text is what a file holds; nothing, if there is no such file.
func (t tree) text(name string) string {
	text, err := fs.ReadFile(t, name)
	if err != nil {
		return ""
	}
	return string(text)
}

// has reports whether there is such a file or folder. A pattern will do.
func (t tree) has(name string) bool {
	found, err := fs.Glob(t, path.Clean(name))
	return err == nil && len(found) > 0
}

// generated reports whether a Go file is a program's work.
func (t tree) generated(name string) bool {
	return strings.Contains("\n"+t.text(name), "\n// Code generated ")
}

func isTest(name string) bool { return strings.HasSuffix(name, "_test.go") }
