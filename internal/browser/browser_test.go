package browser

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/autotailor/autotailor/runtime/command/report"
)

// tab is a page that was opened from disk in headless Chromium.
type tab struct {
	*testing.T
	ctx       context.Context
	downloads string // where it saves files

	mu       sync.Mutex
	troubles []string // errors on its console, and requests
}

// open writes a page to disk and opens it. Without Chromium the test skips, or fails where AUTOTAILOR_CHROMIUM_REQUIRED says that it is
// there.
func open(t *testing.T, p report.Page) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		if os.Getenv("AUTOTAILOR_CHROMIUM_REQUIRED") != "" {
			t.Fatal(err)
		}
		t.Skip("no Chromium here: install the Debian package chromium to test the report")
	}
	file := filepath.Join(t.TempDir(), "report.html")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := report.HTML(f, p); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.WindowSize(1300, 1000))
	ctx, stop := chromedp.NewExecAllocator(t.Context(), options...)
	t.Cleanup(stop)
	ctx, stop = chromedp.NewContext(ctx)
	t.Cleanup(stop)
	ctx, stop = context.WithTimeout(ctx, 90*time.Second)
	t.Cleanup(stop)
	b := &tab{T: t, ctx: ctx, downloads: t.TempDir()}
	chromedp.ListenTarget(ctx, func(ev any) { b.listen(ev, "file://"+file) })
	b.do(network.Enable(), log.Enable(), runtime.Enable(),
		browser.SetDownloadBehavior(browser.SetDownloadBehaviorBehaviorAllow).WithDownloadPath(b.downloads),
		chromedp.Navigate("file://"+file))
	t.Cleanup(b.quiet)
	return b
}

// listen writes down what must not happen.
func (b *tab) listen(ev any, page string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		b.troubles = append(b.troubles, "exception: "+ev.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		text := fmt.Sprintf("console.%s:", ev.Type)
		for _, a := range ev.Args {
			text += " " + string(a.Value)
		}
		b.troubles = append(b.troubles, text)
	case *log.EventEntryAdded:
		b.troubles = append(b.troubles, fmt.Sprintf("%s: %s", ev.Entry.Level, ev.Entry.Text))
	case *network.EventRequestWillBeSent:
		if u := ev.Request.URL; u != page && !strings.HasPrefix(u, page+"#") && !strings.HasPrefix(u, "data:") && !strings.HasPrefix(u, "blob:") {
			b.troubles = append(b.troubles, "request: "+u)
		}
	}
}

// quiet checks that there were no errors and no requests.
func (b *tab) quiet() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.troubles {
		b.Error(s)
	}
}

func (b *tab) do(actions ...chromedp.Action) {
	b.Helper()
	if err := chromedp.Run(b.ctx, actions...); err != nil {
		b.Fatal(err)
	}
}

// eval returns the value of an expression.
func eval[T any](b *tab, expression string) T {
	b.Helper()
	var v T
	b.do(chromedp.Evaluate(expression, &v))
	return v
}

// want compares the value of an expression.
func want[T comparable](b *tab, expression string, v T) {
	b.Helper()
	if got := eval[T](b, expression); got != v {
		b.Errorf("%s is %v, want %v", expression, got, v)
	}
}

// middle is the centre of an element that has been scrolled into view.
func (b *tab) middle(selector string) (x, y float64) {
	b.Helper()
	at := eval[[]float64](b, fmt.Sprintf(`(() => {
		const e = document.querySelector(%q);
		e.scrollIntoView({block: 'center', behavior: 'instant'});
		const r = e.getBoundingClientRect();
		return [r.x + r.width / 2, r.y + r.height / 2];
	})()`, selector))
	// The browser finds what is clicked in the frame that it has drawn, which on a busy machine is one from before the page was scrolled.
	b.do(chromedp.Evaluate(`new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))`, nil,
		func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
	return at[0], at[1]
}

// click moves the mouse onto an element and presses its button.
func (b *tab) click(selector string) {
	b.Helper()
	x, y := b.middle(selector)
	b.do(chromedp.MouseClickXY(x, y))
}

// hover moves the mouse onto an element.
func (b *tab) hover(selector string) {
	b.Helper()
	x, y := b.middle(selector)
	b.do(input.DispatchMouseEvent(input.MouseMoved, x, y))
}

// file waits for a file that the page saves.
func (b *tab) file(name string) []byte {
	b.Helper()
	for b.ctx.Err() == nil {
		if data, err := os.ReadFile(filepath.Join(b.downloads, name)); err == nil && len(data) > 0 {
			return data
		}
		time.Sleep(50 * time.Millisecond)
	}
	b.Fatalf("the page saved no %s", name)
	return nil
}

type axValue struct {
	Value any `json:"value"`
}

// named checks that whatever can be operated has a name for those who do not see it.
func (b *tab) named() {
	b.Helper()
	// The client's own types do not know every value that newer browsers send.
	var tree struct {
		Nodes []struct {
			Role axValue `json:"role"`
			Name axValue `json:"name"`
		} `json:"nodes"`
	}
	b.do(chromedp.ActionFunc(func(ctx context.Context) error {
		return cdp.Execute(ctx, accessibility.CommandGetFullAXTree, nil, &tree)
	}))
	found := map[any]int{}
	for _, n := range tree.Nodes {
		switch n.Role.Value {
		case "button", "slider", "spinbutton", "combobox", "link", "image", "region":
			if found[n.Role.Value]++; n.Name.Value == nil || n.Name.Value == "" {
				b.Errorf("a %s has no name", n.Role.Value)
			}
		}
	}
	if found["slider"] != 1 || found["button"] == 0 || found["spinbutton"] != 1 {
		b.Errorf("the page has %v", found)
	}
}
