// SPDX-License-Identifier: Apache-2.0

// Package readmetest runs the README: its commands in their order, as a newcomer would type them, with those of the API in JSON behind
// them, and its Go code against the file that it is taken from.
package readmetest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"aeroplane.run/authz/internal/aeroplane/aeroplanetest"
	"aeroplane.run/authz/internal/testservers"
)

func TestMain(m *testing.M) {
	aeroplanetest.Main()
	os.Exit(testservers.Main(m))
}

const (
	documentedAddress = "127.0.0.1:8460"
	documentedFile    = "/var/lib/aeroplane/deploy.db"
	documentedHTTP    = "127.0.0.1:8462"
)

var fence = regexp.MustCompile("(?ms)^```(\\S+)( [^\n]*)?\n(.*?)^```$")

// blocks returns the fenced blocks of a language in a document, each with the note behind it.
func blocks(t *testing.T, document, language string) (found []struct{ note, text string }) {
	t.Helper()
	text, err := os.ReadFile("../../" + document)
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range fence.FindAllStringSubmatch(string(text), -1) {
		if m[1] == language {
			found = append(found, struct{ note, text string }{strings.TrimSpace(m[2]), m[3]})
		}
	}
	if len(found) == 0 {
		t.Fatalf("no %s block in %s: has its layout changed?", language, document)
	}
	return found
}

func TestREADMECommands(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	address, overHTTP, file := freeAddress(t), freeAddress(t), aeroplane(t)
	// Nothing of the installation of whoever runs the tests may be touched.
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AEROPLANE_AUTHZ_") })
	env = append(env,
		"HOME="+t.TempDir(), "XDG_DATA_HOME=",
		"AEROPLANE_AUTHZ_LISTEN="+address, "AEROPLANE_AUTHZ_ADDRESS="+address, "AEROPLANE_AUTHZ_OPS_LISTEN=off",
		"AEROPLANE_AUTHZ_HTTP_LISTEN="+overHTTP,
	)
	for _, name := range []string{"GOMODCACHE", "GOCACHE", "GOPATH"} { // which would follow HOME
		env = append(env, name+"="+goEnv(t, name))
	}

	const start, test = "make run", "make test"
	var script strings.Builder
	script.WriteString("set -eu\n")
	started, tested, refusals := false, false, 0
	for _, b := range append(blocks(t, "README.md", "sh"), apiBlocks(t)...) {
		text := strings.NewReplacer(documentedAddress, address, documentedHTTP, overHTTP, documentedFile, file).Replace(b.text)
		switch {
		case strings.TrimSpace(text) == start:
			started = true
		case strings.TrimSpace(text) == test: // is what runs this
			tested = true
		case b.note == "exit=1":
			refusals++
			fmt.Fprintf(&script, "code=0\n( %s) || code=$?\n[ $code = 1 ] || { echo \"exit $code, want 1\"; exit 99; }\n", text)
		case b.note == "":
			script.WriteString(text)
		default:
			t.Fatalf("a block with the note %q", b.note)
		}
	}
	if !started || !tested || refusals == 0 {
		t.Fatalf("the README lacks %q, %q or a request that is refused", start, test)
	}

	serve(t, root, env)
	cmd := exec.CommandContext(t.Context(), "bash", "-c", script.String())
	cmd.Dir, cmd.Env = root, env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the README's commands: %v\n%s", err, out)
	}
	// What a reader sees: one request that may pass and one that may not, twice, and a refused key; and in JSON a list, a key, and its end.
	for text, times := range map[string]int{
		"This API key is read-only": 2, "Invalid or expired API key": 1, `"allowed": true`: 1, "Web shop": 1,
		"+ project of-aeroplane: ": 1, "http://" + overHTTP + "/authz/#code=": 1,
		`"state":"KEY_STATE_LIVE"`: 1, `"secret":"ap_`: 1, `"nextPageToken":""`: 1, `"alreadyRevoked":false`: 1,
	} {
		if n := bytes.Count(out, []byte(text)); n < times {
			t.Errorf("%q turns up %d times, want %d, in:\n%s", text, n, times, out)
		}
	}
}

// apiBlocks returns the commands of docs/api-access.md that call the API in JSON, which go on from the README's.
func apiBlocks(t *testing.T) []struct{ note, text string } {
	t.Helper()
	all := blocks(t, "docs/api-access.md", "sh")
	first := slices.IndexFunc(all, func(b struct{ note, text string }) bool { return strings.Contains(b.text, "admin.token") })
	if first < 0 {
		t.Fatal("docs/api-access.md does not say where an administrator's token is")
	}
	return all[first:]
}

// aeroplane starts an Aeroplane that has a project, and returns its file.
func aeroplane(t *testing.T) string {
	t.Helper()
	a := aeroplanetest.Start(t)
	a.Project("of-aeroplane", "", "web")
	return a.Path
}

// serve runs `make run` until the test ends.
func serve(t *testing.T, root string, env []string) {
	t.Helper()
	cmd := exec.Command("make", "run")
	var out bytes.Buffer
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = root, env, &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // make, go run and the service end together
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) // as Ctrl-C does
		select {
		case <-ended:
		case <-time.After(20 * time.Second):
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			t.Errorf("the service did not end:\n%s", &out)
		}
		if t.Failed() {
			t.Logf("make run:\n%s", &out)
		}
	})

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // a first build compiles the database
	defer cancel()
	build := exec.CommandContext(ctx, "make", "build")
	build.Dir, build.Env = root, env
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("make build: %v\n%s", err, out)
	}
	for {
		health := exec.CommandContext(ctx, filepath.Join(root, "bin", "aeroplane-authz"), "health")
		health.Env = env
		healthOut, err := health.CombinedOutput()
		if err == nil {
			return
		}
		select {
		case err := <-ended:
			t.Fatalf("make run ended: %v\n%s", err, &out)
		case <-ctx.Done():
			t.Fatalf("never healthy: %s", healthOut)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// The README's Go is in the examples, which build with everything else, in each of them once.
func TestREADMEGateways(t *testing.T) {
	for i, b := range blocks(t, "README.md", "go") {
		examples := []string{"../../examples/gateway/main.go", "../../examples/embedded/main.go"}
		if i >= len(examples) {
			t.Fatalf("from which example is this?\n%s", b.text)
		}
		source, err := os.ReadFile(examples[i])
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(source, []byte(b.text)) {
			t.Errorf("not in %s:\n%s", examples[i], b.text)
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func goEnv(t *testing.T, name string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
