// SPDX-License-Identifier: Apache-2.0

// Package browsertest looks at pages in a real browser, as somebody would who has only a keyboard, or a small screen, or a screen
// reader. Begin with Open:
//
//	page := browsertest.Open(t, server.URL)
//	page.Press(t, browsertest.Tab, browsertest.Enter)
//	page.Text(t, "main", "Saved")
//	page.Axe(t)
//
// All tests of a binary share one Chromium, since it takes long to start; each page has cookies and storage of its own, and tests may
// run at once. As with other servers, the package that uses it hands its TestMain over:
//
//	func TestMain(m *testing.M) { os.Exit(testservers.Main(m)) }
//
// A page is watched from its first byte on. What nobody would see and somebody should, such as an error on the console, a script that
// fails, what the Content-Security-Policy forbids, a request that fails or that goes to another host, fails the test in the end, unless
// Expect announced it. Nothing here needs a script in the page, so that the strictest policy does not hinder it.
//
// Helpers wait for a condition and never for a time; each names what it found instead when it waited in vain.
package browsertest
