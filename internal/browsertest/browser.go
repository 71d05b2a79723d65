// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"

	"aeroplane.run/authz/internal/testservers"
)

// patience bounds every wait for the browser. It is generous: only what is broken ever takes that long.
const patience = time.Minute

// poll is how often a page is looked at while it is waited for.
const poll = 20 * time.Millisecond

// shared is the connection to the browser that the tests of one binary share.
var shared struct {
	once sync.Once
	ctx  context.Context // ends when the browser does
	err  error
}

// connect returns the context of the browser, from which those of pages are made. The first call starts it.
func connect(t testing.TB) context.Context {
	t.Helper()
	b := testservers.Chromium(t)
	shared.once.Do(func() { shared.ctx, shared.err = greet(b) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	return shared.ctx
}

// greet returns when the browser has answered.
func greet(b *testservers.Browser) (context.Context, error) {
	// Neither is cancelled here: they end with the browser.
	ctx, _ := chromedp.NewAllocatorContext(context.Background(), running{b})
	ctx, cancel := chromedp.NewContext(ctx)
	defer time.AfterFunc(patience, cancel).Stop()
	if _, err := chromedp.CallBrowser(ctx, browser.GetVersion, cdp.Empty{}); err != nil {
		return nil, fmt.Errorf("the browser does not answer: %w\n%s", err, b.Log())
	}
	return ctx, nil
}

// running gives chromedp a browser that it did not start, and does not stop.
type running struct{ *testservers.Browser }

func (r running) Allocate(ctx context.Context, opts ...chromedp.BrowserOption) (*chromedp.Browser, error) {
	return chromedp.NewBrowserTransport(ctx, chromedp.NewPipeConn(r.Answers, r.Commands), opts...)
}

func (running) Attaches() bool { return true }
func (running) Wait()          {}
