// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"slices"
	"strings"

	"aeroplane.run/authz/internal/door"
)

// dropped judges a credential that did not arrive, where the gateway passes such on otherwise: the service was asked about a
// request that carries it, and the upstream sees one that does not.
func (j *judgement) dropped(a *arrived, want Decision) {
	for i, name := range credentialNames {
		if want.Allowed && want.Identity[0] != door.None && j.passes[i] && len(j.sent.values(name)) > 0 && len(a.values(name)) == 0 {
			j.add(Fault, Changed, "the header %s did not arrive, with which the request was allowed", name)
		}
	}
}

// identify compares the identity headers that arrived with the grant of what arrived.
func (j *judgement) identify(a *arrived) {
	var missing, doubled, made, wrong, alike, late []string
	for n, name := range door.Names {
		for _, l := range a.Trailers {
			if bare(l.Name) == bare(name) {
				late = append(late, visible(l.Name))
			}
		}
		var values []string
		for _, l := range a.Lines {
			switch {
			case door.SameName(l.Name, strings.ToLower(name)):
				values = append(values, l.Value)
			case bare(l.Name) == bare(name):
				alike = append(alike, visible(l.Name))
			}
		}
		switch {
		case slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, forged) }):
			made = append(made, name)
		case !j.identity || !a.decision.Allowed:
		case len(values) == 0:
			missing = append(missing, name)
		case len(values) > 1:
			doubled = append(doubled, name)
		case name == door.Transfer && values[0] == door.None && door.TransferTarget([]byte(j.body)) != nil: // the gateway sees bodies, and has told the service
		case values[0] != a.decision.Identity[n]:
			wrong = append(wrong, name+" is "+visible(values[0])+", granted was "+visible(a.decision.Identity[n]))
		}
	}
	severity := Fault
	if !j.told { // but in another way
		severity = Warning
	}
	for _, found := range []struct {
		names []string
		says  string
	}{
		{made, "arrived as the client made them up: "}, {alike, "arrived, and may pass for identity headers: "},
		{missing, "did not arrive: "}, {doubled, "arrived more than once: "}, {wrong, "not as granted: "},
	} {
		if len(found.names) > 0 {
			j.add(severity, Forged, "%s%s", found.says, strings.Join(found.names, ", "))
		}
	}
	if len(late) > 0 { // few servers merge them, and none should
		j.add(Warning, Forged, "arrived behind the body, as the client made them up: %s", strings.Join(late, ", "))
	}
}

// forgeries judges what else of the client's making arrived. What that means is the upstream's to say.
func (j *judgement) forgeries(a *arrived) {
	var made, aliases []string
	for _, f := range j.forged {
		same := func(l Line) bool {
			return bare(l.Name) == bare(f.Name) && f.Value != "" && strings.Contains(l.Value, f.Value)
		}
		if !isIdentity(f.Name) && f != filler && slices.ContainsFunc(a.all(), same) && !slices.Contains(made, visible(f.Name)) {
			made = append(made, visible(f.Name))
		}
	}
	for _, l := range a.all() {
		for _, name := range credentialNames {
			if door.Alias(strings.TrimSpace(l.Name), name) {
				aliases = append(aliases, visible(l.Name)+" of "+name)
			}
		}
	}
	if len(made) > 0 {
		j.add(Warning, Forged, "arrived as the client made it up: %s", strings.Join(made, ", "))
	}
	if len(aliases) > 0 {
		j.add(Warning, Forged, "an alias of a credential arrived, which the service did not look at: %s", strings.Join(aliases, ", "))
	}
}

func isIdentity(name string) bool {
	return slices.ContainsFunc(door.Names[:], func(n string) bool { return bare(n) == bare(name) })
}
