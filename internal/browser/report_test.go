package browser

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
)

// chosen is what a script reads of the page about the SubNet that is chosen.
const chosen = `document.getElementById('subnet').textContent`

// TestEveryWayToChooseASubNet clicks a point, presses keys, enters a budget and clicks a row; each time the numbers, the command and the
// picture of the SuperNet are those of the SubNet.
func TestEveryWayToChooseASubNet(t *testing.T) {
	needs.Time(t)
	p := real()
	b := open(t, p)
	want(b, `document.querySelectorAll('#figure-front .dot').length`, len(p.Front))
	b.hover(`#figure-front .dot:nth-of-type(8)`)
	if tip := eval[string](b, `document.getElementById('tip').textContent`); !strings.HasSuffix(tip, ": "+p.Front[7].SubNet) {
		t.Errorf("the mouse is over the 8th point, the page says %q", tip)
	}
	b.click(`#figure-front .dot:nth-of-type(12)`)
	b.shows(p.Front[11].SubNet)
	b.do(chromedp.Focus(`[role=slider]`), chromedp.KeyEvent(kb.Home))
	b.shows(p.Front[0].SubNet)
	b.do(chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowUp), chromedp.KeyEvent(kb.ArrowLeft))
	b.shows(p.Front[1].SubNet)
	want(b, `document.querySelector('[role=slider]').getAttribute('aria-valuenow')`, "2")
	b.do(chromedp.KeyEvent(kb.End))
	b.shows("original")
	want(b, `document.querySelectorAll('#figure-supernet .changed, #figure-supernet .dropped').length`, 0)
	b.do(chromedp.SendKeys(`#budget`, fmt.Sprint(p.Front[20].MS()+1e-4)))
	b.shows(p.Front[20].SubNet)
	b.click(`#front summary`)
	want(b, `document.querySelector('#front details').open`, true)
	b.click(`#front tbody tr:nth-child(4) button`)
	b.shows(p.Front[3].SubNet)
	want(b, `document.querySelectorAll('#front tr.selected').length`, 1)
	b.named()
}

// TestBlocksWithoutChoices: the first block of MobileNetV2 has none, and texts do not count it.
func TestBlocksWithoutChoices(t *testing.T) {
	needs.Time(t)
	b := open(t, pageOf(mobilenetv2.Definition()))
	for _, want := range []struct{ block, choices string }{{"stage0.0", ""}, {"stage0.1", "stage0.0.expand"}, {"stage0.2", "stage0.1.expand"}, {"stage1.0", "stage1.0.expand"}} {
		got := eval[string](b, fmt.Sprintf(`[...new Set([...document.querySelectorAll('#figure-supernet [data-block="%s"] [data-choice]')].map(g => g.dataset.choice))].join(' ')`, want.block))
		if got != want.choices {
			t.Errorf("%s has the choices %q, want %q", want.block, got, want.choices)
		}
	}
}

// shows checks every part of the page that depends on the chosen SubNet.
func (b *tab) shows(subnet string) {
	b.Helper()
	want(b, chosen, subnet)
	command, note := "go run ./cmd/levit export --model levit.onnx --subnet "+subnet, ""
	if subnet != "original" { // whose statistics the model has
		command, note = command+" --recalibrate DIR", "DIR is the folder with your training images."
	}
	want(b, `document.getElementById('command').textContent`, command+" --out subnet.onnx")
	if got := eval[string](b, `document.getElementById('notes').textContent`); !strings.HasPrefix(got, note) || (note == "") != (got == "") {
		b.Errorf("%s: the note below the command is %q, want %q", subnet, got, note)
	}
	// The picture, read back as a SubNet's text.
	picture := eval[string](b, `[...document.querySelectorAll('#figure-supernet g:has(> .changed)')].map(g => g.dataset.choice + '=' + g.dataset.value).join(',') || 'original'`)
	if picture != subnet {
		b.Errorf("the picture shows %s, want %s", picture, subnet)
	}
	for _, part := range strings.Split(subnet, ",") {
		stage, depth, ok := strings.Cut(part, ".depth=")
		if !ok {
			continue
		}
		want(b, fmt.Sprintf(`[...document.querySelectorAll('#figure-supernet [data-block^="%s."]')].every(g => g.classList.contains('dropped') === Number(g.dataset.block.split('.')[1]) >= %s)`, stage, depth), true)
	}
}

// TestCopyAndSave: the command is copied to the clipboard, and every figure is saved as SVG and PNG.
func TestCopyAndSave(t *testing.T) {
	needs.Time(t)
	b := open(t, real())
	b.do(chromedp.SetValue(`.command select`, "2"), chromedp.Evaluate(`document.querySelector('.command select').dispatchEvent(new Event('change'))`, nil))
	command := eval[string](b, `document.getElementById('command').textContent`)
	if command != "go run ./cmd/levit verify --model levit.onnx --subnet original --lut device.lut --json" {
		t.Errorf("the command is %s", command)
	}
	b.click(`#copy`)
	want(b, `document.getElementById('copy').textContent`, "copied")
	b.do(chromedp.Evaluate(`document.body.append(Object.assign(document.createElement('textarea'), {id: 'paste'}))`, nil), chromedp.Focus(`#paste`),
		input.DispatchKeyEvent(input.KeyDown).WithKey("v").WithModifiers(input.ModifierCtrl).WithCommands([]string{"paste"}))
	want(b, `document.getElementById('paste').value`, command)
	for _, name := range []string{"front", "supernet", "sensitivities", "operators", "fusion", "checked"} {
		b.click(`#figure-` + name + ` [data-save=svg]`)
		drawing(t, name, b.file("levit-"+name+".svg"))
		b.click(`#figure-` + name + ` [data-save=png]`)
		m, err := png.Decode(bytes.NewReader(b.file("levit-" + name + ".png")))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if n := colours(m); n < 4 {
			t.Errorf("%s.png has %d colours only", name, n)
		}
	}
}

// drawing checks that an SVG file is well-formed and needs nothing beside itself.
func drawing(t *testing.T, name string, data []byte) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(data))
	elements := 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s.svg: %v", name, err)
		}
		if e, ok := token.(xml.StartElement); ok {
			elements++
			for _, a := range e.Attr {
				if a.Name.Local == "href" || a.Name.Local == "src" || strings.Contains(a.Value, "url(") || strings.Contains(a.Value, "var(") {
					t.Errorf("%s.svg: %s has %s=%q", name, e.Name.Local, a.Name.Local, a.Value)
				}
			}
		}
	}
	if elements < 5 {
		t.Errorf("%s.svg has %d elements", name, elements)
	}
}

// colours counts the colours of a picture, looking at some of its points.
func colours(m image.Image) int {
	seen := map[[3]uint32]bool{}
	for y := m.Bounds().Min.Y; y < m.Bounds().Max.Y; y += 3 {
		for x := m.Bounds().Min.X; x < m.Bounds().Max.X; x += 3 {
			r, g, b, _ := m.At(x, y).RGBA()
			seen[[3]uint32{r, g, b}] = true
		}
	}
	return len(seen)
}

// TestBigFrontsInEveryLight opens a front of 1,000 points and a net of 100 blocks, whose names mean harm, on wide and narrow screens, light
// and dark.
func TestBigFrontsInEveryLight(t *testing.T) {
	needs.Time(t)
	p := big()
	b := open(t, p)
	want(b, `document.title`, p.Title)
	want(b, `document.scripts.length`, 2)
	want(b, `document.images.length`, 0)
	want(b, `document.querySelectorAll('#figure-front .dot').length`, 1000)
	want(b, `document.querySelectorAll('#figure-supernet [data-block]').length`, 100)
	start := time.Now()
	b.do(chromedp.Focus(`[role=slider]`), chromedp.KeyEvent(kb.Home))
	for i := range 20 {
		b.do(chromedp.KeyEvent(kb.ArrowRight))
		want(b, chosen, p.Front[i+1].SubNet)
	}
	t.Logf("20 SubNets were chosen in %v", time.Since(start))
	light := eval[string](b, `getComputedStyle(document.body).backgroundColor`)
	b.click(`#theme`)
	if dark := eval[string](b, `getComputedStyle(document.body).backgroundColor`); dark == light {
		t.Errorf("both lights are %s", dark)
	}
	for _, dark := range []bool{false, true} {
		scheme := map[bool]string{false: "light", true: "dark"}[dark]
		for _, width := range []int64{1300, 390} {
			b.do(chromedp.Evaluate(`document.documentElement.style.colorScheme = ''`, nil),
				emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}), chromedp.EmulateViewport(width, 1000))
			want(b, `document.documentElement.scrollWidth <= innerWidth`, true)
			b.readable()
			b.photo(fmt.Sprintf("big-%s-%d.png", scheme, width))
		}
	}
}

// readable checks the contrast of text and paper: at least 4.5 to 1, as the Web Content Accessibility Guidelines ask.
func (b *tab) readable() {
	b.Helper()
	for _, selector := range []string{"p", "dt", "dd", "a", "summary", "svg .muted", "svg .value.on", "svg .changed + .value"} {
		ratio := eval[float64](b, fmt.Sprintf(`(() => {
			const e = document.querySelector(%q), s = getComputedStyle(e), paint = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
			const light = colour => {
				paint.fillStyle = colour;
				paint.fillRect(0, 0, 1, 1);
				const [r, g, b] = [...paint.getImageData(0, 0, 1, 1).data].map(v => v / 255 <= .04045 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4);
				return .2126 * r + .7152 * g + .0722 * b;
			};
			const back = e.matches('.on') ? getComputedStyle(e.previousElementSibling).fill : getComputedStyle(e.closest('section') || document.body).backgroundColor;
			const [a, z] = [light(e.ownerSVGElement ? s.fill : s.color), light(back)];
			return (Math.max(a, z) + .05) / (Math.min(a, z) + .05);
		})()`, selector))
		if ratio < 4.5 {
			b.Errorf("%s: the contrast is %.2f", selector, ratio)
		}
	}
}

// photo takes a picture of the whole page, which must not be empty; AUTOTAILOR_SHOTS names a folder to keep it.
func (b *tab) photo(name string) {
	b.Helper()
	var data []byte
	b.do(chromedp.FullScreenshot(&data, 100))
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		b.Fatal(err)
	}
	if n := colours(m); n < 20 {
		b.Errorf("%s has %d colours only", name, n)
	}
	if dir := os.Getenv("AUTOTAILOR_SHOTS"); dir != "" {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			b.Fatal(err)
		}
	}
}
