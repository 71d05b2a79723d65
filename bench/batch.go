// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// batched is a call for every so many decisions.
func batched(size int) form {
	return form{fmt.Sprintf("batches of %d", size), func(ctx context.Context, c *contestant, q *questions, callers int) ([]caller, error) {
		batches := q.inBatches(size)
		var all []caller
		for i := range callers {
			client := authzv1.NewAuthorizationServiceClient(c.gateway[i%len(c.gateway)])
			next := len(batches) / callers * i
			all = append(all, func(t *tally) error {
				at := next
				next = (next + 1) % len(batches)
				asked := time.Now()
				answer, err := client.BatchAuthorize(ctx, batches[at])
				if err != nil {
					return err
				}
				t.note(asked, size)
				return c.checkResults(q.all[at*size:(at+1)*size], answer.GetResults())
			})
		}
		return all, nil
	}}
}

func (c *contestant) checkResults(asked []question, results []*authzv1.AuthorizeResult) error {
	if len(results) != len(asked) {
		return fmt.Errorf("%w: %d results for %d requests", errWrong, len(results), len(asked))
	}
	for i, r := range results {
		if err := c.checkResult(&asked[i], r); err != nil {
			return err
		}
	}
	return nil
}
