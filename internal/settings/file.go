// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"

	"aeroplane.run/authz/internal/secret"
)

// readFile reads a settings file: flat TOML, the keys being the names of settings.
func (v *Settings) readFile(path string) (map[string]string, error) {
	if path == "" {
		return nil, nil
	}
	text, mode, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("the settings file %w", err)
	}
	var raw map[string]any
	if _, err := toml.Decode(text, &raw); err != nil {
		// The library's own words may quote the line, and the line may hold a secret.
		var syntax toml.ParseError
		if errors.As(err, &syntax) {
			if s, ok := Named(syntax.LastKey); ok && strings.HasSuffix(syntax.Message, "has already been defined.") {
				return nil, fmt.Errorf("the settings file %s sets %s again at line %d: keep one of the two", path, s.Name,
					syntax.Position.Line)
			}
			return nil, fmt.Errorf("the settings file %s is not TOML at line %d: a line is name = \"text\", "+
				"name = true or name = 12", path, syntax.Position.Line)
		}
		return nil, fmt.Errorf("the settings file %s is not TOML", path)
	}
	values, secrets := make(map[string]string), false
	for name, value := range raw {
		s, ok := Named(name)
		if !ok {
			return nil, fmt.Errorf("%s in the settings file %s is no setting%s", name, path, didYouMean(name, names()))
		}
		secrets = secrets || s.Secret()
		text, want, ok := s.fromTOML(value)
		if !ok {
			return nil, fmt.Errorf("%s in the settings file %s must be %s", name, path, want)
		}
		values[name] = text
	}
	if !secrets {
		return values, nil
	}
	warning, err := judge(path, mode)
	if err != nil {
		return nil, fmt.Errorf("the settings file %w", err)
	}
	if warning != "" {
		v.warnings = append(v.warnings, "the settings file "+warning)
	}
	return values, nil
}

// fromTOML returns a value as text if it is of the type that the setting wants: true is not "true".
func (s *Setting) fromTOML(value any) (text, want string, ok bool) {
	switch s.field(new(Settings)).(type) {
	case *bool:
		b, ok := value.(bool)
		return strconv.FormatBool(b), "true or false, without quotes", ok
	case *int:
		n, ok := value.(int64)
		return strconv.FormatInt(n, 10), "a number, without quotes", ok
	}
	text, ok = value.(string)
	return text, "text in quotes", ok
}

// A file with a secret must not be writable by others than its owner, who would choose the secret. That others can
// read it is worth a warning only: it is how container platforms mount secrets.
const (
	writable os.FileMode = 0o022
	readable os.FileMode = 0o044
)

// judge says whether a file of that mode may hold a secret, and what the log should tell about it.
func judge(path string, mode os.FileMode) (warning string, err error) {
	switch {
	case mode&writable != 0:
		return "", fmt.Errorf("%s holds a secret, and others than its owner may write it: run chmod go-w %s", path, path)
	case mode&readable != 0:
		warning = path + " holds a secret, and others than its owner may read it"
	}
	return warning, nil
}

// ReadSecret returns a secret that is either given or in a file, or nothing when there is neither. The log is told of a
// file that others may read.
func ReadSecret(given secret.Text, path string, log *slog.Logger) (secret.Text, error) {
	if path == "" {
		return given, nil
	}
	text, mode, err := read(path)
	if err != nil {
		return secret.Text{}, err
	}
	warning, err := judge(path, mode)
	switch {
	case err != nil:
		return secret.Text{}, err
	case strings.TrimSpace(text) == "":
		return secret.Text{}, fmt.Errorf("%s is empty", path)
	case warning != "":
		log.Warn(warning)
	}
	return secret.New(strings.TrimRight(text, "\r\n")), nil
}

// maxFile bounds what is read of a file.
const maxFile = 1 << 20

// read reads a small file. Its errors begin with the path, and say the rest in words.
func read(path string) (text string, mode os.FileMode, err error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return "", 0, fmt.Errorf("%s does not exist", path)
	}
	if err != nil {
		return "", 0, fmt.Errorf("%s cannot be read: %w", path, errors.Unwrap(err))
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return "", 0, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	if info.IsDir() {
		return "", 0, fmt.Errorf("%s is a directory", path)
	}
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	switch {
	case err != nil:
		return "", 0, fmt.Errorf("%s cannot be read: %w", path, err)
	case len(raw) > maxFile:
		return "", 0, fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return string(raw), info.Mode().Perm(), nil
}
