// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"aeroplane.run/authz/internal/door"
)

// Words of the table: what was sent, what arrived and what was answered are written as bytes, and decisions as below.
var (
	yes       = Decision{Allowed: true, Identity: [len(door.Names)]string{"key", "k", "-", "-", "read", "-", "*", "-"}}
	yesNobody = Decision{Allowed: true, Identity: [len(door.Names)]string{"-", "-", "-", "-", "-", "-", "-", "-"}}
	no        = Decision{Status: 401, Text: "Authentication required"}
	malformed = Decision{Status: 400, Text: "Malformed request path"}
	unasked   = Decision{Status: 503, Text: door.Unavailable, NotAsked: true}
)

// told are the identity headers of a decision.
func told(d Decision) string {
	var b strings.Builder
	for n, name := range door.Names {
		fmt.Fprintf(&b, "%s: %s\r\n", name, d.Identity[n])
	}
	return b.String()
}

func reached(head string, d Decision) arrived { return arrived{parse([]byte(head)), d} }

const id = "run-1"

// Answers.
var echoed = Answer{Status: 200, Echoed: id}

func refused(status int, text string, without ...string) Answer {
	a := Answer{Status: status, Header: http.Header{}, Body: string(door.Refusal{Status: status, Text: text}.Body())}
	for _, h := range (door.Refusal{Status: status, Text: text}).Headers() {
		a.Header.Set(h.Name, h.Value)
	}
	for _, name := range without {
		a.Header.Del(name)
	}
	return a
}

func TestJudge(t *testing.T) {
	plain, controls := &Group{Name: "g"}, &Group{Name: "c", Control: true}
	const key = "Authorization: Bearer k\r\n"
	all := habits{told: true, identity: true, passes: [3]bool{true, true, true}}
	for _, c := range []struct {
		name    string
		group   *Group
		sent    string
		forged  string
		says    Decision // on what was sent
		reads   string
		readSay Decision
		answer  Answer
		arrived []arrived
		habits  *habits
		want    []string // severity, kind, a part of what it says
	}{
		// What is right.
		{name: "allowed, and arrived as it was", sent: "GET /a HTTP/1.1\n" + key, says: yes, answer: echoed,
			arrived: []arrived{reached("GET /a HTTP/1.1\n"+key+told(yes), yes)}},
		{name: "without its credential, which the gateway keeps", sent: "GET /a HTTP/1.1\n" + key, says: yes, answer: echoed,
			arrived: []arrived{reached("GET /a HTTP/1.1\n"+told(yes), yes)}, habits: &habits{told: true, identity: true}},
		{name: "refused as documented", sent: "GET /a HTTP/1.1\n", says: no, answer: refused(401, "Authentication required"), group: controls},
		{name: "refused as documented, HEAD", sent: "HEAD /a HTTP/1.1\n", says: no, group: controls,
			answer: Answer{Status: 401, Header: refused(401, "").Header}},
		{name: "the absolute form, read as HTTP says", sent: "GET http://h/a HTTP/1.1\n", says: malformed, reads: "/a", readSay: yes, answer: echoed,
			arrived: []arrived{reached("GET /a HTTP/1.1\n"+told(yes), yes)}},
		{name: "a preflight that the gateway answers", group: controls, sent: "OPTIONS /a HTTP/1.1\n", says: yesNobody, answer: Answer{Status: 204}},
		{name: "no decision possible, refused", sent: "GET /a HTTP/1.1\n", says: unasked, answer: Answer{Status: 431}},

		// Bypass.
		{name: "refused, and arrived", sent: "GET /a HTTP/1.1\n", says: no, answer: echoed, arrived: []arrived{reached("GET /a HTTP/1.1\n", no)},
			want: []string{"fault BYPASS GET /a arrived, and the service refuses it: 401 Authentication required"}},
		{name: "no decision possible, and arrived", sent: "GET /a HTTP/1.1\n", says: unasked, answer: echoed, arrived: []arrived{reached("GET /a HTTP/1.1\n", unasked)},
			want: []string{"fault BYPASS GET /a arrived, about which the service cannot be asked"}},
		{name: "allowed, and another arrived", sent: "GET /a HTTP/1.1\n", says: yes, answer: echoed, arrived: []arrived{reached("GET /b HTTP/1.1\n", no)},
			want: []string{"fault BYPASS GET /a was sent, GET /b arrived, and the service refuses that"}},
		{name: "two keys, of which one arrived", sent: "GET /a HTTP/1.1\n" + key + key, says: no, answer: echoed,
			arrived: []arrived{reached("GET /a HTTP/1.1\n"+key+told(yes), yes)},
			want:    []string{"fault BYPASS GET /a arrived, and the service refuses it with the headers that were sent: 401"}},
		{name: "as somebody else", sent: "GET /a HTTP/1.1\n" + key, says: yes, answer: echoed,
			arrived: []arrived{reached("GET /a HTTP/1.1\n"+key+told(yesNobody), yesNobody)},
			want:    []string{"fault BYPASS GET /a arrived with another credential"}},
		{name: "hidden in a body", sent: "POST /a HTTP/1.1\n" + key, says: yes, answer: echoed,
			arrived: []arrived{reached("POST /a HTTP/1.1\n"+key+told(yes), yes), reached("GET /b?"+id+" HTTP/1.1\n", no)},
			want:    []string{"fault BYPASS GET /b?" + id + " arrived, which was in the body of another request"}},
		{name: "answered with what somebody else got", sent: "GET /a HTTP/1.1\n", says: no, answer: Answer{Status: 200, Echoed: "run-0"},
			want: []string{"fault BYPASS the client got the upstream's answer to another request"}},

		// Changed.
		{name: "repaired", sent: "GET //a HTTP/1.1\n", says: malformed, answer: echoed, arrived: []arrived{reached("GET /a HTTP/1.1\n"+told(yes), yes)},
			want: []string{"fault CHANGED GET //a was sent, which the service refuses (400 Malformed request path), and GET /a arrived"}},
		{name: "another query", sent: "GET /a?b HTTP/1.1\n", says: yes, answer: echoed, arrived: []arrived{reached("GET /a HTTP/1.1\n"+told(yes), yes)},
			want: []string{"fault CHANGED GET /a?b was sent, and GET /a arrived"}},
		{name: "another method", sent: "HEAD /a HTTP/1.1\n", says: yes, answer: echoed, arrived: []arrived{reached("GET /a HTTP/1.1\n"+told(yes), yes)},
			want: []string{"fault CHANGED HEAD /a was sent, and GET /a arrived"}},
		{name: "without its credential", sent: "GET /a HTTP/1.1\n" + key, says: yes, answer: echoed,
			arrived: []arrived{reached("GET /a HTTP/1.1\n"+told(yes), yes)},
			want:    []string{"fault CHANGED the header authorization did not arrive"}},
		{name: "twice", sent: "GET /a HTTP/1.1\n", says: yes, answer: echoed,
			arrived: []arrived{reached("GET /a HTTP/1.1\n"+told(yes), yes), reached("GET /a HTTP/1.1\n"+told(yes), yes)},
			want:    []string{"warning CHANGED it was sent once, and arrived 2 times"}},
		{name: "answered with what somebody else got, allowed", sent: "GET /a HTTP/1.1\n", says: yes, answer: Answer{Status: 200, Echoed: "run-0"},
			want: []string{"fault CHANGED the client got the upstream's answer to another request"}},

		// Framing.
		{name: "two readers", sent: "GET /a HTTP/1.1\n", says: yes, answer: echoed,
			arrived: []arrived{reached("GET /a HTTP/1.1\nHost: a\nHost: b\n"+told(yes), yes)}, want: []string{"fault SMUGGLE two Hosts arrived"}},

		// Identity.
		{name: "the client's identity", sent: "GET /a HTTP/1.1\n", says: yes, answer: echoed,
			arrived: []arrived{reached("GET /a HTTP/1.1\n"+strings.Replace(told(yes), "Role: -", "Role: "+forged, 1), yes)},
			want:    []string{"fault FORGED arrived as the client made them up: Aeroplane-Role"}},
		{name: "identity missing, doubled and wrong", sent: "GET /a HTTP/1.1\n", says: yes, answer: echoed,
			arrived: []arrived{reached("GET /a HTTP/1.1\naeroplane-key: k\nAEROPLANE-KEY: k\nAeroplane-Caller: session\n", yes)},
			want: []string{"fault FORGED did not arrive: Aeroplane-User, Aeroplane-Role,", "fault FORGED arrived more than once: Aeroplane-Key",
				"fault FORGED not as granted: Aeroplane-Caller is session, granted was key"}},
		{name: "look-alikes", sent: "GET /a HTTP/1.1\n", says: yes, answer: echoed,
			arrived: []arrived{reached("GET /a HTTP/1.1\naeroplane_user: x\nAeroplane.Role: x\n"+told(yes), yes)},
			want:    []string{"fault FORGED arrived, and may pass for identity headers: aeroplane_user, Aeroplane.Role"}},
		{name: "in trailers", sent: "GET /a HTTP/1.1\n", says: yes, answer: echoed,
			arrived: []arrived{{Message{Method: "GET", Target: "/a", Lines: parseLines([]byte(told(yes))), Trailers: []Line{{"Aeroplane-User", forged}}}, yes}},
			want:    []string{"warning FORGED arrived behind the body, as the client made them up: Aeroplane-User"}},
		{name: "forged where the upstream is told otherwise", sent: "GET /a HTTP/1.1\n", says: yes, answer: echoed, habits: &habits{},
			arrived: []arrived{reached("GET /a HTTP/1.1\nAeroplane-User: "+forged, yes)}, want: []string{"warning FORGED arrived as the client made them up: Aeroplane-User"}},

		// What else arrives of the client's making.
		{name: "a forwarding header, behind others", sent: "GET /a HTTP/1.1\n", forged: "X-Forwarded-For: 1.2.3.4", says: yes, answer: echoed,
			arrived: []arrived{reached("GET /a HTTP/1.1\nX-Forwarded-For: 1.2.3.4, 127.0.0.1\n"+told(yes), yes)},
			want:    []string{"warning FORGED arrived as the client made it up: X-Forwarded-For"}},
		{name: "a forwarding header of the gateway's", sent: "GET /a HTTP/1.1\n", forged: "X-Forwarded-For: 1.2.3.4", says: yes, answer: echoed,
			arrived: []arrived{reached("GET /a HTTP/1.1\nX-Forwarded-For: 127.0.0.1\n"+told(yes), yes)}},
		{name: "an alias of a credential", sent: "GET /a HTTP/1.1\n", says: yes, answer: echoed,
			arrived: []arrived{reached("GET /a HTTP/1.1\nX_API_Key: x\n"+told(yes), yes)},
			want:    []string{"warning FORGED an alias of a credential arrived, which the service did not look at: X_API_Key of x-api-key"}},

		// Refused, though allowed.
		{name: "shut", sent: "GET /a HTTP/1.1\n", says: yes, answer: Answer{Status: 400}, want: []string{"note SHUT the service allows it, and the gateway did not pass it on: status 400"}},
		{name: "shut, of the control group", group: controls, sent: "GET /a HTTP/1.1\n", says: yes, answer: Answer{None: "closed"},
			want: []string{"fault SHUT the service allows it, and the gateway did not pass it on: closed"}},
		{name: "arrived, and answered otherwise", sent: "GET /a HTTP/1.1\n", says: yes, answer: Answer{Status: 502},
			arrived: []arrived{reached("GET /a HTTP/1.1\n"+told(yes), yes)}, want: []string{"note DIFFERS it arrived, and the client was answered status 502"}},

		// Refused in another way.
		{name: "in the gateway's words", sent: "GET //a HTTP/1.1\n", says: malformed, answer: Answer{Status: 400, Body: "<html>"},
			want: []string{"note DIFFERS to be answered 400 Malformed request path, and the gateway refused it by itself"}},
		{name: "for another reason", sent: "GET //a HTTP/1.1\n", says: malformed, answer: refused(401, "Authentication required"),
			want: []string{"warning DIFFERS to be answered 400 Malformed request path, but was status 401"}},
		{name: "without a decision", sent: "GET /a HTTP/1.1\n", says: no, answer: refused(503, door.Unavailable),
			want: []string{"note DIFFERS to be answered 401 Authentication required, and the gateway refused it by itself: status 503"}},
		{name: "as malformed", sent: "GET //a HTTP/1.1\n", says: malformed, answer: refused(400, "Bad path"),
			want: []string{"note DIFFERS to be answered 400 Malformed request path, and the gateway refused it by itself: status 400"}},
		{name: "another status, of the control group", group: controls, sent: "GET /a HTTP/1.1\n", says: no, answer: Answer{Status: 403},
			want: []string{"fault DIFFERS to be answered 401 Authentication required, but was: status 403"}},
		{name: "no answer, of the control group", group: controls, sent: "GET /a HTTP/1.1\n", says: no, answer: Answer{None: "closed"},
			want: []string{"fault DIFFERS to be answered 401 Authentication required: closed"}},
		{name: "no answer", sent: "GET /a HTTP/1.1\n", says: no, answer: Answer{None: "closed"},
			want: []string{"note DIFFERS to be answered 401 Authentication required: closed"}},
		{name: "without its headers", group: controls, sent: "GET /a HTTP/1.1\n", says: no, answer: refused(401, "Authentication required", "Cache-Control", "WWW-Authenticate"),
			want: []string{"warning DIFFERS refused with status 401, but Cache-Control is not no-store", "warning DIFFERS refused with status 401, but WWW-Authenticate is not Bearer"}},
		{name: "answered by the gateway", sent: "TRACE /a HTTP/1.1\n", says: no, answer: Answer{Status: 200},
			want: []string{"warning DIFFERS to be answered 401 Authentication required, and the gateway answered by itself: status 200"}},
	} {
		o := observation{group: c.group, name: "n", id: id, sent: parse([]byte(c.sent)), forged: parseLines([]byte(c.forged)), decision: c.says,
			reads: c.reads, readDecision: c.readSay, answer: c.answer, arrivals: c.arrived}
		if o.group == nil {
			o.group = plain
		}
		if c.habits == nil {
			c.habits = &all
		}
		var got []string
		for n, f := range o.judge(*c.habits) {
			text := fmt.Sprintf("%s %s %s", f.Severity, f.Kind, f.Says)
			if n < len(c.want) && strings.HasPrefix(text, c.want[n]) {
				text = c.want[n]
			}
			got = append(got, text)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}
