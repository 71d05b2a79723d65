// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"time"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// errWrong is an answer that is not what it should be: what is measured is then something else.
var errWrong = errors.New("a wrong answer")

// check looks at an answer. An empty server's is another question's.
func (c *contestant) check(q *question, answer *authzv1.AuthorizeResponse) error {
	if answer.GetAllowed() != q.allowed && !c.empty {
		return errWrong
	}
	return nil
}

// unary is a call for each decision.
var unary = form{"unary", func(ctx context.Context, c *contestant, q *questions, callers int) ([]caller, error) {
	var all []caller
	for i := range callers {
		client := authzv1.NewAuthorizationServiceClient(c.gateway[i%len(c.gateway)])
		place := q.from(i, callers)
		all = append(all, func(t *tally) error {
			question := place.next()
			asked := time.Now()
			answer, err := client.Authorize(ctx, question.request)
			if err != nil {
				return err
			}
			t.note(asked, 1)
			return c.check(question, answer)
		})
	}
	return all, nil
}}
