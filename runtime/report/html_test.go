package report_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/runtime/report"
)

// TestHTMLShowsEverythingAndLoadsNothing: names are escaped, all parts are there, and no address is.
func TestHTMLShowsEverythingAndLoadsNothing(t *testing.T) {
	var b bytes.Buffer
	p := report.Page{
		Title: "net <script>", Facts: []report.Fact{{Name: "device", Value: "chip & co"}},
		Kinds: []report.Kind{{Name: "Conv", Rows: 3, Share: 0.5}}, Groups: []report.Kind{{Name: "Conv | Relu", Rows: 2}},
		Front:   []report.Point{{SubNet: "small", Latency: time.Millisecond, Accuracy: 0.9}, {SubNet: "original", Latency: 2 * time.Millisecond, Accuracy: 0.95}},
		Heat:    []report.HeatRow{{Choice: "depth", Cells: []report.Cell{{Value: "2", Loss: 0.02}}}},
		Checked: []report.Checked{{SubNet: "small", Predicted: 1.1, Measured: 1}},
		Cliffs:  []report.Cliff{{Choice: "width", Value: "3", Wider: "4", MS: 2, WiderMS: 1}},
	}
	if err := report.HTML(&b, p); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, want := range []string{"net &lt;script&gt;", "chip &amp; co", "Conv | Relu", `id="front"`, `cx="40.0"`, `cx="580.0"`, "10.00", "hsl(8", `id="cliffs"`} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
	for _, never := range []string{"http:", "https:", "src=", "ZgotmplZ", "<script"} {
		if strings.Contains(text, never) {
			t.Errorf("the page has %q", never)
		}
	}
}
