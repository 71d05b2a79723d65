// SPDX-License-Identifier: Apache-2.0

package settings_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aeroplane.run/authz/internal/settings"
)

func TestPrecedence(t *testing.T) {
	t.Parallel()
	const env = "AEROPLANE_AUTHZ_LISTEN=from-environment:1"
	file := write(t, `listen = "from-file:1"`)
	flag := map[string]string{"listen": "from-flag:1"}
	for _, c := range []struct {
		src        settings.Sources
		want, from string
	}{
		{settings.Sources{}, "127.0.0.1:8460", "default"},
		{settings.Sources{File: file}, "from-file:1", file},
		{settings.Sources{Environ: []string{"AEROPLANE_AUTHZ_CONFIG=" + file}}, "from-file:1", file},
		{settings.Sources{Environ: []string{"AEROPLANE_AUTHZ_CONFIG=/nowhere"}, File: file}, "from-file:1", file},
		{settings.Sources{File: file, Environ: []string{env}}, "from-environment:1", "AEROPLANE_AUTHZ_LISTEN"},
		{settings.Sources{File: file, Environ: []string{"AEROPLANE_AUTHZ_LISTEN="}}, "from-file:1", file},
		{settings.Sources{File: file, Environ: []string{env}, Flags: flag}, "from-flag:1", "flag"},
		{settings.Sources{Flags: map[string]string{"listen": ""}}, "", "flag"},
	} {
		v := load(t, c.src)
		if v.Listen != c.want || v.From("listen") != c.from {
			t.Errorf("%+v: listen is %q from %q, want %q from %q", c.src, v.Listen, v.From("listen"), c.want, c.from)
		}
	}
}

func TestFile(t *testing.T) {
	t.Parallel()
	v := load(t, settings.Sources{File: write(t, `
		# a comment
		migrate = false
		postgres-max-conns = 7
		retain-audit = "30d"
		admin-tokens = """
ci aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
"""
	`)})
	if v.Migrate || v.PostgresMaxConns != 7 || settings.FormatDuration(v.RetainAudit) != "30d" ||
		!strings.HasPrefix(v.AdminTokens.Reveal(), "ci a") {
		t.Errorf("read as %+v", v)
	}
}

func TestRefusedInput(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ file, env, want string }{
		{env: "AEROPLANE_AUTHZ_LISTN=x", want: "AEROPLANE_AUTHZ_LISTN is no setting; did you mean AEROPLANE_AUTHZ_LISTEN?"},
		{env: "AEROPLANE_AUTHZ_ZZZZZZZZ=x", want: "AEROPLANE_AUTHZ_ZZZZZZZZ is no setting"},
		{env: "AEROPLANE_AUTHZ_MIGRATE=yes", want: `AEROPLANE_AUTHZ_MIGRATE must be true or false, not "yes"`},
		{env: "AEROPLANE_AUTHZ_POSTGRES_MAX_CONNS=0", want: `must be a number from 1, not "0"`},
		{env: "AEROPLANE_AUTHZ_TIMEOUT=10", want: "must be a duration such as 90d, 36h or 1m30s"},
		{env: "AEROPLANE_AUTHZ_LOG_FORMAT=xml", want: `must be one of text, json, not "xml"`},
		{env: "AEROPLANE_AUTHZ_CONFIG=/nowhere.toml", want: "the settings file /nowhere.toml does not exist"},
		{file: `adress = "x:1"`, want: "is no setting; did you mean address?"},
		{file: `listen = 8460`, want: "must be text in quotes"},
		{file: `migrate = "true"`, want: "must be true or false, without quotes"},
		{file: `postgres-max-conns = "7"`, want: "must be a number, without quotes"},
		{file: `log-format = "xml"`, want: "log-format in "},
		{file: "[server]\nlisten = \"x:1\"", want: "server in the settings file"},
		{file: "\n\nlisten", want: "is not TOML at line 3"},
	} {
		src := settings.Sources{Environ: []string{c.env}}
		if c.file != "" {
			src = settings.Sources{File: write(t, c.file)}
		}
		if _, err := settings.Load(src); !contains(err, c.want) {
			t.Errorf("%s%s: %v, want %q", c.env, c.file, err, c.want)
		}
	}
}

// TestErrorsHoldNoSecret reads settings files that are wrong at, before and after a secret.
func TestErrorsHoldNoSecret(t *testing.T) {
	t.Parallel()
	const marker = "hunter2-marker"
	for _, file := range []string{
		`postgres-password = ` + marker,
		`postgres-password = '` + marker,
		`postgres-password = "` + marker + `" trailing`,
		`postgres-password = ["` + marker + `"]`,
		`postgres-password.` + "\n" + marker,
		`token = """` + marker,
		`postgres-passwrd = "` + marker + `"`,
		`token = "\q` + marker + `"`,
	} {
		_, err := settings.Load(settings.Sources{File: write(t, file)})
		if err == nil || strings.Contains(err.Error(), marker) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// TestWritableFileWithSecret refuses a secret that others could have chosen; without one the mode does not matter.
func TestWritableFileWithSecret(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{`listen = "a:1"`: "", `token = "abc"`: "holds a secret"} {
		path := write(t, text)
		if err := os.Chmod(path, 0o664); err != nil {
			t.Fatal(err)
		}
		if _, err := settings.Load(settings.Sources{File: path}); !contains(err, want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

// TestForeignVariables are not ours although they look it: what Kubernetes sets for a Service called aeroplane-authz.
func TestForeignVariables(t *testing.T) {
	t.Parallel()
	for _, ours := range []string{"AEROPLANE_AUTHZ_GRPC_PORT=8460", "AEROPLANE_AUTHZ_REDIS_PORT=6379", "AEROPLANE_AUTHZ_HOST=h"} {
		if _, err := settings.Load(settings.Sources{Environ: []string{ours}}); !contains(err, "is no setting") {
			t.Errorf("%s: %v", ours, err)
		}
	}
	load(t, settings.Sources{Environ: []string{
		"AEROPLANE_AUTHZ_SERVICE_HOST=10.0.0.1",
		"AEROPLANE_AUTHZ_SERVICE_PORT=8460",
		"AEROPLANE_AUTHZ_SERVICE_PORT_GRPC=8460",
		"AEROPLANE_AUTHZ_PORT=tcp://10.0.0.1:8460",
		"AEROPLANE_AUTHZ_PORT_8460_TCP=tcp://10.0.0.1:8460",
		"AEROPLANE_AUTHZ_PORT_8460_TCP_ADDR=10.0.0.1",
		"AEROPLANE_AUTHZ_REDIS_SERVICE_HOST=10.0.0.2", // and for one called aeroplane-authz-redis
		"AEROPLANE_AUTHZ_REDIS_PORT=tcp://10.0.0.2:6379",
		"AEROPLANE_AUTHZ_REDIS_PORT_6379_TCP_PROTO=tcp",
		"AEROPLANE_AUTHZ_TEST_REQUIRE=1",
		"OTHER=1",
	}})
}

func TestDefaultDataDir(t *testing.T) {
	t.Parallel()
	home := t.TempDir()
	for _, c := range []struct {
		environ []string
		want    string
	}{
		{[]string{"HOME=" + home, "XDG_DATA_HOME=/data"}, "/data/aeroplane-authz"},
		{[]string{"HOME=" + home, "XDG_DATA_HOME=data"}, home + "/.local/share/aeroplane-authz"},
		{[]string{"HOME=" + home}, home + "/.local/share/aeroplane-authz"},
		{[]string{"HOME=/no-home"}, "/var/lib/aeroplane-authz"},
		{nil, "/var/lib/aeroplane-authz"},
	} {
		if got := load(t, settings.Sources{Environ: c.environ}).DataDir; got != c.want {
			t.Errorf("%v: %q, want %q", c.environ, got, c.want)
		}
	}
}

func write(t *testing.T, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "settings.toml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
