// SPDX-License-Identifier: Apache-2.0

package door

import (
	"bytes"
	"encoding/json"
	"io"
	"mime"
	"slices"
	"strings"
)

// targetMembers are the members of a transfer's body of which one names the project. Which of them an upstream reads is not
// documented, so that whoever sends both, or one twice, has named no project.
var targetMembers = []string{"projectId", "targetProjectId"}

// MaxTransferBody bounds the body of a transfer, in bytes.
const MaxTransferBody = 64 << 10

// TransferTarget returns the project that the body of a transfer names. Nil: it names none that could be seen, and the upstream has to
// check. A body that readers could take in two ways names "", which is a project that nobody knows.
func TransferTarget(body []byte) *string {
	if len(body) == 0 || len(body) > MaxTransferBody {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return nil
	}
	var target *string
	for d.More() {
		key, err := d.Token()
		name, ok := key.(string)
		var value any
		if err != nil || !ok || d.Decode(&value) != nil {
			return nil
		}
		if !slices.ContainsFunc(targetMembers, func(m string) bool { return strings.EqualFold(m, name) }) {
			continue
		}
		id, isText := value.(string)
		if target != nil || !isText || !slices.Contains(targetMembers, name) {
			id = ""
		}
		target = &id
	}
	if _, err := d.Token(); err != nil {
		return nil
	}
	if _, err := d.Token(); err != io.EOF {
		return nil
	}
	return target
}

// PlainJSON reports whether a body is JSON for whoever reads it, by the lines of two headers. One that is said to be something else, such
// as a form, could name another project to an upstream that heeds this. Of one that nothing is said of an upstream expects JSON.
func PlainJSON(contentType, contentEncoding []string) bool {
	if len(contentEncoding) > 0 || len(contentType) > 1 {
		return false
	}
	if len(contentType) == 0 {
		return true
	}
	kind, parameters, err := mime.ParseMediaType(contentType[0])
	charset, named := parameters["charset"]
	return err == nil && kind == "application/json" && (!named || strings.EqualFold(charset, "utf-8"))
}
