// SPDX-License-Identifier: Apache-2.0

package door

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// Unavailable is what a client is told when no decision could be reached, whatever the reason: that is for the log.
const Unavailable = "Authorization is not available"

// A Header is a header of an answer.
type Header struct{ Name, Value string }

// A Refusal is what a client is answered in the upstream's place (behaviour 4).
type Refusal struct {
	Status int
	Text   string
}

// Body is {"error": "<text>"}, in UTF-8.
func (r Refusal) Body() []byte {
	body, err := json.Marshal(struct {
		Error string `json:"error"`
	}{r.Text})
	if err != nil {
		panic(err) // there is no text that cannot be written
	}
	return body
}

// JSONText is the text as it stands in Body between its quotes, for who writes the body anew.
func (r Refusal) JSONText() string {
	body := string(r.Body())
	return body[len(`{"error":"`) : len(body)-len(`"}`)]
}

// The headers of a refusal, by whether it is a 401. Nobody on the way is to keep it: the next request may pass.
var (
	refusalHeaders = []Header{{"Content-Type", "application/json"}, {"Cache-Control", "no-store"}}
	unauthorized   = append(refusalHeaders[:2:2], Header{"WWW-Authenticate", "Bearer"})
)

// Headers are those of the answer, but for its length. They are not to be changed.
func (r Refusal) Headers() []Header {
	if r.Status == http.StatusUnauthorized {
		return unauthorized
	}
	return refusalHeaders
}

// Write writes the whole answer. The error is that of a client that is gone.
func (r Refusal) Write(w http.ResponseWriter) error {
	body := r.Body()
	for _, h := range r.Headers() {
		w.Header().Set(h.Name, h.Value)
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(r.Status)
	_, err := w.Write(body)
	return err
}
