// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"

	"aeroplane.run/authz/internal/door"
)

// A Config says whom to examine, and with what. All is required but what says otherwise.
type Config struct {
	// Gateway is an http or https URL without a path.
	Gateway *url.URL
	// TLS is for https. Nil: the system's authorities.
	TLS *tls.Config
	// Upstream is where the gateway forwards to. Run closes it.
	Upstream net.Listener
	// Service says what it decides.
	Service Ask
	// Read is the text of a key that may read all projects, Write of one that may write, too; one may stand for both. Session is
	// the token of a browser session; empty leaves out what needs one.
	Read, Write, Session string
	// NoIdentityHeaders: the gateway tells its upstream in another way who is calling.
	NoIdentityHeaders bool
	// Progress is told before each request which it is, from 0, and of how many. Nil: nobody is.
	Progress func(n, of int)
}

// ErrKey means that the service refuses the key, so that nothing could be learnt with it.
var ErrKey = errors.New("the service refuses the key")

// bound is how long a run may take. Most take seconds.
const bound = 10 * time.Minute

// An examination is one run.
type examination struct {
	Config
	gateway
	nonce string
	echo  *echo
}

// Run examines a gateway. An error means that it could not be examined, or not to the end. It takes a few seconds with a gateway that
// answers at once, and patience for each request that is not answered.
func Run(ctx context.Context, c Config) (*Report, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, bound, fmt.Errorf("the gateway is too slow: it took more than %v", bound))
	defer cancel()
	x := &examination{Config: c, nonce: strings.ToLower(rand.Text()[:16])}
	x.echo = serveEcho(c.Upstream, regexp.MustCompile(x.nonce+"-[0-9]+"))
	defer x.echo.close()
	x.address = c.Gateway.Host
	port := map[string]string{"http": "80", "https": "443"}[c.Gateway.Scheme]
	if c.Gateway.Port() == "" {
		x.address = net.JoinHostPort(c.Gateway.Hostname(), port)
	}
	if c.Gateway.Scheme == "https" {
		if x.tls = c.TLS.Clone(); x.tls == nil {
			x.tls = &tls.Config{MinVersion: tls.VersionTLS12}
		}
		x.tls.NextProtos = []string{"http/1.1"}
	}
	d, err := ask(ctx, c.Service, question{"GET", "/api/projects", [3][]string{{"Bearer " + c.Read}}})
	switch {
	case err != nil:
		return nil, err
	case !d.Allowed:
		return nil, fmt.Errorf("%w: %s", ErrKey, d)
	}
	if err := x.probe(ctx); err != nil {
		return nil, err
	}
	return x.examine(ctx)
}

// probe makes sure that the gateway leads to the doctor's own echo, by harmless requests, before anything else is sent. It tries what is
// public and what needs a key, since the two may lead to different places.
func (x *examination) probe(ctx context.Context) error {
	for n, c := range []Case{
		{Name: "a public page", Line: "GET /" + thing + "-" + x.nonce + " HTTP/1.1"},
		{Name: "the list of projects", Line: "GET /api/projects?" + thing + "-" + x.nonce + " HTTP/1.1", Lines: []string{readKey}},
	} {
		id := fmt.Sprintf("%s-%d", x.nonce, n)
		request, _ := c.bytes(x.words(id))
		answer, err := x.send(ctx, request, "GET")
		if err != nil {
			return fmt.Errorf("the gateway cannot be reached: %w", err)
		}
		if len(x.echo.arrived()[id]) == 0 || answer.Echoed != id {
			return fmt.Errorf("a harmless request for %s did not get to the doctor and back (%s), so nothing else was sent: in a test set-up, "+
				"have the gateway forward everything to %s, over HTTP/1.1 and with User-Agent as it is, and let it ask the service",
				c.Name, answer, x.Upstream.Addr())
		}
	}
	return nil
}

func (x *examination) words(id string) words {
	return words{host: x.Gateway.Host, id: id, read: x.Read, write: x.Write, session: x.Session}
}

// examine sends the whole corpus, and the control group once more: it shows whether a request has left something behind.
func (x *examination) examine(ctx context.Context) (*Report, error) {
	start := time.Now()
	corpus := Corpus()
	after := corpus[0]
	after.Name, after.Why = "control, once more", "plain requests again: what others have left behind shows here"
	corpus = append(corpus, after)

	total := 0
	for _, g := range corpus {
		total += len(g.Cases)
	}
	var seen []*observation
	n := 0
	for g := range corpus {
		for c := range corpus[g].Cases {
			if n++; x.Progress != nil {
				x.Progress(n-1, total)
			}
			one := &corpus[g].Cases[c]
			if one.needsSession() && x.Session == "" {
				continue
			}
			o, err := x.observe(ctx, &corpus[g], one, fmt.Sprintf("%s-%d", x.nonce, 100+n))
			if err != nil {
				return nil, err
			}
			seen = append(seen, o)
		}
	}
	if err := x.decide(ctx, seen); err != nil {
		return nil, err
	}
	return x.report(corpus, seen, time.Since(start)), nil
}

// observe sends one request. It stops everything if somebody else than the echo answered it as an upstream would.
func (x *examination) observe(ctx context.Context, g *Group, c *Case, id string) (*observation, error) {
	request, forged := c.bytes(x.words(id))
	head, body, _ := bytes.Cut(request, []byte("\r\n\r\n"))
	o := &observation{group: g, name: c.Name, id: id, sent: parse(head), body: string(body), forged: forged, reads: c.Reads}
	var err error
	if o.answer, err = x.send(ctx, request, o.sent.Method); ctx.Err() != nil {
		return nil, fmt.Errorf("stopped at %q, %q: %w", g.Name, c.Name, context.Cause(ctx))
	} else if err != nil {
		return nil, fmt.Errorf("at %q, %q, the gateway could not be reached any more: %w", g.Name, c.Name, err)
	}
	answeredElsewhere := o.answer.Status/100 == 2 && o.answer.Echoed == "" && o.answer.Body != "" && len(x.echo.arrived()[id]) == 0
	if answeredElsewhere && o.sent.Method != "OPTIONS" && o.sent.Method != "TRACE" {
		return nil, fmt.Errorf("stopped at %q, %q: it was answered with %s by somebody else than the doctor; in a test set-up, have the gateway "+
			"forward everything to %s", g.Name, c.Name, o.answer, x.Upstream.Addr())
	}
	return o, nil
}

// decide asks the service about all that was sent, and all that arrived. Nothing of a credential goes any further: a gateway may have put
// one anywhere.
func (x *examination) decide(ctx context.Context, seen []*observation) (err error) {
	secrets := x.secrets()
	arrivals := x.echo.arrived()
	for _, o := range seen {
		q := questionOf(&o.sent)
		if o.decision, err = ask(ctx, x.Service, q); err != nil {
			return err
		}
		if o.reads != "" {
			q.target = o.reads
			if o.readDecision, err = ask(ctx, x.Service, q); err != nil {
				return err
			}
		}
		for _, m := range arrivals[o.id] {
			d, err := ask(ctx, x.Service, q.arrivedAs(&m))
			if err != nil {
				return err
			}
			o.arrivals = append(o.arrivals, arrived{m.without(secrets), d})
		}
		o.sent, o.answer.Body = o.sent.without(secrets), secrets.Replace(o.answer.Body)
	}
	return nil
}

func (x *examination) secrets() *strings.Replacer {
	pairs := []string{x.Read, "[read-key]", x.Write, "[write-key]"}
	if x.Session != "" {
		pairs = append(pairs, x.Session, "[session]")
	}
	return strings.NewReplacer(pairs...)
}

// habits are what the control group shows. That a gateway never tells who is calling is one finding, and not one of each case.
func (x *examination) habits(seen []*observation) habits {
	h := habits{told: !x.NoIdentityHeaders}
	for _, o := range seen {
		for _, a := range o.arrivals {
			if !o.group.Control {
				continue
			}
			for i, name := range credentialNames {
				h.passes[i] = h.passes[i] || len(a.values(name)) > 0
			}
			for _, name := range door.Names {
				h.identity = h.identity || h.told && len(a.values(strings.ToLower(name))) > 0
			}
		}
	}
	return h
}
