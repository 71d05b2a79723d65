// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"aeroplane.run/authz/internal/secret"
)

// set gives the setting a value in v. The error says what is allowed, and repeats no secret.
func (s *Setting) set(v *Settings, text string) error {
	switch field := s.field(v).(type) {
	case *string:
		if len(s.OneOf) > 0 && !slices.Contains(s.OneOf, text) {
			return fmt.Errorf("must be one of %s, not %q", strings.Join(s.OneOf, ", "), text)
		}
		*field = text
	case *bool:
		if text != "true" && text != "false" {
			return fmt.Errorf("must be true or false, not %q", text)
		}
		*field = text == "true"
	case *int:
		least := 1
		if s.fromZero {
			least = 0
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < least {
			return fmt.Errorf("must be a number from %d, not %q", least, text)
		}
		*field = n
	case *time.Duration:
		d, err := ParseDuration(text)
		if err != nil {
			return err
		}
		*field = d
	case *secret.Text:
		*field = secret.New(text)
	default:
		panic("settings: " + s.Name + " has a field of an unknown type")
	}
	return nil
}

func format(field any) string {
	switch field := field.(type) {
	case *string:
		return *field
	case *bool:
		return strconv.FormatBool(*field)
	case *int:
		return strconv.Itoa(*field)
	case *time.Duration:
		return FormatDuration(*field)
	case *secret.Text:
		if field.IsZero() {
			return ""
		}
		return field.String()
	}
	panic("settings: a field of an unknown type")
}

const day = 24 * time.Hour

// ParseDuration parses a length of time such as 90d, 36h or 1m30s: Go's form, and whole days. It is not negative.
func ParseDuration(text string) (time.Duration, error) {
	bad := fmt.Errorf("must be a duration such as 90d, 36h or 1m30s, not %q", text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil {
			return 0, bad
		}
		if n > uint64(1<<63-1)/uint64(day) {
			return 0, errors.New("must be less than 292 years")
		}
		return time.Duration(n) * day, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return 0, bad
	}
	return d, nil
}

// FormatDuration is the inverse of ParseDuration, in its shortest form.
func FormatDuration(d time.Duration) string {
	if d > 0 && d%day == 0 {
		return strconv.FormatInt(int64(d/day), 10) + "d"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
