package cli_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/generated/mobilenetv3"
	"github.com/autotailor/autotailor/generated/resnet50"
	"github.com/autotailor/autotailor/generated/vit"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/command/cli"
	"github.com/autotailor/autotailor/runtime/deploy/adapt"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
	"github.com/autotailor/autotailor/runtime/train/sensitivity"
)

// promise is a tuned SuperNet on its way to a bundle.
type promise struct {
	*testing.T
	net           *supernet.Net
	weights       string
	lut, acc, dir string
	counted       int // images that accuracies are counted on, the first ones of the test split
}

// run runs a command of the package, which must succeed, and returns what it prints.
func (p *promise) run(args ...string) []byte {
	p.Helper()
	var out, errs bytes.Buffer
	if code := cli.Run(p.Context(), p.net, append(args, "--json"), &out, &errs, options()); code != 0 {
		p.Fatalf("%v: exit code %d\n%s", args, code, errs.String())
	}
	return out.Bytes()
}

// tables writes latencies that follow from MACs, and sensitivities whose header is that of a count and whose losses are made up: they lead to a
// front whose SubNets `export --data` then really counts.
func (p *promise) tables(calibration int) {
	p.Helper()
	w, err := onnxfile.Open(p.weights)
	if err != nil {
		p.Fatal(err)
	}
	open := func(split string, n int) data.Samples {
		set, err := data.Open(images, split, data.Size{})
		if err != nil {
			p.Fatal(err)
		}
		return data.Source{Transform: options().Transform, Set: set}.Slice(0, n)
	}
	e := sensitivity.Evaluator{Net: p.net, Engine: embedded.New(embedded.Options{}), Weights: w, Samples: open("test", p.counted), Options: sensitivity.Options{Split: "test", Calibration: open("train", calibration)}}
	l := lut.New(p.net, lut.HeaderOf(p.net))
	for id := range l.Rows {
		l.Rows[id].N, l.Rows[id].Min, l.Rows[id].Median = 1, 1, time.Duration(500+p.net.Ops[id].MACs/100)
	}
	a := accuracy.New(p.net, e.Header())
	a.Base = p.counted
	for _, list := range a.Correct {
		for v := 1; v < len(list); v++ {
			list[v] = p.counted - 1
		}
	}
	if err := l.WriteFile(p.lut); err != nil {
		p.Fatal(err)
	}
	if err := a.WriteFile(p.acc, p.net); err != nil {
		p.Fatal(err)
	}
}

// served counts the images of the test split, from number from to number to, that the level k of a service classifies correctly: over HTTP, as PNG files.
func (p *promise) served(h http.Handler, k, from, to int) (correct int) {
	p.Helper()
	if code, text := posted(h, "/subnet", "application/json", []byte(`{"subnet": `+strconv.Itoa(k)+`}`)); code != http.StatusOK {
		p.Fatal(text)
	}
	set, err := data.Open(images, "test", data.Size{})
	if err != nil {
		p.Fatal(err)
	}
	pixels := make([]byte, set.Height*set.Width)
	for i := from; i < to; i++ {
		if err := set.Read(i, pixels); err != nil {
			p.Fatal(err)
		}
		var file bytes.Buffer
		if err := png.Encode(&file, &image.Gray{Pix: pixels, Stride: set.Width, Rect: image.Rect(0, 0, set.Width, set.Height)}); err != nil {
			p.Fatal(err)
		}
		code, text := posted(h, "/predict", "image/png", file.Bytes())
		var answer struct{ Class, Level int }
		if err := json.Unmarshal([]byte(text), &answer); err != nil || code != http.StatusOK || answer.Level != k {
			p.Fatalf("image %d: %d, %s, %v", i, code, text, err)
		}
		if answer.Class == int(set.Labels[i]) {
			correct++
		}
	}
	return correct
}

func posted(h http.Handler, path, typ string, body []byte) (int, string) {
	r := httptest.NewRequest(http.MethodPost, path, bytes.NewReader(body))
	r.Header.Set("Content-Type", typ)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// TestPromises: a bundle of every committed tuned model keeps what its manifest says. On the images that it was counted on, every level that is served
// has the same ones right; on others its accuracy is within three standard errors.
func TestPromises(t *testing.T) {
	needs.Clone(t)
	levels, counted, others := 3, 200, 400
	if testing.Short() {
		levels, counted, others = 2, 40, 80
	}
	for _, net := range []*supernet.Net{mobilenetv2.Definition(), mobilenetv3.Definition(), resnet50.Definition(), vit.Definition()} {
		t.Run(net.Package, func(t *testing.T) {
			if net.Package != "mobilenetv2" {
				needs.Time(t)
			}
			dir := t.TempDir()
			p := &promise{t, net, "../../../generated/models/" + net.Package + "_tuned.onnx", filepath.Join(dir, "net.lut"), filepath.Join(dir, "net.acc"), filepath.Join(dir, "bundle"), counted}
			p.tables(100)
			p.run("export", "--lut", p.lut, "--accuracy", p.acc, "--model", p.weights, "--front", strconv.Itoa(levels), "--dir", p.dir, "--data", images)
			p.keeps(others)
		})
	}
}

// keeps compares what the bundle says with what it serves.
func (p *promise) keeps(others int) {
	p.Helper()
	b, err := bundle.Open(p.dir, p.net)
	if err != nil {
		p.Fatal(err)
	}
	s, err := adapt.New(p.net, b, embedded.New(embedded.Options{Threads: 1}), adapt.Options{Workers: 1})
	if err != nil {
		p.Fatal(err)
	}
	defer s.Close(p.Context())
	h := adapt.Handler(s, options().Transform)
	for k, level := range s.Levels() {
		q, n, m := level.Accuracy, float64(p.counted), float64(others)
		got := p.served(h, k, 0, p.counted)
		if float64(got) != math.Round(n*q) {
			p.Errorf("%s: %d of %d images are served right, the manifest promises %.0f", level.SubNet.SubNet, got, p.counted, n*q)
		}
		rest := float64(p.served(h, k, p.counted, p.counted+others)) / m
		pooled := (q*n + rest*m) / (n + m)
		if most := 3 * math.Sqrt(pooled*(1-pooled)*(1/n+1/m)); math.Abs(rest-q) > most {
			p.Errorf("%s: %.2f %% of %d other images are served right, %.2f %% were promised, which is more than %.2f %% away", level.SubNet.SubNet, 100*rest, others, 100*q, 100*most)
		}
		p.Logf("promise: %s, level %d: %d of %d served, %.2f %% of %d others; the manifest says %.2f %% (%s)", p.net.Package, k, got, p.counted, 100*rest, others, 100*q, level.SubNet.SubNet)
	}
}
