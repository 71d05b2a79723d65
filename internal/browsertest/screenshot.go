// SPDX-License-Identifier: Apache-2.0

package browsertest

import (
	"os"
	"testing"

	"github.com/chromedp/chromedp"
)

// Screenshot writes what is to be seen of the page to a file, as PNG.
func (p *Page) Screenshot(t testing.TB, path string) {
	t.Helper()
	p.screenshot(t, path, chromedp.CaptureScreenshot())
}

// FullScreenshot writes the whole page to a file, as PNG, with what one would have to scroll to.
func (p *Page) FullScreenshot(t testing.TB, path string) {
	t.Helper()
	p.screenshot(t, path, chromedp.FullScreenshot(100)) // the quality that stands for PNG
}

func (p *Page) screenshot(t testing.TB, path string, capture chromedp.Action[[]byte]) {
	t.Helper()
	png, err := run(p, capture)
	if err == nil {
		err = os.WriteFile(path, png, 0o644)
	}
	if err != nil {
		t.Fatalf("screenshot: %v", err)
	}
}
