// SPDX-License-Identifier: Apache-2.0

// Package settings is the one table of everything that can be set: its name, flag and environment variable, its
// default, whether it is a secret, and one sentence. Reading, checking, printing and documenting all go by that table.
//
// A flag wins over the environment, the environment over the settings file, the file over the default. What the table
// does not know is an error, and so is what contradicts itself: CheckServer and CheckClient refuse whatever would run
// less safely than it looks. Secrets have no flag, because flags show in the process list.
package settings

import (
	"strings"
	"time"

	"aeroplane.run/authz/internal/secret"
)

// Prefix begins the name of every environment variable that is a setting.
const Prefix = "AEROPLANE_AUTHZ_"

// Settings are the values in force.
type Settings struct {
	Listen  string
	DataDir string

	HTTPListen               string
	HTTPPeers                string
	HTTPURL                  string
	ExtAuthzRemoveCredential bool

	PostgresURL              string
	PostgresPassword         secret.Text
	PostgresPasswordFile     string
	PostgresMaxConns         int
	PostgresStatementTimeout time.Duration
	PostgresRequireStandby   bool
	Lease                    time.Duration
	Migrate                  bool

	Redis              string
	RedisMode          string
	RedisMaster        string
	RedisUser          string
	RedisPassword      secret.Text
	RedisPasswordFile  string
	RedisDB            int
	RedisTLS           bool
	RedisTLSCA         string
	RedisTLSCert       string
	RedisTLSKey        string
	RedisTLSServerName string
	RedisEntryKeys     secret.Text
	RedisEntryKeysFile string

	AeroplaneFile string

	Routes string

	TLSCert           string
	TLSKey            string
	InsecurePlaintext bool

	AdminTokens       secret.Text
	AdminTokensFile   string
	GatewayTokens     secret.Text
	GatewayTokensFile string

	RetainAudit      time.Duration
	RetainKeys       time.Duration
	RetainSessions   time.Duration
	RetainRequestIDs time.Duration

	OpsListen   string
	InsecureOps bool

	LogLevel      string
	LogFormat     string
	ShutdownGrace time.Duration

	Address       string
	Token         secret.Text
	TokenFile     string
	TLS           bool
	TLSCA         string
	TLSServerName string
	Timeout       time.Duration
	ActingUser    string
	Output        string
	Key           secret.Text
	Session       secret.Text

	from     map[string]string // where the value of each setting comes from, by name
	warnings []string
}

// Warnings are what a log should tell about where the settings come from.
func (s *Settings) Warnings() []string { return s.warnings }

// From says where the value of a setting comes from: "flag", the name of a variable, the path of a file, or "default".
func (s *Settings) From(name string) string { return s.from[name] }

// A Setting is one row of the table.
type Setting struct {
	Name    string
	Uses    Group
	Default string
	OneOf   []string // if not empty, the only values
	About   string   // one sentence
	// defaultAbout tells of a default that depends on where the program runs.
	defaultAbout string
	fromZero     bool                // a number may be 0, which it may not be otherwise
	field        func(*Settings) any // a pointer to its value
	redact       func(string) string // makes a value fit to be seen; nil: it is
}

// A Group is which half of the program a setting is for.
type Group uint8

// The groups. A setting may be in both.
const (
	Server Group = 1 << iota
	Client
)

// Env returns the name of the setting's environment variable.
func (s *Setting) Env() string {
	return Prefix + strings.ToUpper(strings.ReplaceAll(s.Name, "-", "_"))
}

// Secret reports whether the value is a secret. A secret has no flag.
func (s *Setting) Secret() bool {
	_, ok := s.field(new(Settings)).(*secret.Text)
	return ok
}

// Switch reports whether the setting is true or false.
func (s *Setting) Switch() bool {
	_, ok := s.field(new(Settings)).(*bool)
	return ok
}

// Kind says what a value looks like, in a word or two.
func (s *Setting) Kind() string {
	switch s.field(new(Settings)).(type) {
	case *bool:
		return "true or false"
	case *int:
		return "number"
	case *time.Duration:
		return "duration"
	case *secret.Text:
		return "secret"
	}
	if len(s.OneOf) > 0 {
		return strings.Join(s.OneOf, ", ")
	}
	return "text"
}

// Text returns the setting's value in v, as a person writes it. A secret is redacted, and so is a password in a URL.
func (s *Setting) Text(v *Settings) string {
	text := format(s.field(v))
	if s.redact != nil {
		return s.redact(text)
	}
	return text
}

// Named returns the setting of that name.
func Named(name string) (*Setting, bool) {
	for i := range table {
		if table[i].Name == name {
			return &table[i], true
		}
	}
	return nil, false
}

// Of returns the settings of a group, in the order of the table.
func Of(g Group) []*Setting {
	var all []*Setting
	for i := range table {
		if table[i].Uses&g != 0 {
			all = append(all, &table[i])
		}
	}
	return all
}

func names() []string {
	all := make([]string, len(table))
	for i := range table {
		all[i] = table[i].Name
	}
	return all
}
