// SPDX-License-Identifier: Apache-2.0

package settings_test

import (
	"bytes"
	"flag"
	"log/slog"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"aeroplane.run/authz/internal/secret"
	"aeroplane.run/authz/internal/settings"
)

var update = flag.Bool("update", false, "write docs/configuration.md")

const everything = settings.Server | settings.Client

// TestTable checks each row for what every reader of the table relies on.
func TestTable(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`^[a-z]+(-[a-z]+)*$`)
	sentence := regexp.MustCompile(`^[A-Z].*[^.]\.$`)
	seen := map[string]bool{}
	for _, s := range settings.Of(everything) {
		if !name.MatchString(s.Name) {
			t.Errorf("%s: a name is words of small letters, joined by hyphens", s.Name)
		}
		if seen[s.Name] {
			t.Errorf("%s is there twice", s.Name)
		}
		seen[s.Name] = true
		if !sentence.MatchString(s.About) {
			t.Errorf("%s: %q is not one sentence", s.Name, s.About)
		}
		if s.Secret() && s.Default != "" {
			t.Errorf("%s: a secret has no default", s.Name)
		}
		if strings.HasSuffix(s.Name, "password") || strings.HasSuffix(s.Name, "token") || strings.HasSuffix(s.Name, "tokens") {
			if !s.Secret() {
				t.Errorf("%s is not marked as a secret", s.Name)
			}
		}
	}
}

// TestTableIsComplete checks that every field of Settings can be set, by exactly one row, and that rows do not share.
func TestTableIsComplete(t *testing.T) {
	t.Parallel()
	fields := reflect.TypeFor[settings.Settings]()
	exported := 0
	for i := range fields.NumField() {
		if fields.Field(i).IsExported() {
			exported++
		}
	}
	var env []string
	for _, s := range settings.Of(everything) {
		env = append(env, s.Env()+"="+other(s))
	}
	if len(env) != exported {
		t.Errorf("the table has %d rows, Settings has %d fields", len(env), exported)
	}
	before := load(t, settings.Sources{Environ: []string{"HOME=/no-home"}})
	after := load(t, settings.Sources{Environ: env})
	for i := range fields.NumField() {
		f := fields.Field(i)
		if f.IsExported() && reflect.DeepEqual(reflect.ValueOf(*before).Field(i).Interface(),
			reflect.ValueOf(*after).Field(i).Interface()) {
			t.Errorf("no row sets %s", f.Name)
		}
	}
}

// other returns a good value that is not the default.
func other(s *settings.Setting) string {
	switch s.Kind() {
	case "true or false":
		return map[string]string{"true": "false", "false": "true"}[s.Default]
	case "number":
		return "77"
	case "duration":
		return "77d"
	}
	if len(s.OneOf) > 0 {
		for _, v := range s.OneOf {
			if v != s.Default {
				return v
			}
		}
	}
	return "other"
}

// TestSecretsAreRedacted prints settings in every way there is.
func TestSecretsAreRedacted(t *testing.T) {
	t.Parallel()
	const marker = "hunter2-marker"
	var env []string
	for _, s := range settings.Of(everything) {
		if s.Secret() {
			env = append(env, s.Env()+"="+marker)
		}
	}
	if len(env) == 0 {
		t.Fatal("the table has no secret")
	}
	v := load(t, settings.Sources{Environ: env})
	if v.PostgresPassword.Reveal() != marker {
		t.Fatal("the marker did not get there")
	}
	for _, s := range settings.Of(everything) {
		if text := s.Text(v); strings.Contains(text, marker) || s.Secret() && text != "[redacted]" {
			t.Errorf("%s prints as %q", s.Name, text)
		}
	}
}

// TestPostgresURLIsRedacted prints URLs that hold a password although they must not, and what is no URL.
func TestPostgresURLIsRedacted(t *testing.T) {
	t.Parallel()
	s, _ := settings.Named("postgres-url")
	for url, want := range map[string]string{
		"":                          "",
		"postgres://u@h:5432/db":    "postgres://u@h:5432/db",
		"postgres://u:hunter2@h/db": "postgres://u:xxxxx@h/db",
		"postgres://h/db?password=hunter2&user=u": "postgres://h/db?password=xxxxx&user=u",
		"postgres://h/db?PASSWORD=hunter2":        "postgres://h/db?PASSWORD=xxxxx",
		"postgres://h/db?sslpassword=hunter2":     "postgres://h/db?sslpassword=xxxxx",
		"postgres://h/db?user=u;password=hunter2": "[redacted]",
		"postgres://u:hunter2@h:port/db":          "[redacted]",
		"postgres:u:hunter2@h/db":                 "[redacted]",
		"host=h password=hunter2":                 "[redacted]",
		"postgres://u:12/hunter2@h/db":            "[redacted]", // a password with a slash, a question mark or a hash
		"postgres://u:12?hunter2@h/db":            "[redacted]",
		"postgres://u:12#hunter2@h/db":            "[redacted]",
		"postgres://h/db#hunter2":                 "[redacted]",
	} {
		v := load(t, settings.Sources{Flags: map[string]string{"postgres-url": url}})
		if got := s.Text(v); got != want {
			t.Errorf("%s prints as %s, want %s", url, got, want)
		}
	}
}

// TestSecretsHaveNoFlag checks that a flag of a secret's name has no effect, should somebody register one.
func TestSecretsHaveNoFlag(t *testing.T) {
	t.Parallel()
	for _, s := range settings.Of(everything) {
		if !s.Secret() {
			continue
		}
		v := load(t, settings.Sources{Flags: map[string]string{s.Name: "shown in the process list"}})
		if text := s.Text(v); text != "" {
			t.Errorf("--%s set the secret", s.Name)
		}
	}
}

// TestDocumentation checks that the page is what the table says. To write it anew: go generate ./internal/settings
func TestDocumentation(t *testing.T) {
	t.Parallel()
	const page = "../../docs/configuration.md"
	var want bytes.Buffer
	if err := settings.Document(&want); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(page, want.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("docs/configuration.md is stale: run go generate ./internal/settings")
	}
	for _, s := range settings.Of(everything) {
		if flag := "`--" + s.Name + "`"; s.Secret() && strings.Contains(want.String(), flag) {
			t.Errorf("the page tells of a flag %s", flag)
		}
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "90d": 90 * 24 * time.Hour, "36h": 36 * time.Hour, "1m30s": 90 * time.Second, "100ms": 100 * time.Millisecond,
	} {
		if got, err := settings.ParseDuration(text); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v, want %v", text, got, err, want)
		}
		if again, err := settings.ParseDuration(settings.FormatDuration(want)); err != nil || again != want {
			t.Errorf("%v prints as %q, which parses as %v, %v", want, settings.FormatDuration(want), again, err)
		}
	}
	for _, text := range []string{"", "d", "-1d", "-1h", "1.5d", "+3d", "90", "1d12h", "1y", "999999999d", "18446744073709551616d"} {
		if got, err := settings.ParseDuration(text); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want an error", text, got)
		}
	}
	for d, want := range map[time.Duration]string{
		24 * time.Hour: "1d", 25 * time.Hour: "25h", 90 * time.Minute: "1h30m", 10 * time.Second: "10s", 0: "0s", 20 * time.Hour: "20h",
	} {
		if got := settings.FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestReadSecret(t *testing.T) {
	t.Parallel()
	path := t.TempDir() + "/secret"
	given := secret.New("given")
	for _, c := range []struct {
		text    string
		mode    os.FileMode
		want    string
		warning bool
		err     string
	}{
		{text: "abc\n", mode: 0o600, want: "abc"},
		{text: " a b \r\n", mode: 0o400, want: " a b "},
		{text: "abc", mode: 0o444, want: "abc", warning: true}, // as container platforms mount them
		{text: "abc", mode: 0o620, err: "chmod go-w"},
		{text: "abc", mode: 0o602, err: "chmod go-w"},
		{text: "\n", mode: 0o600, err: "is empty"},
	} {
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		got, err := settings.ReadSecret(secret.Text{}, path, slog.New(slog.NewTextHandler(&log, nil)))
		warning := log.String()
		if got.Reveal() != c.want || (warning != "") != c.warning || !contains(err, c.err) {
			t.Errorf("%q with mode %o: %q, %q, %v", c.text, c.mode, got.Reveal(), warning, err)
		}
		if err := os.Chmod(path, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := settings.ReadSecret(given, "", nil); got != given || err != nil {
		t.Errorf("without a file: %v, %v", got.Reveal(), err)
	}
	if _, err := settings.ReadSecret(secret.Text{}, path+"x", nil); !contains(err, "secretx does not exist") {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := settings.ReadSecret(secret.Text{}, t.TempDir(), nil); !contains(err, "is a directory") {
		t.Errorf("a directory: %v", err)
	}
}

// contains reports whether err says so; "" wants no error.
func contains(err error, text string) bool {
	if text == "" {
		return err == nil
	}
	return err != nil && strings.Contains(err.Error(), text)
}

func load(t *testing.T, src settings.Sources) *settings.Settings {
	t.Helper()
	v, err := settings.Load(src)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
