// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"strings"

	"aeroplane.run/authz/internal/door"
)

// with makes a case of reading the list of projects with some header lines.
func with(name string, lines ...string) Case {
	return Case{Name: name, Line: "GET /api/projects HTTP/1.1", Lines: lines}
}

// sessionPage makes a case of reading what needs a session.
func sessionPage(name string, lines ...string) Case {
	return Case{Name: name, Line: "GET /api/system/api-keys HTTP/1.1", Lines: lines}
}

func credentials() Group {
	return Group{Name: "credentials", Why: "two credentials of which one reader takes the first and another the last",
		Cases: []Case{
			with("Authorization twice, alike", readKey, readKey), with("Authorization twice, the first one bad", "Authorization: Bearer {other}", readKey),
			with("Authorization twice, the last one bad", readKey, "Authorization: Bearer {other}"),
			with("Authorization twice, one empty", "Authorization:", readKey), with("Authorization twice, one Basic", "Authorization: Basic eDp5", readKey),
			with("Authorization joined", "Authorization: Bearer {other}, Bearer {read}"), with("Authorization joined by a comma", "Authorization: Bearer {read},{other}"),
			with("X-API-Key twice, alike", "X-API-Key: {read}", "X-API-Key: {read}"),
			with("X-API-Key twice, the first one bad", "X-API-Key: {other}", "X-API-Key: {read}"),
			with("X-API-Key twice, the last one bad", "X-API-Key: {read}", "X-API-Key: {other}"),
			with("X-API-Key twice, one empty", "X-API-Key:", "X-API-Key: {read}"), with("X-API-Key joined", "X-API-Key: {read}, {other}"),
			with("both, alike", readKey, "X-API-Key: {read}"), with("both, X-API-Key bad", readKey, "X-API-Key: {other}"),
			with("both, Authorization bad", "Authorization: Bearer {other}", "X-API-Key: {read}"),
			with("both, Authorization Basic", "Authorization: Basic eDp5", "X-API-Key: {read}"),
			with("both, of two access levels", "Authorization: Bearer {write}", "X-API-Key: {read}"),
			with("a scheme in capitals", "AUTHORIZATION: BEARER {read}"), with("a scheme in small letters", "authorization: bearer {read}"),
			with("tabs around", "Authorization:\t Bearer\t {read} \t"), with("no blank behind the colon", "Authorization:Bearer {read}"),
			with("a blank before the colon", "Authorization : Bearer {read}"), with("a blank before the name", "X-A: b\r\n Authorization: Bearer {read}"),
			with("a line that goes on", "Authorization: Bearer\r\n {read}"), with("a line that goes on with a second key", readKey+"\r\n ,Bearer {other}"),
			with("a bare line feed", "X-A: b\nAuthorization: Bearer {read}"), with("a bare carriage return", "X-A: b\rAuthorization: Bearer {read}"),
			with("no colon", "Authorization Bearer {read}"), with("no scheme", "Authorization: {read}"), with("another scheme", "Authorization: Token {read}"),
			with("a byte that is no UTF-8 behind the key", readKey+"\xff"), with("a null byte behind the key", readKey+"\x00"),
			with("a byte that is no UTF-8, and no key", "Cookie: a=\xff"), with("a byte that is no UTF-8 beside a key", readKey, "Cookie: a=\xff"),
			with("a control byte in another header", readKey, "X-A: a\x01b"),
			with("Proxy-Authorization", "Proxy-Authorization: Bearer {read}"), with("a key as a cookie", "Cookie: aeroplane_session={read}"),
			{Name: "a key in the query", Line: "GET /api/projects?api_key={other}&access_token={other} HTTP/1.1"},
			with("a bad key beside a session", "Authorization: Bearer {other}", "Cookie: aeroplane_session={session}"),
			sessionPage("Cookie twice, the first one bad", "Cookie: aeroplane_session={other}", "Cookie: aeroplane_session={session}"),
			sessionPage("Cookie twice, the last one bad", "Cookie: aeroplane_session={session}", "Cookie: aeroplane_session={other}"),
			sessionPage("one Cookie, the first one bad", "Cookie: aeroplane_session={other}; aeroplane_session={session}"),
			sessionPage("one Cookie, the first one empty", "Cookie: aeroplane_session=; aeroplane_session={session}"),
			sessionPage("Cookie split", "Cookie: a=b", "Cookie: aeroplane_session={session}"),
			sessionPage("Cookie quoted", `Cookie: aeroplane_session="{session}"`), sessionPage("Cookie with blanks", "Cookie:  a = b ;\taeroplane_session = {session} "),
			sessionPage("Cookie of another case", "Cookie: Aeroplane_Session={session}"), sessionPage("Cookie with a prefix", "Cookie: __Host-aeroplane_session={session}"),
			sessionPage("Cookie in a Cookie", "Cookie: a=\"; aeroplane_session={session}; b=\""), sessionPage("Cookie2", "Cookie2: aeroplane_session={session}"),
		}}
}

// aliases are other names of credentials. The service does not read them; an upstream behind CGI or its heirs does.
func aliases() Group {
	g := Group{Name: "aliases", Why: "another name of a header, which some programs take for it and others do not"}
	for _, name := range []string{"X_API_Key", "X-API_Key", "X.API.Key", "x_api_key", "HTTP_X_API_KEY", "X--API-Key", "XAPIKey", "X-Api-Key\t"} {
		g.Cases = append(g.Cases, with(visible(name)+" alone", name+": {read}"), with(visible(name)+" beside a key", readKey, name+": {other}"))
	}
	for _, name := range []string{"Authorization_", "HTTP_AUTHORIZATION", "Proxy_Authorization", "X-Authorization", "X-Forwarded-Authorization"} {
		g.Cases = append(g.Cases, with(name, name+": Bearer {read}"))
	}
	return g
}

// hops are headers that a client has a proxy drop, by calling them ones for this hop only (RFC 9110, 7.6.1).
func hops() Group {
	g := Group{Name: "hops", Why: "a client names a header in Connection, and a proxy drops it behind the decision, or before"}
	for _, name := range append([]string{"Authorization", "X-API-Key", "Host", "Content-Length", "X-Forwarded-For", "X-Forwarded-Uri", "X-Forwarded-Method",
		"X-Original-URI", "X-Original-Method", "Aeroplane-Gateway-Token"}, door.Names[:]...) {
		g.Cases = append(g.Cases, with(name, readKey, "Connection: "+name))
	}
	g.Cases = append(g.Cases,
		with("X-API-Key that differs", readKey, "X-API-Key: {other}", "Connection: X-API-Key"),
		with("Authorization that is bad", "Authorization: Bearer {other}", "X-API-Key: {read}", "Connection: Authorization"),
		with("Authorization by Proxy-Connection", readKey, "Proxy-Connection: Authorization"),
		with("all identity headers, with close", readKey, "Connection: close, "+strings.Join(door.Names[:], ", ")),
		with("close", readKey, "Connection: close"), with("nothing", readKey, "Connection:"), with("twice", readKey, "Connection: close", "Connection: keep-alive"),
		sessionPage("Cookie", "Cookie: aeroplane_session={session}", "Connection: Cookie"),
	)
	return g
}

func identity() Group {
	// all makes one request with a line for each identity header.
	all := func(name string, line func(name string) string) Case {
		c := with(name, readKey)
		for _, n := range door.Names {
			c.Forged = append(c.Forged, line(n))
		}
		return c
	}
	named := func(change func(string) string) func(string) string {
		return func(n string) string { return change(n) + ": " + forged }
	}
	same := func(n string) string { return n }
	replaced := func(by string) func(string) string {
		return func(n string) string { return strings.ReplaceAll(n, "-", by) }
	}
	g := Group{Name: "identity", Why: "a header that tells the upstream who is calling, made up by the client",
		Cases: []Case{
			all("as they are", named(same)), all("in small letters", named(strings.ToLower)), all("in capitals", named(strings.ToUpper)),
			all("with underscores", named(replaced("_"))), all("with dots", named(replaced("."))), all("in capitals with underscores", func(n string) string {
				return strings.ToUpper(replaced("_")(n)) + ": " + forged
			}),
			all("twice", func(n string) string { return n + ": " + forged + "\r\n" + n + ": " + forged }),
			all("empty", func(n string) string { return n + ":" }), all("as two values", func(n string) string { return n + ": " + forged + ", " + forged }),
			all("a blank before the colon", func(n string) string { return n + " : " + forged }),
			all("a tab before the colon", func(n string) string { return n + "\t: " + forged }),
			all("lines that go on", func(n string) string { return n + ":\r\n " + forged }),
			all("a bare line feed", func(n string) string { return "X-A: b\n" + n + ": " + forged }),
			all("a bare carriage return", func(n string) string { return "X-A: b\r" + n + ": " + forged }),
			all("a prefix of CGI", func(n string) string { return "HTTP_" + strings.ToUpper(replaced("_")(n)) + ": " + forged }),
		}}
	for _, c := range []Case{
		{Name: "on a public page", Line: "GET /" + thing + " HTTP/1.1"}, {Name: "on a public endpoint", Line: "GET /api/health HTTP/1.1"},
		{Name: "on a preflight", Line: "OPTIONS /api/projects HTTP/1.1"}, {Name: "on what may not pass", Line: "GET /api/projects HTTP/1.1"},
	} {
		c.Forged = all("", named(same)).Forged
		g.Cases = append(g.Cases, c)
		c.Name, c.Forged = c.Name+", with underscores", all("", named(replaced("_"))).Forged
		g.Cases = append(g.Cases, c)
	}
	for _, name := range door.Names {
		g.Cases = append(g.Cases, Case{Name: name + " alone", Line: "GET /api/projects HTTP/1.1", Lines: []string{readKey}, Forged: []string{name + ": " + forged}})
	}
	trailers := "0\r\n"
	for _, name := range door.Names {
		trailers += name + ": " + forged + "\r\n"
	}
	return Group{g.Name, g.Why, false, append(g.Cases,
		Case{Name: "in trailers", Line: "PATCH /api/projects/" + thing + " HTTP/1.1", Lines: []string{writeKey, "Transfer-Encoding: chunked"},
			Body: "2\r\n{}\r\n" + trailers + "\r\n"},
		Case{Name: "in trailers that are announced", Line: "PATCH /api/projects/" + thing + " HTTP/1.1",
			Lines: []string{writeKey, "TE: trailers", "Trailer: " + strings.Join(door.Names[:], ", "), "Transfer-Encoding: chunked"},
			Body:  "2\r\n{}\r\n" + trailers + "\r\n"},
	)}
}
