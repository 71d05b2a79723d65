// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Faults is the table of all faults, by number. F0 is none: what the system does when nobody harms it.
func Faults() []Fault {
	all := slices.Concat([]Fault{{Number: 0, Name: "none", How: "nothing is done", Inject: func(context.Context, *Stage) {}}},
		processFaults, redisFaults, networkFaults, postgresFaults, divergenceFaults, sessionFaults, diskFaults, clockFaults, everything)
	slices.SortFunc(all, func(a, b Fault) int { return a.Number - b.Number })
	return all
}

// Choose returns the faults of a list such as "F1,F10", or all of them for "all".
func Choose(list string) (chosen []Fault, err error) {
	all := Faults()
	switch list {
	case "":
		return nil, nil
	case "all":
		return all, nil
	}
	for name := range strings.SplitSeq(list, ",") {
		number, err := strconv.Atoi(strings.TrimPrefix(strings.TrimSpace(name), "F"))
		i := slices.IndexFunc(all, func(f Fault) bool { return f.Number == number })
		if err != nil || i < 0 {
			return nil, fmt.Errorf("there is no fault %q", name)
		}
		chosen = append(chosen, all[i])
	}
	return chosen, nil
}
