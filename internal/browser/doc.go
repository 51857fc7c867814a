// Package browser tests the HTML report in a real browser: headless Chromium, driven through its DevTools protocol. It stands apart from
// package report so that modules which use that one need no browser's client, not even for its tests.
package browser
