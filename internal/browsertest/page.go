// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
)

// A Page is a tab with cookies and storage of its own. Its methods are for one goroutine at a time.
type Page struct {
	ctx      context.Context // of chromedp; ends with the page
	patience time.Duration   // with conditions
	watch    *watch
}

// Open loads a page in a new tab, of 1280 by 720 pixels. The tab is closed when the test ends, which then fails for whatever went
// wrong in the page.
func Open(t testing.TB, url string) *Page {
	t.Helper()
	p := New(t)
	p.Load(t, url)
	return p
}

// New opens a tab that is empty still, for who has something to say before the page is loaded.
func New(t testing.TB) *Page {
	t.Helper()
	p, err := newPage(connect(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.close(t) })
	return p
}

func newPage(browser context.Context) (*Page, error) {
	w := newWatch()
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext(), chromedp.WithListener(w.see))
	p := &Page{ctx: ctx, patience: patience, watch: w}
	w.dismiss = func() {
		_ = p.do(command(page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{Accept: false})) // or it is closed already
	}
	// The tab lives as long as the context of the first call, so this one has no deadline of its own.
	timer := time.AfterFunc(patience, cancel)
	err := chromedp.Do(ctx)
	timer.Stop()
	if err == nil {
		err = p.do(chromedp.EmulateViewport(1280, 720))
	}
	if err != nil {
		cancel()
		return nil, fmt.Errorf("open a tab: %w", err)
	}
	return p, nil
}

// Load loads a page, and returns when it and all that it names is there. Requests may go to its host, and to those of pages
// that were loaded before.
func (p *Page) Load(t testing.TB, address string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	p.watch.begin(u.Host)
	if err := p.do(chromedp.Navigate(address)); err != nil {
		t.Fatalf("load %s: %v", address, err)
	}
}

// SetCookie gives the tab a cookie for an address, before it is loaded.
func (p *Page) SetCookie(t testing.TB, address string, c *http.Cookie) {
	t.Helper()
	set := network.SetCookieParams{URL: address, Name: c.Name, Value: c.Value, Path: c.Path, Secure: &c.Secure, HTTPOnly: &c.HttpOnly}
	if err := p.do(command(network.SetCookie, set)); err != nil {
		t.Fatalf("set cookie %s: %v", c.Name, err)
	}
}

// close closes the tab, and says what went wrong in it.
func (p *Page) close(t testing.TB) {
	t.Helper()
	_, _ = eval[int](p, "0") // when that is answered, all that the page has told before was heard
	for _, complaint := range p.watch.complaints(!t.Failed()) {
		t.Error(complaint)
	}
	if err := chromedp.Cancel(p.ctx); err != nil {
		t.Error(err)
	}
}
