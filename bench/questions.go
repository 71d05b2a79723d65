// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math/rand/v2"

	authzv1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
)

// drawn is how many questions are drawn beforehand, so that to ask costs no drawing.
const drawn = 1 << 17

// zipf is the exponent of the distribution by which some keys are asked for much more often than others.
const zipf = 1.1

// Questions are a long sequence of them, which callers go through over and over, each from a place of its own.
type questions struct {
	name    string
	all     []question
	batches map[int][]*authzv1.BatchAuthorizeRequest // by size, made at need
}

// newQuestions draws n questions about a world, whose keys follow Zipf's law, or are all asked for alike.
func newQuestions(w *world, n int, uniform bool) *questions {
	source := rand.New(rand.NewPCG(1, 2)) // another world has other keys, but the same is asked about the same
	q := &questions{name: "Zipf", batches: make(map[int][]*authzv1.BatchAuthorizeRequest)}
	d := &draw{world: w, rand: source}
	if uniform {
		q.name = "uniform"
		d.next = func() int { return source.IntN(len(w.keys)) }
	} else {
		law := rand.NewZipf(source, zipf, 1, uint64(len(w.keys)-1))
		d.next = func() int { return int(law.Uint64()) }
	}
	for range n {
		q.all = append(q.all, d.question())
	}
	return q
}

// A cursor is a caller's place among the questions.
type cursor struct {
	of *questions
	at int
}

// from returns the place of a caller among several.
func (q *questions) from(caller, callers int) cursor { return cursor{q, len(q.all) / callers * caller} }

func (c *cursor) next() *question {
	question := &c.of.all[c.at]
	if c.at++; c.at == len(c.of.all) {
		c.at = 0
	}
	return question
}

// inBatches returns the questions in messages of a size. What is left over at the end is left out.
func (q *questions) inBatches(size int) []*authzv1.BatchAuthorizeRequest {
	made := q.batches[size]
	for at := 0; len(made) < len(q.all)/size; at += size {
		batch := new(authzv1.BatchAuthorizeRequest)
		for _, question := range q.all[at : at+size] {
			batch.Requests = append(batch.Requests, question.request)
		}
		made = append(made, batch)
	}
	q.batches[size] = made
	return made
}
