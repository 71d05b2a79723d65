// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"net/http"
	"strings"
)

// A Kind says what is wrong.
type Kind string

// The kinds, the worst first.
const (
	Bypass  Kind = "BYPASS"  // it arrived although the service refuses it, as sent or as it arrived
	Smuggle Kind = "SMUGGLE" // it arrived in a form whose end, or whose headers, two readers see differently
	Forged  Kind = "FORGED"  // the upstream is told something else of the caller than was granted
	Changed Kind = "CHANGED" // what arrived is not what was sent
	Differs Kind = "DIFFERS" // it was refused, but not as documented
	Shut    Kind = "SHUT"    // it was refused although the service allows it
)

// A Severity says how bad it is.
type Severity string

// The severities. A gateway with faults is not safe, or not a gateway of this service; what a warning means depends on the upstream; a
// note is for whoever wonders.
const (
	Fault   Severity = "fault"
	Warning Severity = "warning"
	Note    Severity = "note"
)

// A Finding is one thing that was seen in one case.
type Finding struct {
	Severity Severity `json:"severity"`
	Kind     Kind     `json:"kind"`
	Group    string   `json:"group"`
	Case     string   `json:"case"`
	Says     string   `json:"says"`
}

// An observation is all that is known of one case.
type observation struct {
	group    *Group
	name     string
	id       string
	sent     Message
	body     string // that was sent
	forged   []Line
	decision Decision // on what was sent
	// reads is the target that HTTP has a recipient read, if it is another than that in the request line, and readDecision what the
	// service says of it.
	reads        string
	readDecision Decision
	answer       Answer
	arrivals     []arrived
}

// arrived is a request that reached the echo, and what the service says of it.
type arrived struct {
	Message
	decision Decision
}

// habits are what the control group shows of a gateway: what is not to be held against each other case.
type habits struct {
	told     bool                       // it is to tell the upstream in headers who is calling
	identity bool                       // and it does
	passes   [len(credentialNames)]bool // it passes on credentials, by credentialNames
}

// judge compares what was sent, what arrived, what was answered, and what the service says.
func (o *observation) judge(h habits) []Finding {
	j := judgement{observation: o, habits: h}
	for i := range o.arrivals {
		j.arrival(&o.arrivals[i])
	}
	if len(o.arrivals) > 1 && len(j.findings) == 0 {
		j.add(Warning, Changed, "it was sent once, and arrived %d times", len(o.arrivals))
	}
	switch {
	case o.answer.Echoed != "" && o.answer.Echoed != o.id:
		j.foreignAnswer()
	case len(o.arrivals) > 0:
		if o.answer.Echoed == "" {
			j.add(Note, Differs, "it arrived, and the client was answered %s", o.answer)
		}
	case o.decision.Allowed, o.reads != "" && o.readDecision.Allowed:
		j.shut()
	default:
		j.refusal()
	}
	return j.findings
}

// A judgement is being made.
type judgement struct {
	*observation
	habits
	findings []Finding
}

func (j *judgement) add(s Severity, k Kind, format string, args ...any) {
	j.findings = append(j.findings, Finding{s, k, j.group.Name, j.name, fmt.Sprintf(format, args...)})
}

// arrival judges one request that reached the upstream.
func (j *judgement) arrival(a *arrived) {
	target, want := j.sent.Target, j.decision
	if j.reads != "" && a.Target == j.reads {
		target, want = j.reads, j.readDecision
	}
	same := a.Method == j.sent.Method && a.Target == target
	if inner := strings.HasSuffix(a.Target, j.id) && !strings.HasSuffix(j.sent.Target, j.id); inner && !a.decision.Allowed {
		j.add(Fault, Bypass, "%s arrived, which was in the body of another request, and the service refuses it: %s", a, a.decision)
		return
	}
	switch {
	case !a.decision.Allowed && same && want.NotAsked:
		j.add(Fault, Bypass, "%s arrived, about which the service cannot be asked: no decision was taken for a yes", a)
	case !a.decision.Allowed && same:
		j.add(Fault, Bypass, "%s arrived, and the service refuses it: %s", a, a.decision)
	case !a.decision.Allowed:
		j.add(Fault, Bypass, "%s was sent, %s arrived, and the service refuses that: %s", &j.sent, a, a.decision)
	case !want.Allowed && same:
		j.add(Fault, Bypass, "%s arrived, and the service refuses it with the headers that were sent: %s", a, want)
	case !want.Allowed:
		j.add(Fault, Changed, "%s was sent, which the service refuses (%s), and %s arrived", &j.sent, want, a)
	case !same:
		j.add(Fault, Changed, "%s was sent, and %s arrived", &j.sent, a)
	case want.Identity != a.decision.Identity:
		j.add(Fault, Bypass, "%s arrived with another credential than the one that counts of those that were sent", a)
	}
	for _, way := range a.ambiguous() {
		j.add(Fault, Smuggle, "%s", way)
	}
	j.dropped(a, want)
	j.identify(a)
	j.forgeries(a)
}

// foreignAnswer is for a client that got the echo's answer to somebody else.
func (j *judgement) foreignAnswer() {
	if j.decision.Allowed {
		j.add(Fault, Changed, "the client got the upstream's answer to another request: kept, or mixed up with its own")
		return
	}
	j.add(Fault, Bypass, "the client got the upstream's answer to another request, kept or mixed up, and the service refuses this one: %s",
		j.decision)
}

// shut judges a request that the service allows and the gateway does not.
func (j *judgement) shut() {
	switch success := j.answer.Status/100 == 2; {
	case success && j.sent.Method == http.MethodOptions: // a preflight that the gateway answers, as many do
	case j.group.Control:
		j.add(Fault, Shut, "the service allows it, and the gateway did not pass it on: %s", j.answer)
	default:
		j.add(Note, Shut, "the service allows it, and the gateway did not pass it on: %s", j.answer)
	}
}

// refusal judges how a request was refused that the service refuses too. Proxies refuse many of these by themselves, in their words; a
// gateway that finds one malformed, or gets no decision, in those of the service.
func (j *judgement) refusal() {
	text, ours := errorText(j.answer.Body)
	d := j.decision
	otherwise := j.answer.Status != d.Status || text != d.Text
	switch {
	case j.answer.Status == 0 && j.group.Control:
		j.add(Fault, Differs, "to be answered %s: %s", d, j.answer)
	case j.answer.Status == 0:
		j.add(Note, Differs, "to be answered %s: %s", d, j.answer)
	case j.answer.Status < 400 && j.sent.Method == http.MethodOptions: // as in shut
		j.add(Note, Differs, "to be answered %s, and the gateway answered by itself: %s", d, j.answer)
	case j.answer.Status < 400:
		j.add(Warning, Differs, "to be answered %s, and the gateway answered by itself: %s", d, j.answer)
	case d.NotAsked:
	case j.group.Control && j.answer.Status != d.Status:
		j.add(Fault, Differs, "to be answered %s, but was: %s", d, j.answer)
	case ours && otherwise && j.answer.Status != http.StatusBadRequest && j.answer.Status != http.StatusServiceUnavailable && !j.readAs(text):
		j.add(Warning, Differs, "to be answered %s, but was %s, %q: was something else asked about?", d, j.answer, text)
	case j.answer.Status != d.Status, otherwise && !j.group.Control && j.sent.Method != http.MethodHead:
		j.add(Note, Differs, "to be answered %s, and the gateway refused it by itself: %s", d, j.answer)
	default:
		for _, lack := range j.answer.lacks(d, j.sent.Method == http.MethodHead) {
			j.add(Warning, Differs, "refused with %s, but %s", j.answer, lack)
		}
	}
}

// readAs reports whether a refusal is the one that is owed to the target that HTTP has a recipient read.
func (j *judgement) readAs(text string) bool {
	return j.reads != "" && j.answer.Status == j.readDecision.Status && text == j.readDecision.Text
}
