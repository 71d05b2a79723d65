// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protowire"

	"aeroplane.run/authz/internal/testservers"
)

// openFGA is the program, which `make bench` installs.
const openFGA = ".bin/openfga"

// model is what comes closest to a key that reads a service: it reaches the service's project.
const model = `{"schema_version": "1.1", "type_definitions": [
	{"type": "key"},
	{"type": "project", "relations": {"reader": {"this": {}}},
		"metadata": {"relations": {"reader": {"directly_related_user_types": [{"type": "key"}]}}}},
	{"type": "service", "relations": {"project": {"this": {}},
		"can_read": {"tupleToUserset": {"tupleset": {"relation": "project"}, "computedUserset": {"relation": "reader"}}}},
		"metadata": {"relations": {"project": {"directly_related_user_types": [{"type": "project"}]}}}}]}`

// How much there is in it: it is slow to take tuples in.
const (
	fgaKeys = 1000
	reached = 4 // projects by each key
)

// startOpenFGA starts the peer with everything in memory, and returns the form in which it is asked whether a key may read a
// service. It logs nothing, as the service logs no decisions.
func startOpenFGA(b *bench, name string, flags ...string) (*contestant, form) {
	b.Helper()
	metrics, err := testservers.FreeAddress()
	if err != nil {
		b.Fatal(err)
	}
	c := start(b, name, func(c *contestant) *exec.Cmd {
		return exec.Command(openFGA, append([]string{"run", "--grpc-addr", c.address, "--http-addr", c.ops, "--metrics-addr", metrics,
			"--log-level", "none", "--playground-enabled=false"}, flags...)...)
	}).await(b)
	c.empty = true // nobody has to ask it everything once
	var store struct{ ID string }
	c.post(b, "/stores", map[string]string{"name": "bench"}, &store)
	var version struct {
		ID string `json:"authorization_model_id"`
	}
	c.post(b, "/stores/"+store.ID+"/authorization-models", json.RawMessage(model), &version)
	c.writeTuples(b, "/stores/"+store.ID+"/write")
	return c, checks(store.ID, version.ID)
}

// A tuple is a relation that holds.
type tuple struct {
	User     string `json:"user"`
	Relation string `json:"relation"`
	Object   string `json:"object"`
}

// reaches returns the n-th project that a key reaches.
func reaches(key, n int) int { return (key + n*projects/reached) % projects }

func (c *contestant) writeTuples(b *bench, path string) {
	b.Helper()
	var all []tuple
	for i := range services {
		all = append(all, tuple{"project:" + projectID(i%projects), "project", "service:" + serviceID(i)})
	}
	for i := range fgaKeys * reached {
		all = append(all, tuple{fmt.Sprintf("key:%d", i/reached), "reader", "project:" + projectID(reaches(i/reached, i%reached))})
	}
	const most = 100 // in one request
	for ; len(all) > 0; all = all[min(most, len(all)):] {
		c.post(b, path, map[string]any{"writes": map[string]any{"tuple_keys": all[:min(most, len(all))]}}, nil)
	}
}

// post asks the peer over HTTP, for what is not measured.
func (c *contestant) post(b *bench, path string, question, answer any) {
	b.Helper()
	body, err := json.Marshal(question)
	if err != nil {
		b.Fatal(err)
	}
	request, err := http.NewRequestWithContext(b.Context(), http.MethodPost, "http://"+c.ops+path, bytes.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && answer != nil {
		err = json.Unmarshal(text, answer)
	}
	if err != nil || response.StatusCode >= 300 {
		b.Fatalf("%s: %s, %v: %s", path, response.Status, err, text)
	}
}

// checks is a call of Check for each decision. Questions are made beforehand and answers looked at as bytes, which saves the caller
// work that it has with our own.
func checks(store, version string) form {
	source := rand.New(rand.NewPCG(1, 2))
	law := rand.NewZipf(source, zipf, 1, fgaKeys-1)
	var all [][]byte
	for range 1 << 14 {
		key := int(law.Uint64())
		service := serviceOf(reaches(key, source.IntN(reached)), source)
		asked := fields(nil, 1, fmt.Sprintf("key:%d", key), 2, "can_read", 3, "service:"+serviceID(service))
		all = append(all, fields(nil, 1, store, 2, string(asked), 4, version))
	}
	return form{"Check", func(ctx context.Context, c *contestant, _ *questions, callers int) ([]caller, error) {
		var asking []caller
		for i := range callers {
			conn, next := c.gateway[i%len(c.gateway)], len(all)/callers*i
			asking = append(asking, func(t *tally) error {
				next = (next + 1) % len(all)
				var answer []byte
				asked := time.Now()
				if err := conn.Invoke(ctx, "/openfga.v1.OpenFGAService/Check", all[next], &answer, grpc.ForceCodec(asBytes{})); err != nil {
					return err
				}
				t.note(asked, 1)
				if !bytes.HasPrefix(answer, []byte{1 << 3, 1}) { // field 1, allowed, is true
					return errWrong
				}
				return nil
			})
		}
		return asking, nil
	}}
}

// fields appends fields of text to a message, each given by its number and its value.
func fields(message []byte, pairs ...any) []byte {
	for i := 0; i < len(pairs); i += 2 {
		message = protowire.AppendTag(message, protowire.Number(pairs[i].(int)), protowire.BytesType)
		message = protowire.AppendString(message, pairs[i+1].(string))
	}
	return message
}

// asBytes is a codec for messages that are bytes already.
type asBytes struct{}

func (asBytes) Name() string                  { return "proto" }
func (asBytes) Marshal(v any) ([]byte, error) { return v.([]byte), nil }
func (asBytes) Unmarshal(data []byte, into any) error {
	*into.(*[]byte) = bytes.Clone(data)
	return nil
}
