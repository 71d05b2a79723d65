// SPDX-License-Identifier: Apache-2.0

package checkup

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"strings"
	"time"

	"aeroplane.run/authz/internal/settings"
)

const (
	correct   = "Correct it: `aeroplane-authz settings print` says where each setting comes from, and docs/configuration.md what is refused."
	asService = "Run this as the user of the service, or as root; if it was, let the user of the service read it."
	// soon is how long before its end a certificate is worth a warning.
	soon = 14 * 24 * time.Hour
)

// checkSettings reads what the service would read at its start.
func checkSettings(ctx context.Context, x *examination) (all []Finding) {
	faults := x.Settings.Faults(ctx, x.lookup)
	for _, err := range faults {
		all = append(all, fault(correct, "%v", err))
	}
	if len(faults) == 0 {
		all = append(all, good("they do not contradict each other"))
	}
	all = append(all, x.dangers()...)
	for _, part := range x.Parts {
		is, err := part.Load()
		switch {
		case errors.Is(err, fs.ErrPermission):
			all = append(all, fault(asService, "%s", oneLine(err.Error())))
		case err != nil:
			all = append(all, fault(part.Do, "%s", oneLine(err.Error())))
		case is != "":
			all = append(all, good("%s", is))
		}
	}
	v := x.Settings
	all = append(all, x.certificate("tls-cert", v.TLSCert, v.TLSKey)...)
	return append(all, x.certificate("redis-tls-cert", v.RedisTLSCert, v.RedisTLSKey)...)
}

// dangers warns of what was allowed although it is dangerous.
func (x *examination) dangers() (all []Finding) {
	for _, s := range settings.Of(settings.Server | settings.Client) {
		if strings.HasPrefix(s.Name, "insecure-") && s.Text(x.Settings) == "true" {
			all = append(all, warning("Take it away unless the network in between is yours alone.", "%s is set, by %s: %s",
				s.Name, x.Settings.From(s.Name), strings.TrimSuffix(strings.TrimPrefix(s.About, "DANGEROUS: "), ".")))
		}
	}
	return all
}

// certificate looks at a certificate, its key and its dates. That one is set without the other is told already.
func (x *examination) certificate(name, certFile, keyFile string) []Finding {
	if certFile == "" || keyFile == "" {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return []Finding{fault("Put a certificate and its own key there, in PEM, which the user of the service may read.",
			"the certificate %s with the key %s cannot be used: %v", certFile, keyFile, err)}
	}
	now, end := x.Now(), pair.Leaf.NotAfter
	for _, der := range pair.Certificate[1:] { // whoever issued it must not expire before either
		if issuer, err := x509.ParseCertificate(der); err == nil && issuer.NotAfter.Before(end) {
			end = issuer.NotAfter
		}
	}
	const renew = "Renew it; the service reads the files again when they change."
	switch {
	case now.Before(pair.Leaf.NotBefore):
		return []Finding{fault("Wait, take another, or set the clock of this machine right.", "the certificate %s is good from %s on only", certFile, day(pair.Leaf.NotBefore))}
	case now.After(end):
		return []Finding{fault(renew, "the certificate %s expired at %s", certFile, day(end))}
	case now.Add(soon).After(end):
		return []Finding{warning(renew, "the certificate %s expires soon, at %s", certFile, day(end))}
	}
	return []Finding{good("%s is good until %s", name, day(end))}
}

func day(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// oneLine makes one line of an error that has several.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
