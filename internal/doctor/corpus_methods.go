// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"net/http"
	"strings"

	"aeroplane.run/authz/internal/door"
)

func methods() Group {
	g := Group{Name: "methods", Why: "a method that one reader takes for a harmless one, and another obeys"}
	for _, m := range []string{"get", "Get", "gET", "delete", "TRACE", "TRACK", "CONNECT", "PROPFIND", "MKCOL", "LINK", "PURGE", "QUERY", "UNKNOWN",
		"GET\x00", "G%45T", "GET,DELETE", "*", ""} {
		name := visible(m)
		if m == "" {
			name = "none"
		}
		g.Cases = append(g.Cases, Case{Name: name, Line: m + " /api/projects/" + thing + " HTTP/1.1", Lines: []string{readKey}})
	}
	for _, m := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		g.Cases = append(g.Cases, Case{Name: m + " with a read key", Line: m + " /api/projects/" + thing + " HTTP/1.1",
			Lines: []string{readKey, noBody}})
	}
	g.Cases = append(g.Cases,
		Case{Name: "CONNECT to an authority", Line: "CONNECT {host} HTTP/1.1", Lines: []string{readKey}},
		Case{Name: "OPTIONS of everything", Line: "OPTIONS * HTTP/1.1"},
		Case{Name: "OPTIONS with a body", Line: "OPTIONS /api/projects HTTP/1.1", Lines: []string{"Content-Length: {len}"}, Body: "{}"},
		Case{Name: "HTTP/1.0", Line: "GET /api/projects HTTP/1.0", Lines: []string{readKey}},
		Case{Name: "HTTP/1.0 that writes", Line: "DELETE /api/projects/" + thing + " HTTP/1.0", Lines: []string{readKey}},
		Case{Name: "HTTP/0.9", Line: "GET /api/system/settings?{id}"},
		Case{Name: "HTTP/1.2", Line: "GET /api/projects HTTP/1.2", Lines: []string{readKey}},
		Case{Name: "HTTP/2.0 in HTTP/1", Line: "GET /api/projects HTTP/2.0", Lines: []string{readKey}},
		Case{Name: "the version in small letters", Line: "GET /api/projects http/1.1", Lines: []string{readKey}},
	)
	return g
}

// overrides are headers by which some programs let a request be another one. That the service allows the request is no help if
// the upstream obeys them, and one that the gateway itself obeys decides about the wrong request.
func overrides() Group {
	g := Group{Name: "overrides", Why: "a header that makes another request of this one, for whoever obeys it"}
	for _, lower := range door.OtherMethods {
		name := http.CanonicalHeaderKey(lower)
		g.Cases = append(g.Cases,
			Case{Name: name + " on what may pass", Line: "GET /api/projects HTTP/1.1", Lines: []string{readKey}, Forged: []string{name + ": DELETE"}},
			Case{Name: name + " on what may not", Line: "DELETE /api/projects/" + thing + " HTTP/1.1", Lines: []string{readKey},
				Forged: []string{name + ": GET"}})
	}
	for _, lower := range door.OtherTargets {
		name := http.CanonicalHeaderKey(lower)
		g.Cases = append(g.Cases,
			Case{Name: name + " on what may pass", Line: "GET /api/health HTTP/1.1", Forged: []string{name + ": /api/system/settings"}},
			Case{Name: name + " on what may not", Line: "GET /api/system/settings HTTP/1.1", Forged: []string{name + ": /api/health"}})
	}
	g.Cases = append(g.Cases,
		Case{Name: "aliases of what a proxy tells", Line: "DELETE /api/projects/" + thing + " HTTP/1.1", Lines: []string{readKey},
			Forged: []string{"X_Forwarded_Method: GET", "X_Original_Method: GET", "X.Forwarded.Method: GET"}},
		Case{Name: "aliases of where a proxy was", Line: "GET /api/system/settings HTTP/1.1",
			Forged: []string{"X_Forwarded_Uri: /api/health", "X_Original_URI: /api/health", "X.Original.URI: /api/health"}},
		Case{Name: "the method as a parameter", Line: "POST /api/projects/" + thing + "?_method=GET HTTP/1.1", Lines: []string{readKey, noBody}},
	)
	return g
}

func forwarded() Group {
	g := Group{Name: "forwarded", Why: "what a client says of who it is and where it came in, believed because a proxy usually says it"}
	for _, line := range []string{
		"X-Forwarded-For: " + forgedAddress, "X-Forwarded-Host: " + forged + ".invalid", "X-Forwarded-Proto: " + forged,
		"X-Forwarded-Port: 6666", "X-Forwarded-Server: " + forged, "X-Real-IP: " + forgedAddress, "True-Client-IP: " + forgedAddress,
		"Client-IP: " + forgedAddress, "CF-Connecting-IP: " + forgedAddress, "X-Forwarded-User: " + forged, "X-Remote-User: " + forged,
		"X-Forwarded-Client-Cert: " + forged, "Forwarded: for=" + forgedAddress + ";host=" + forged + ".invalid;proto=https",
	} {
		name, _, _ := strings.Cut(line, ": ")
		g.Cases = append(g.Cases, Case{Name: name, Line: "GET /api/projects HTTP/1.1", Lines: []string{readKey}, Forged: []string{line}})
	}
	g.Cases = append(g.Cases,
		Case{Name: "from this machine", Line: "GET /api/system/settings HTTP/1.1",
			Forged: []string{"X-Forwarded-For: 127.0.0.1", "X-Real-IP: 127.0.0.1", "Forwarded: for=127.0.0.1"}},
		Case{Name: "the door's own headers, on what may not pass", Line: "GET /api/system/settings HTTP/1.1",
			Forged: []string{"Aeroplane-Gateway-Token: " + forged, "Aeroplane-Status: 200", "Aeroplane-Error: " + forged}},
		Case{Name: "the door's own headers, on what may", Line: "GET /api/projects HTTP/1.1", Lines: []string{readKey},
			Forged: []string{"Aeroplane-Gateway-Token: " + forged}},
	)
	return g
}

func hosts() Group {
	return Group{Name: "hosts", Why: "a request with two hosts or none is for whoever reads it",
		Cases: []Case{
			{Name: "two different", Line: "GET /api/system/settings HTTP/1.1", NoHost: true, Lines: []string{"Host: {host}", "Host: other.invalid"}},
			{Name: "two alike", Line: "GET /api/projects HTTP/1.1", NoHost: true, Lines: []string{"Host: {host}", "Host: {host}", readKey}},
			{Name: "none", Line: "GET /api/projects HTTP/1.1", NoHost: true, Lines: []string{readKey}},
			{Name: "an empty one", Line: "GET /api/projects HTTP/1.1", NoHost: true, Lines: []string{"Host:", readKey}},
			{Name: "none in HTTP/1.0", Line: "GET /api/system/settings HTTP/1.0", NoHost: true},
			{Name: "one with a path", Line: "GET /system/settings HTTP/1.1", NoHost: true, Lines: []string{"Host: {host}/api"}},
			{Name: "one with a user", Line: "GET /api/system/settings HTTP/1.1", NoHost: true, Lines: []string{"Host: x@{host}"}},
			{Name: "one that is unknown", Line: "GET /api/system/settings HTTP/1.1", NoHost: true, Lines: []string{"Host: other.invalid"}},
			{Name: "this machine", Line: "GET /api/system/settings HTTP/1.1", NoHost: true, Lines: []string{"Host: localhost"}},
			{Name: "a line that goes on", Line: "GET /api/system/settings HTTP/1.1", NoHost: true, Lines: []string{"Host: {host}\r\n .other.invalid"}},
			{Name: "a blank before the colon", Line: "GET /api/system/settings HTTP/1.1", NoHost: true, Lines: []string{"Host : {host}"}},
			{Name: "the absolute form of another", Line: "GET http://other.invalid/api/system/settings HTTP/1.1",
				Reads: "/api/system/settings"},
		}}
}
