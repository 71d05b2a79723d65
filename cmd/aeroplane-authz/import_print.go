// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/aeroplane"
)

// An importReport is what an import tells, in JSON.
type importReport struct {
	DryRun      bool            `json:"dryRun"`
	Result      json.RawMessage `json:"result"`
	KeysOurs    bool            `json:"keysOurs"`
	Refused     []finding       `json:"refused"`
	Notes       []finding       `json:"notes"`
	RevokedHere []string        `json:"revokedHereOnly"`
}

// A finding is something of Aeroplane's that was not taken over, or not as it is.
type finding struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
	Why  string `json:"why"`
}

func findings(all []aeroplane.Finding) []finding {
	out := make([]finding, len(all))
	for i, f := range all {
		out[i] = finding(f)
	}
	return out
}

func printImport(w io.Writer, r *importReport, out *v1.SyncResult, f *importFlags) {
	printChanges(w, out)
	var rows [][]string
	for _, c := range out.GetCounts() {
		rows = append(rows, []string{c.GetKind(), fmt.Sprint(c.GetHadCount()), fmt.Sprint(c.GetNewCount()), fmt.Sprint(c.GetChangedCount()),
			fmt.Sprint(c.GetGoneCount())})
	}
	columns(w, "KIND HAD NEW CHANGED GONE", rows)
	printFindings(w, "NOT-TAKEN-OVER", r.Refused)
	printFindings(w, "NOTE", r.Notes)
	if len(r.RevokedHere) > 0 {
		fmt.Fprintf(w, "\nRevoked here, and not in Aeroplane; before you go back to it, revoke them there: %s\n", strings.Join(r.RevokedHere, ", "))
	}
	switch {
	case f.dryRun:
		fmt.Fprintln(w, "\nNothing was changed.")
	case f.followKeys && !out.GetKeysOurs():
		fmt.Fprintln(w, "\nKeys are still Aeroplane's. When they are to be ours, import without --follow-keys.")
	default:
		fmt.Fprintln(w, "\nKeys are ours: create and revoke them here from now on.")
	}
}

// printChanges prints what would change, by a sign: new, different, gone.
func printChanges(w io.Writer, out *v1.SyncResult) {
	var all int32
	for _, c := range out.GetCounts() {
		all += c.GetNewCount() + c.GetChangedCount() + c.GetGoneCount()
	}
	for _, c := range out.GetChanges() {
		switch {
		case c.GetBefore() == "":
			fmt.Fprintf(w, "+ %s %s: %s\n", c.GetKind(), c.GetId(), c.GetAfter())
		case c.GetAfter() == "":
			fmt.Fprintf(w, "- %s %s: %s\n", c.GetKind(), c.GetId(), c.GetBefore())
		default:
			fmt.Fprintf(w, "~ %s %s: %s -> %s\n", c.GetKind(), c.GetId(), c.GetBefore(), c.GetAfter())
		}
	}
	if told := int32(len(out.GetChanges())); told > 0 {
		if all > told {
			fmt.Fprintf(w, "... and %d more\n", all-told)
		}
		fmt.Fprintln(w)
	}
}

func printFindings(w io.Writer, heading string, all []finding) {
	if len(all) == 0 {
		return
	}
	var rows [][]string
	for _, f := range all {
		rows = append(rows, []string{f.Kind, f.ID, f.Why})
	}
	fmt.Fprintln(w)
	columns(w, heading+" ID WHY", rows)
}
