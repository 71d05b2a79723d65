// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	folder     = "internal/fence"
	simulation = "./" + folder + "/simulation"
)

// A workshop makes mutants and tries them.
type workshop struct {
	dir   string // for what is made
	seeds int
}

func newWorkshop(seeds int) (*workshop, error) {
	if _, err := os.Stat(filepath.Join(folder, "mutants", "mutants.txt")); err != nil {
		return nil, fmt.Errorf("run this at the root of the repository: %w", err)
	}
	dir, err := os.MkdirTemp("", "mutants")
	return &workshop{dir, seeds}, err
}

func (w *workshop) close() { _ = os.RemoveAll(w.dir) }

// An outcome is what came of a mutant.
type outcome struct {
	found  bool
	passed bool   // it was tried, and nothing failed
	why    string // what failed, or what is wrong with the mutant, or with the tests
	took   time.Duration
}

// control returns an error if what is to find mutants fails, or cannot be built, without one.
func (w *workshop) control(ctx context.Context) error {
	few := workshop{w.dir, min(w.seeds, 200)}
	for i, by := range []tests{{}, {in: folder}} {
		if o := few.try(ctx, mutant{line: -i, by: by}); !o.passed {
			return fmt.Errorf("what is to find mutants does not pass without one: %s", o.why)
		}
	}
	return nil
}

// try makes a mutant and tries it.
func (w *workshop) try(ctx context.Context, m mutant) (o outcome) {
	began := time.Now()
	defer func() { o.took = time.Since(began) }()
	dir := filepath.Join(w.dir, strconv.Itoa(m.line))
	overlay, err := m.overlay(dir)
	if err != nil {
		return outcome{why: err.Error()}
	}
	binary := filepath.Join(dir, "test")
	build := []string{"test", "-c", "-vet=off", "-overlay", overlay, "-ldflags=-s -w", "-o", binary}
	try := []string{"-test.failfast"}
	if m.by.in != "" {
		build = append(build, "./"+m.by.in)
		try = append(try, "-test.timeout=5m", "-test.run="+m.by.pattern())
	} else {
		build = append(build, "-tags=sim", simulation)
		try = append(try, "-test.run=^TestSimulation$", "-test.timeout=20m", "-sim.seeds="+strconv.Itoa(w.seeds), "-sim.broken="+m.broken)
	}
	if out, err := command(ctx, "go", build...).CombinedOutput(); err != nil {
		return outcome{why: fmt.Sprintf("it does not compile: %v\n%s", err, out)}
	}
	defer os.Remove(binary)
	var out []byte
	if m.seed != "" {
		out, err = command(ctx, binary, append(slices.Clone(try), "-sim.seed="+m.seed)...).CombinedOutput()
	}
	if m.seed == "" || err == nil {
		out, err = command(ctx, binary, try...).CombinedOutput()
	}
	var exit *exec.ExitError
	switch {
	case err == nil && m.by.in != "":
		return outcome{passed: true, why: "no test fails"}
	case err == nil:
		return outcome{passed: true, why: fmt.Sprintf("%d seeds pass", w.seeds)}
	case ctx.Err() != nil || !errors.As(err, &exit) || !exit.Exited():
		return outcome{why: err.Error()}
	case !strings.Contains(string(out), m.by.says):
		return outcome{why: fmt.Sprintf("what failed does not say %q:\n%s", m.by.says, out)}
	}
	return outcome{found: true, why: m.by.reason(out)}
}

// pattern returns what selects the test, and no other one whose name begins with its name.
func (t tests) pattern() string {
	if t.only == "" {
		return ""
	}
	return "^" + strings.ReplaceAll(t.only, "/", "$/^") + "$"
}

func (e edit) path() string {
	if strings.Contains(e.file, "/") {
		return e.file
	}
	return filepath.Join(folder, e.file)
}

// overlay writes the files of a mutant, and the file that tells the go command of them.
func (m mutant) overlay(dir string) (name string, err error) {
	files := map[string]string{}
	for _, e := range m.edits {
		text, edited := files[e.path()]
		if !edited {
			read, err := os.ReadFile(e.path())
			if err != nil {
				return "", err
			}
			text = string(read)
		}
		if n := strings.Count(text, e.old); n != 1 {
			return "", fmt.Errorf("this is %d times in %s, not once:\n%s", n, e.path(), e.old)
		}
		files[e.path()] = strings.Replace(text, e.old, e.new, 1)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", err
	}
	replace := map[string]string{}
	for file, text := range files {
		from, err := filepath.Abs(file)
		if err != nil {
			return "", err
		}
		replace[from] = filepath.Join(dir, filepath.Base(file))
		if err := os.WriteFile(replace[from], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	name = filepath.Join(dir, "overlay.json")
	return name, os.WriteFile(name, overlay, 0o600)
}

func command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	return cmd
}

var why = [...]*regexp.Regexp{
	regexp.MustCompile(`(?m)seed \d+, turn \d+: .*$`), regexp.MustCompile(`(?m)seed \d+ hangs.*$`), // of the simulation
	regexp.MustCompile(`(?m)--- FAIL: .*$`), // of other tests
}

// reason finds in the output of a test why it failed.
func (t tests) reason(out []byte) string {
	if t.says != "" {
		return string(bytes.TrimSpace(regexp.MustCompile(`.*` + regexp.QuoteMeta(t.says) + `.*`).Find(out)))
	}
	for _, pattern := range why {
		if found := pattern.Find(out); found != nil {
			return string(found)
		}
	}
	lines := strings.SplitN(string(out), "\n", 2)
	return lines[0]
}
