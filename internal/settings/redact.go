// SPDX-License-Identifier: Apache-2.0

package settings

import (
	"net/url"
	"strings"
)

// redacted stands for text that cannot be shown even in part.
const redacted = "[redacted]"

// redactAddresses returns addresses as they are, unless there is more in them than a host and a port: they may have been
// meant to be a URL, with a password in it.
func redactAddresses(text string) string {
	if strings.ContainsAny(text, "@/") {
		return redacted
	}
	return text
}

// redactURL returns a database's URL without the passwords in it, which are refused, but by then may have been printed.
// Of what is no such URL nothing is shown: a password may be anywhere in it. It may even end a URL's host early, with a
// slash, a question mark or a hash; the at-sign is then found behind that.
func redactURL(text string) string {
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" && u.Path == "" || u.Fragment != "" || strings.Contains(u.Path+u.RawQuery, "@") {
		return redacted
	}
	if u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return redacted
	}
	query, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return redacted
	}
	for name := range query {
		if strings.Contains(strings.ToLower(name), "password") {
			query.Set(name, "xxxxx") // as Redacted does
			u.RawQuery = query.Encode()
		}
	}
	return u.Redacted()
}
