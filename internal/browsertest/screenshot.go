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
	png, err := run(p, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(path, png, 0o644)
	}
	if err != nil {
		t.Fatalf("screenshot: %v", err)
	}
}
