// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"strconv"
	"strings"
)

// A Group is cases that try one idea.
type Group struct {
	Name string
	Why  string // what goes wrong where such a request is read in two ways
	// Control: plain requests, which have to be treated exactly as documented.
	Control bool
	Cases   []Case
}

// A Case is one request, written as it is sent but for these words:
//
//	{host}   the authority of the gateway's URL
//	{id}     what this request is recognised by, wherever it arrives
//	{read}   a key that reads, {write} one that writes too, {session} the token of a session; {other} looks like a key
//	{len}    the length of the body
//	{inner}  a second request, which the service refuses; {hex} is its length in hexadecimal digits
//
// Every request is inert: it asks for a thing called aeroplane-authz-doctor, which does not exist, or only reads.
type Case struct {
	Name string
	Line string // the request line
	// Lines are header lines, beside Host and User-Agent.
	Lines []string
	// Forged are more header lines, which no upstream should see as they are.
	Forged []string
	Body   string
	// Reads is the target that HTTP itself has a recipient read, where it is not the one in Line.
	Reads string
	// NoHost: the case has Host lines of its own, or none.
	NoHost bool
}

// thing is what write requests are about.
const thing = "aeroplane-authz-doctor"

// The marks of values that the doctor made up. The address is one for documentation.
const (
	forged        = "forged-by-doctor"
	forgedAddress = "203.0.113.66"
)

// filler is a header line that stands before another one, to hide it.
var filler = Line{"X-A", "b"}

// Header lines that many cases have.
const (
	readKey  = "Authorization: Bearer {read}"
	writeKey = "Authorization: Bearer {write}"
	noBody   = "Content-Length: 0"
)

// Corpus returns all cases. The control group comes first.
func Corpus() []Group {
	return []Group{control(), paths(), hidden(), methods(), overrides(), credentials(), aliases(), hops(), identity(), forwarded(),
		framing(), lengths(), tunnels(), hosts(), limits()}
}

func control() Group {
	return Group{
		Name: "control", Control: true, Why: "plain requests: if these go wrong, the gateway does not ask the service as it should",
		Cases: []Case{
			{Name: "a key that may read", Line: "GET /api/projects HTTP/1.1", Lines: []string{readKey}},
			{Name: "the same without a key", Line: "GET /api/projects HTTP/1.1"},
			{Name: "a key in X-API-Key", Line: "GET /api/projects?page=2&q=a%20b HTTP/1.1", Lines: []string{"X-API-Key: {read}"}},
			{Name: "a key that is not known", Line: "GET /api/projects HTTP/1.1", Lines: []string{"Authorization: Bearer {other}"}},
			{Name: "HEAD", Line: "HEAD /api/projects HTTP/1.1", Lines: []string{readKey}},
			{Name: "a key that may write", Line: "PATCH /api/projects/" + thing + " HTTP/1.1",
				Lines: []string{writeKey, "Content-Type: application/json", "Content-Length: {len}"}, Body: "{}"},
			{Name: "a read key that writes", Line: "PATCH /api/projects/" + thing + " HTTP/1.1",
				Lines: []string{readKey, "Content-Type: application/json", "Content-Length: {len}"}, Body: "{}"},
			{Name: "a read key that deletes", Line: "DELETE /api/projects/" + thing + " HTTP/1.1", Lines: []string{readKey}},
			{Name: "a key where a session is needed", Line: "GET /api/system/api-keys HTTP/1.1", Lines: []string{readKey}},
			{Name: "a session", Line: "GET /api/system/api-keys HTTP/1.1", Lines: []string{"Cookie: a=b; aeroplane_session={session}"}},
			{Name: "a transfer whose body names a project", Line: "POST /api/services/" + thing + "/transfer HTTP/1.1",
				Lines: []string{readKey, "Content-Type: application/json", "Content-Length: {len}"}, Body: `{"projectId":"` + thing + `"}`},
			{Name: "a public page", Line: "GET /" + thing + " HTTP/1.1"},
			{Name: "a public endpoint", Line: "GET /api/health HTTP/1.1"},
			{Name: "a preflight", Line: "OPTIONS /api/projects HTTP/1.1",
				Lines: []string{"Origin: http://{host}", "Access-Control-Request-Method: GET"}},
		},
	}
}

// The words of one request.
type words struct{ host, id, read, write, session string }

// other has the form of a key, but for its checksum, and was never made.
var other = "ap_" + strings.Repeat("0", 16) + "_" + strings.Repeat("0", 49)

// needsSession reports whether a case cannot be sent without a session.
func (c *Case) needsSession() bool { return strings.Contains(strings.Join(c.Lines, "\n"), "{session}") }

// bytes is the request as it is sent, and forged its forged lines.
func (c *Case) bytes(w words) (request []byte, forged []Line) {
	plain := strings.NewReplacer("{host}", w.host, "{id}", w.id, "{read}", w.read, "{write}", w.write, "{session}", w.session, "{other}", other)
	inner := plain.Replace("GET /api/system/settings?{id} HTTP/1.1\r\nHost: {host}\r\n\r\n")
	body := strings.NewReplacer("{inner}", inner, "{hex}", strconv.FormatInt(int64(len(inner)), 16)).Replace(plain.Replace(c.Body))
	all := strings.NewReplacer("{len}", strconv.Itoa(len(body)))

	var b strings.Builder
	line := func(text string) { fmt.Fprintf(&b, "%s\r\n", all.Replace(plain.Replace(text))) }
	line(c.Line)
	if !c.NoHost {
		line("Host: {host}")
	}
	line("User-Agent: " + thing + "/{id}")
	for _, l := range c.Lines {
		line(l)
	}
	for _, l := range c.Forged {
		line(l)
		forged = append(forged, parseLines([]byte(plain.Replace(l)))...)
	}
	b.WriteString("\r\n" + body)
	return []byte(b.String()), forged
}
