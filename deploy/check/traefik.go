// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// traefikStatic and traefikDynamic are what the sample uses of Traefik's configuration, in the names that its reference documents. Any other name
// is an error.
type traefikStatic struct {
	EntryPoints map[string]struct {
		Address          string `yaml:"address"`
		ForwardedHeaders struct {
			Insecure   bool     `yaml:"insecure"`
			TrustedIPs []string `yaml:"trustedIPs"`
		} `yaml:"forwardedHeaders"`
		HTTP struct {
			SanitizePath         *bool  `yaml:"sanitizePath"`
			AliasHeadersStrategy string `yaml:"aliasHeadersStrategy"`
			MaxHeaderBytes       int    `yaml:"maxHeaderBytes"`
		} `yaml:"http"`
		Transport struct {
			RespondingTimeouts struct {
				ReadTimeout string `yaml:"readTimeout"`
				IdleTimeout string `yaml:"idleTimeout"`
			} `yaml:"respondingTimeouts"`
		} `yaml:"transport"`
	} `yaml:"entryPoints"`
	Providers struct {
		File struct {
			Filename string `yaml:"filename"`
			Watch    bool   `yaml:"watch"`
		} `yaml:"file"`
	} `yaml:"providers"`
	API struct {
		Dashboard bool `yaml:"dashboard"`
		Insecure  bool `yaml:"insecure"`
	} `yaml:"api"`
}

type traefikDynamic struct {
	HTTP struct {
		Routers map[string]struct {
			EntryPoints []string `yaml:"entryPoints"`
			Rule        string   `yaml:"rule"`
			Middlewares []string `yaml:"middlewares"`
			Service     string   `yaml:"service"`
		} `yaml:"routers"`
		Middlewares map[string]struct {
			Headers *struct {
				CustomRequestHeaders map[string]string `yaml:"customRequestHeaders"`
			} `yaml:"headers"`
			ForwardAuth *forwardAuth `yaml:"forwardAuth"`
		} `yaml:"middlewares"`
		Services map[string]struct {
			LoadBalancer struct {
				PassHostHeader bool `yaml:"passHostHeader"`
				Servers        []struct {
					URL string `yaml:"url"`
				} `yaml:"servers"`
				ResponseForwarding struct {
					FlushInterval string `yaml:"flushInterval"`
				} `yaml:"responseForwarding"`
			} `yaml:"loadBalancer"`
		} `yaml:"services"`
	} `yaml:"http"`
}

type forwardAuth struct {
	Address             string   `yaml:"address"`
	MaxResponseBodySize int64    `yaml:"maxResponseBodySize"`
	TrustForwardHeader  *bool    `yaml:"trustForwardHeader"`
	AuthRequestHeaders  []string `yaml:"authRequestHeaders"`
	AuthResponseHeaders []string `yaml:"authResponseHeaders"`
}

// identityHeaders are those that the service sets, by their last words.
var identityHeaders = []string{"Caller", "Key", "User", "Role", "Access", "Project", "Projects", "Transfer"}

// checkTraefik reads the two files of a Traefik configuration, and looks for what the sample promises.
func checkTraefik(path string) (complaints []string, err error) {
	var static traefikStatic
	if err := readYAML(path, &static); err != nil {
		return nil, err
	}
	var dynamic traefikDynamic
	if err := readYAML(filepath.Join(filepath.Dir(path), static.Providers.File.Filename), &dynamic); err != nil {
		return nil, err
	}
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	for name, e := range static.EntryPoints {
		if !strings.HasPrefix(e.Address, "127.0.0.1:") {
			complain("entry point %s: %s is not loopback", name, e.Address)
		}
		if e.ForwardedHeaders.Insecure || len(e.ForwardedHeaders.TrustedIPs) > 0 {
			complain("entry point %s: the client's forwarding headers are believed", name)
		}
		if e.HTTP.SanitizePath == nil || *e.HTTP.SanitizePath {
			complain("entry point %s: paths are changed before the service is asked", name)
		}
		if s := e.HTTP.AliasHeadersStrategy; s != "delete" && s != "reject" {
			complain("entry point %s: headers that pass for others are passed on", name)
		}
		if e.Transport.RespondingTimeouts.ReadTimeout == "" {
			complain("entry point %s: slow requests are waited for", name)
		}
	}
	if static.API.Dashboard || static.API.Insecure {
		complain("the API is open")
	}
	return append(complaints, dynamic.check()...), nil
}

func (d *traefikDynamic) check() (complaints []string) {
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	asks := 0
	for name, r := range d.HTTP.Routers {
		set := map[string]string{"connection": "the client's"}
		for i, m := range r.Middlewares {
			if h := d.HTTP.Middlewares[m].Headers; h != nil {
				for header, value := range h.CustomRequestHeaders {
					set[strings.ToLower(header)] = value
				}
			}
			f := d.HTTP.Middlewares[m].ForwardAuth
			if f == nil {
				continue
			}
			if asks++; i != len(r.Middlewares)-1 {
				complain("router %s: something comes after the question", name)
			}
			complaints = append(complaints, f.check()...)
		}
		if c := set["connection"]; c != "" && c != "Upgrade" {
			complain("router %s: the client says which headers are dropped on the way", name)
		}
	}
	if asks != len(d.HTTP.Routers) {
		complain("%d of %d routers ask", asks, len(d.HTTP.Routers))
	}
	return complaints
}

func (f *forwardAuth) check() (complaints []string) {
	if !strings.HasSuffix(f.Address, "/forward-auth/traefik") {
		complaints = append(complaints, "the question is not Traefik's own")
	}
	if f.TrustForwardHeader == nil || *f.TrustForwardHeader {
		complaints = append(complaints, "some or all of the client's forwarding headers are believed")
	}
	if f.MaxResponseBodySize <= 0 {
		complaints = append(complaints, "answers of any length are taken")
	}
	if !slices.Equal(f.AuthRequestHeaders, []string{"Authorization", "X-API-Key", "Cookie"}) {
		complaints = append(complaints, "other headers than the three are asked with")
	}
	var names []string
	for _, name := range identityHeaders {
		names = append(names, "Aeroplane-"+name)
	}
	if !slices.Equal(f.AuthResponseHeaders, names) {
		complaints = append(complaints, "the upstream is not told all of who is calling")
	}
	return complaints
}

func readYAML(path string, into any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", filepath.Base(path), err)
	}
	return nil
}
