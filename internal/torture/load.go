// SPDX-License-Identifier: Apache-2.0

package torture

import (
	"context"
	"crypto/rand"
	mathrand "math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/proto"

	v1 "aeroplane.run/authz/gen/aeroplane/authz/v1"
	"aeroplane.run/authz/internal/torture/history"
)

const (
	// deadline bounds each call. It is longer than a replica is ever frozen, so that what was asked of it meanwhile is
	// answered, late, and not given up on.
	deadline = 12 * time.Second
	// maxWaiting bounds the askers that wait for one replica.
	maxWaiting = 200
	// reasked is how many subjects that were taken away are asked about on and on.
	reasked = 400
)

// A load is what callers do: workers that each tell one story after the other, askers that ask every replica about it from
// before the change until some time after it, others who ask ever again about what was taken away long ago, and sessions that
// end by themselves.
type load struct {
	*history.Recorder
	doors []door
	pace  time.Duration // the mean pause of an asker
	lease time.Duration // of the replicas
	calm  atomic.Bool   // ask nothing strongly for now, which would have rounds made

	running sync.WaitGroup
	waiting []atomic.Int32 // askers, by replica
	told    atomic.Int64   // stories that have begun
	ended   atomic.Int64   // stories that have come to their end
	failed  atomic.Int64   // stories that could not begin

	mu     sync.Mutex
	gone   []question     // guarded by mu, as the rest is: some of what was taken away
	whyNot map[string]int // there was no decision
}

// A question is one request of a story, and its subject.
type question struct {
	request
	history.Subject
	made    history.Revision // it is allowed from here on
	expires time.Duration    // as of an Ask
}

func newLoad(doors []door, pace, lease time.Duration) *load {
	return &load{Recorder: history.NewRecorder(), doors: doors, pace: pace, lease: lease,
		waiting: make([]atomic.Int32, len(doors)), whyNot: make(map[string]int)}
}

// start starts workers, who go on until ctx ends. Then running is to be waited for: what they have begun goes on to its end.
func (l *load) start(ctx context.Context, workers int, seed uint64) {
	for n := range workers {
		w := &worker{load: l, rand: mathrand.New(mathrand.NewPCG(seed, uint64(n)))}
		l.running.Go(func() { w.run(ctx) })
	}
	for n := range 2 {
		r := mathrand.New(mathrand.NewPCG(seed, uint64(1000+n)))
		l.running.Go(func() { l.askAgain(ctx, r) })
	}
	for n := range 2 {
		w := &worker{load: l, world: &world{name: newName()}, rand: mathrand.New(mathrand.NewPCG(seed, uint64(2000+n)))}
		l.running.Go(func() { w.letExpire(ctx) })
	}
}

// A worker tells stories.
type worker struct {
	*load
	*world
	rand  *mathrand.Rand
	kinds []history.Kind // that are still to come in this round
}

func (w *worker) run(ctx context.Context) {
	for ctx.Err() == nil {
		if w.world == nil {
			fresh := &world{name: newName()}
			if err := fresh.build(ctx, w.anyDoor()); err != nil {
				w.count("world: " + reasonOf(err))
				pause(ctx, 20*time.Millisecond)
				continue
			}
			w.world = fresh
		}
		w.tellOne(ctx)
	}
}

func (w *worker) anyDoor() door { return w.doors[w.rand.IntN(len(w.doors))] }

// nextKind goes through all kinds in an order of its own.
func (w *worker) nextKind() history.Kind {
	if len(w.kinds) == 0 {
		w.kinds = history.Kinds()
		w.rand.Shuffle(len(w.kinds), func(i, j int) { w.kinds[i], w.kinds[j] = w.kinds[j], w.kinds[i] })
	}
	k := w.kinds[0]
	w.kinds = w.kinds[1:]
	return k
}

// newName returns a name that nobody else has.
func newName() string { return strings.ToLower(rand.Text()[:12]) }

// tellOne tells a story from its beginning to some time after its end.
func (w *worker) tellOne(ctx context.Context) {
	log := w.NewLog()
	start := w.Now()
	by := w.anyDoor()
	bounded, cancel := context.WithTimeout(ctx, deadline)
	story, err := w.tell(bounded, by, w.nextKind())
	cancel()
	if err != nil {
		if ctx.Err() == nil { // it was not just interrupted
			w.failed.Add(1)
			w.count("story: " + reasonOf(err))
		}
		pause(ctx, 20*time.Millisecond)
		return
	}
	w.told.Add(1)
	questions, subjects := make([]question, len(story.requests)), make([]history.Subject, len(story.requests))
	for i, r := range story.requests {
		subjects[i] = w.NewSubject()
		questions[i] = question{request: r, Subject: subjects[i], made: w.newest}
	}
	log.Change(history.Change{Kind: history.Create, Subjects: subjects, Replica: by.replica,
		Start: start, End: w.Now(), At: w.newest})

	asking, stop := context.WithCancel(ctx)
	defer stop()
	for _, d := range w.doors {
		if w.rand.IntN(4) > 0 { // the others are cold when the change comes
			w.startAsker(asking, d, questions, w.rand.Uint64())
		}
	}
	pause(ctx, upTo(w.rand, 120*time.Millisecond))
	if !w.take(ctx, log, story, subjects, w.anyDoor) {
		return
	}
	for _, d := range w.doors { // at once, everywhere
		w.startAsker(asking, d, questions, w.rand.Uint64())
	}
	pause(ctx, 5*time.Millisecond+upTo(w.rand, 120*time.Millisecond))
	w.bury(questions)
	w.ended.Add(1)
}

// take makes the change of a story by a door, again by others while nobody knows what came of it, and reports whether it was
// answered OK in the end.
func (w *worker) take(ctx context.Context, log *history.Log, s story, subjects []history.Subject, by func() door) bool {
	for ctx.Err() == nil {
		d := by()
		c := history.Change{Kind: s.kind, Subjects: subjects, Replica: d.replica, Start: w.Now()}
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), deadline)
		answer, err := s.take(bounded, d)
		cancel()
		c.End, c.Outcome = w.Now(), outcomeOf(err)
		if err == nil {
			receiptOf(answer, &c)
		}
		log.Change(c)
		if err == nil {
			return true
		}
		w.count("change: " + reasonOf(err))
		pause(ctx, upTo(w.rand, 50*time.Millisecond))
	}
	return false
}

// startAsker asks a replica about the questions, in turn, until ctx ends.
func (l *load) startAsker(ctx context.Context, d door, questions []question, seed uint64) {
	if l.waiting[d.replica].Add(1) > maxWaiting {
		l.waiting[d.replica].Add(-1)
		return
	}
	log, r := l.NewLog(), mathrand.New(mathrand.NewPCG(seed, 0))
	l.running.Go(func() {
		defer l.waiting[d.replica].Add(-1)
		for i := 0; ctx.Err() == nil; i++ {
			if l.ask(log, d, questions[i%len(questions)], r) == history.Undecided {
				pause(ctx, 5*time.Millisecond+upTo(r, 10*time.Millisecond))
			} else {
				pause(ctx, upTo(r, 2*l.pace))
			}
		}
	})
}

// ask asks once, in one of the ways that there are.
func (l *load) ask(log *history.Log, d door, q question, r *mathrand.Rand) history.Answer {
	request := proto.CloneOf(q.AuthorizeRequest)
	a := history.Ask{Subject: q.Subject, Replica: d.replica, Expires: q.expires}
	switch n := r.IntN(50); { // a strong answer is a commit, which costs as much as many others
	case n == 0 && !l.calm.Load():
		request.Consistency, a.Strong = v1.Consistency_CONSISTENCY_STRONG, true
	case n <= 5:
		request.AtLeastRevision, a.AtLeast = q.made.String(), q.made.Seq
	}
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	var why string
	a.Start = l.Now()
	a.Answer, a.At, why = d.authorize(ctx, request, q.allows)
	a.End = l.Now()
	a.Lapsed = why == "LEASE"
	log.Ask(a)
	if why != "" {
		l.count(why)
	}
	return a.Answer
}

// askAgain asks about what was taken away some time ago, until ctx ends.
func (l *load) askAgain(ctx context.Context, r *mathrand.Rand) {
	log := l.NewLog()
	for ctx.Err() == nil {
		pause(ctx, upTo(r, 10*time.Millisecond))
		q, ok := l.exhume(r)
		d := l.doors[r.IntN(len(l.doors))]
		if !ok || l.waiting[d.replica].Load() > maxWaiting/2 { // it does not answer
			continue
		}
		l.ask(log, d, q, r)
	}
}

func (l *load) bury(questions []question) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, q := range questions {
		if len(l.gone) < reasked {
			l.gone = append(l.gone, q)
		} else {
			l.gone[int(q.Subject)%reasked] = q
		}
	}
}

func (l *load) exhume(r *mathrand.Rand) (question, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.gone) == 0 {
		return question{}, false
	}
	return l.gone[r.IntN(len(l.gone))], true
}

func (l *load) count(why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.whyNot[why]++
}

// upTo returns a random time of at most d.
func upTo(r *mathrand.Rand, d time.Duration) time.Duration {
	return time.Duration(r.Int64N(int64(d) + 1))
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
