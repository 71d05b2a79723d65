// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/cdproto/inspector"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// A watch collects what goes wrong in a page, and what it asks for. The browser tells it in the order in which it happens.
type watch struct {
	mu       sync.Mutex
	hosts    []string // that requests may go to
	problems []string
	expected []string

	requests map[network.RequestID]request // under way
	bytes    int64                         // that came over the network
	dismiss  func()                        // a dialog of the browser's own, which holds the page up
}

// A request is one that the page has made.
type request struct {
	asked   string
	endless bool // as a stream of events is
}

func newWatch() *watch { return &watch{requests: make(map[network.RequestID]request)} }

// Expect announces what goes wrong in the page by intention: something in the text of a complaint, such as "409 Conflict". It has to
// come, once or more.
func (p *Page) Expect(t testing.TB, texts ...string) {
	t.Helper()
	p.watch.mu.Lock()
	defer p.watch.mu.Unlock()
	p.watch.expected = append(p.watch.expected, texts...)
}

// complaints returns what went wrong and was not expected, and, if all is asked for, what was expected and did not come.
func (w *watch) complaints(all bool) (complaints []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	came := make(map[string]bool)
	for _, problem := range w.problems {
		i := slices.IndexFunc(w.expected, func(text string) bool { return strings.Contains(problem, text) })
		if i < 0 {
			complaints = append(complaints, problem)
			continue
		}
		came[w.expected[i]] = true
	}
	for _, text := range w.expected {
		if all && !came[text] {
			complaints = append(complaints, fmt.Sprintf("expected, and it did not come: %q", text))
		}
	}
	return complaints
}

// begin adds a host to those that requests may go to, and counts bytes anew.
func (w *watch) begin(host string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hosts, w.bytes = append(w.hosts, host), 0
}

func (w *watch) problem(format string, args ...any) {
	w.problems = append(w.problems, fmt.Sprintf(format, args...))
}

// see is told all that happens, and must not ask the browser anything.
func (w *watch) see(event any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeAssert {
			w.problem("console error: %s", words(e.Args))
		}
	case *runtime.EventExceptionThrown:
		w.problem("uncaught %v", &chromedp.ExceptionError{ExceptionDetails: e.ExceptionDetails})
	case *log.EventEntryAdded:
		// What has to do with a request shows there, too, and at greater length. What the policy forbids shows here.
		if e.Entry.Level == log.EntryLevelError && e.Entry.NetworkRequestID == "" {
			w.problem("%s error: %s (%s:%d)", e.Entry.Source, e.Entry.Text, e.Entry.URL, e.Entry.LineNumber+1)
		}
	case *page.EventJavascriptDialogOpening:
		w.problem("a dialog of the browser's own: %s %q", e.Type, e.Message)
		go w.dismiss()
	case *inspector.EventTargetCrashed:
		w.problem("the page crashed")
	default:
		w.seeRequest(event)
	}
}

func (w *watch) seeRequest(event any) {
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		if e.RedirectResponse != nil {
			w.bytes += int64(e.RedirectResponse.EncodedDataLength)
		}
		// The browser asks for this by itself, at some time, of pages that name no icon.
		if e.Type == network.ResourceTypeOther && strings.HasSuffix(e.Request.URL, "/favicon.ico") {
			break
		}
		asked := e.Request.Method + " " + e.Request.URL
		w.requests[e.RequestID] = request{asked, e.Type == network.ResourceTypeEventSource}
		w.seeHost(e.Request.URL, asked)
	case *network.EventWebSocketCreated:
		w.seeHost(e.URL, "WebSocket "+e.URL)
	case *network.EventResponseReceived:
		if r, ok := w.requests[e.RequestID]; ok && e.Response.Status >= 400 {
			w.problem("failed request: %d %s: %s", e.Response.Status, e.Response.StatusText, r.asked)
		}
	case *network.EventLoadingFinished:
		if _, ok := w.requests[e.RequestID]; ok {
			w.bytes += int64(e.EncodedDataLength)
			delete(w.requests, e.RequestID)
		}
	case *network.EventLoadingFailed:
		// What the page, or its end, cancelled did not fail; and of what the policy forbids there is an entry in the log.
		if r, ok := w.requests[e.RequestID]; ok && !e.Canceled && e.BlockedReason != network.BlockedReasonCsp {
			w.problem("failed request: %s%s: %s", e.ErrorText, e.BlockedReason, r.asked)
		}
		delete(w.requests, e.RequestID)
	}
}

// seeHost complains of a request to another host, be it refused or not.
func (w *watch) seeHost(address, asked string) {
	u, err := url.Parse(address)
	if err != nil || u.Host != "" && !slices.Contains(w.hosts, u.Host) { // data and blobs have no host
		w.problem("request to another host: %s", asked)
	}
}

// words returns what the console shows of the arguments that it was called with.
func words(args []*runtime.RemoteObject) string {
	var words []string
	for _, arg := range args {
		word := arg.Description
		if word == "" {
			word = strings.Trim(string(arg.Value), `"`)
		}
		words = append(words, word)
	}
	return strings.Join(words, " ")
}
