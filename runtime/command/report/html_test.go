package report_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/autotailor/autotailor/runtime/command/report"
)

// TestHTMLCarriesItsDataAndLoadsNothing: the data can be read back from the page, text cannot leave its place, and there is no address.
// What the page does with it is tested in a browser, see internal/browser.
func TestHTMLCarriesItsDataAndLoadsNothing(t *testing.T) {
	var b bytes.Buffer
	p := report.Page{
		Title: "net </script><script>alert(1)</script>", Facts: []report.Fact{{Name: "device", Value: "chip & co <!--"}},
		Stages: []report.Stage{{Index: 0, Width: 8, Blocks: []string{"MBConv"}}}, Choices: []report.Choice{{Name: "depth", Values: []string{"3", "2"}}},
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
	_, rest, _ := strings.Cut(text, `<script type="application/json" id="data">`)
	inside, _, _ := strings.Cut(rest, "</script>")
	var got map[string]any
	if err := json.Unmarshal([]byte(inside), &got); err != nil {
		t.Fatalf("%v\n%s", err, inside)
	}
	want, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(want, &all); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, all) {
		t.Errorf("the page has\n%v, want\n%v", got, all)
	}
	if got["front"].([]any)[0].(map[string]any)["ms"] != 1.0 {
		t.Errorf("front: %v", got["front"])
	}
	for _, never := range []string{"<script>alert", "src=", "ZgotmplZ", "<!--"} {
		if strings.Contains(text, never) {
			t.Errorf("the page has %q", never)
		}
	}
	for _, part := range strings.SplitAfter(text, "http")[1:] {
		if !strings.HasPrefix(part, "://www.w3.org/2000/svg'") && !strings.HasPrefix(part, "-equiv=") {
			t.Errorf("the page has an address: http%.40s", part)
		}
	}
}

// TestPagesMayBeEmpty: what is not there is an empty list, which scripts can read.
func TestPagesMayBeEmpty(t *testing.T) {
	var b bytes.Buffer
	if err := report.HTML(&b, report.Page{Title: "nothing"}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), `"front":[]`) || strings.Contains(b.String(), `:null,"kinds"`) == false {
		t.Errorf("empty lists:\n%s", b.String())
	}
}
