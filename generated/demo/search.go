package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/measure/profile"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/train/data"
	"github.com/autotailor/autotailor/runtime/train/sensitivity"
)

// shares are the latency budgets, as parts of the original's.
var shares = []float64{0.8, 0.5, 0.25}

// search finds the best SubNet for some budgets with the generated, typed code, measures it and exports it.
func (s session) search(n int) error {
	title("4. The best SubNet for every budget: predicted, then measured")
	latencies, err := load(s.file("latency.lut"), mobilenetv2.ReadLUT)
	if err != nil {
		return err
	}
	acc, err := load(s.file("accuracy.acc"), mobilenetv2.ReadAccuracy)
	if err != nil {
		return err
	}
	front, err := mobilenetv2.Front(s.ctx, mobilenetv2.Search{LUT: latencies, Accuracy: acc})
	if err != nil {
		return err
	}
	fmt.Printf("Pareto front: %d SubNets in %v, exact: %v\n\n", len(front.Points), front.Certificate.Elapsed.Round(time.Microsecond), front.Certificate.Exact)
	m, err := newMeter(s.file("latency.lut"), n)
	if err != nil {
		return err
	}
	defer m.clock.Close()
	original := mobilenetv2.Point{SubNet: mobilenetv2.SubNet{}, Latency: latencies.Latency(mobilenetv2.SubNet{})}
	original.Quality.Value = acc.Predict(mobilenetv2.SubNet{})
	fmt.Printf("%10s  %14s  %17s  %10s  %15s  %6s  %7s  %7s  %s\n", "budget", "predicted ms", "measured ms", "predicted", "counted %", "MMACs", "params", "export", "choices")
	if err := s.row(m, "original", original); err != nil {
		return err
	}
	for k, p := range chosen(front.Points, original.Latency) {
		if err := s.row(m, fmt.Sprintf("%.0f %%", 100*shares[k]), p); err != nil {
			return err
		}
	}
	fmt.Printf("\nLatencies were measured in turns with the reference SubNet of the table; ± is half of what lies between the quartiles. Accuracies were counted on %d images; ± is "+
		"the standard error.\nExported to %s; column export is how far the file, read back and run, is from the SuperNet (relative L2).\n", n, filepath.Join(s.out, "*.onnx"))
	return nil
}

// chosen are, for each share of the original's latency, the best SubNet of a front within it that is not among the ones before.
func chosen(points []mobilenetv2.Point, original time.Duration) (list []mobilenetv2.Point) {
	for _, share := range shares {
		at := len(points) - 1
		for at > 0 && float64(points[at].Latency) > share*float64(original) {
			at--
		}
		list, points = append(list, points[at]), points[:max(at, 1)]
	}
	return list
}

// row measures a SubNet, counts its accuracy, exports it, and prints all of that.
func (s session) row(m *meter, name string, p mobilenetv2.Point) error {
	took, correct, w, err := m.measure(s.ctx, p.SubNet)
	if err != nil {
		return err
	}
	file := strings.TrimSuffix(name, " %")
	if file != name {
		file = "best-" + file
	}
	off, err := export(s.file(file+".onnx"), p.SubNet, w)
	if err != nil {
		return err
	}
	ms := func(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
	deviation := math.Sqrt(correct * (1 - correct) / float64(m.eval.Samples.Len()))
	fmt.Printf("%10s  %14.3f  %8.3f ± %6.3f  %8.2f %%  %7.2f ± %5.2f  %6.2f  %7d  %7.1g  %v\n", name, ms(p.Latency), ms(took.Median), ms(took.Spread)/2,
		100*p.Quality.Value, 100*correct, 100*deviation, float64(p.SubNet.MACs())/1e6, p.SubNet.Params(), off, p.SubNet)
	return nil
}

func load[T any](path string, read func(r io.Reader) (T, error)) (T, error) {
	f, err := os.Open(path)
	if err != nil {
		var zero T
		return zero, err
	}
	defer f.Close()
	return read(f)
}

// meter measures SubNets on the machine and on images.
type meter struct {
	clock *profile.Clock // measures latency in turns with the reference of a table
	eval  sensitivity.Evaluator
}

// newMeter measures latencies as a table was made, and counts on n test images.
func newMeter(table string, n int) (*meter, error) {
	w, err := onnxfile.Open(tuned)
	if err != nil {
		return nil, err
	}
	train, err := data.Open(images, "train", data.Size{})
	if err != nil {
		return nil, err
	}
	test, err := data.Open(images, "test", data.Size{})
	if err != nil {
		return nil, err
	}
	l, err := load(table, lut.Parse)
	if err != nil {
		return nil, err
	}
	m := &meter{}
	if m.clock, err = profile.NewClock(mobilenetv2.Definition(), embedded.New(embedded.Options{Threads: 1}), w, l.Header.Reference); err != nil {
		return nil, err
	}
	m.eval = sensitivity.Evaluator{Net: mobilenetv2.Definition(), Engine: embedded.New(embedded.Options{}), Weights: w, Samples: data.Source{Transform: transform, Set: test.Slice(0, n)}, Options: sensitivity.Options{
		Calibration: data.Source{Transform: transform, Set: train.Slice(0, 300)},
	}}
	return m, nil
}

// Rounds of two runs of each SubNet, and the time that they may take.
const (
	rounds    = 60
	roundTime = 2 * time.Second
)

// measure returns latency, accuracy, and the weights with recalibrated statistics.
func (m *meter) measure(ctx context.Context, s mobilenetv2.SubNet) (took lut.Row, accuracy float64, w nn.Weights, err error) {
	genes, err := space.Parse(m.eval.Net.Choices, s.String())
	if err != nil {
		return took, 0, nil, err
	}
	if _, w, err = m.eval.Prepare(ctx, genes); err != nil {
		return took, 0, nil, err
	}
	if took, err = m.clock.Network(ctx, genes, rounds, roundTime); err != nil {
		return took, 0, nil, err
	}
	correct, err := m.eval.Count(ctx, genes)
	return took, float64(correct) / float64(m.eval.Samples.Len()), w, err
}

// export writes a SubNet, reads the file back as a stranger would, and returns how far its result is from the SuperNet's.
func export(path string, s mobilenetv2.SubNet, w nn.Weights) (float64, error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	if err := errors.Join(s.ExportONNX(f, w, mobilenetv2.ExportOptions{}), f.Close()); err != nil {
		return 0, err
	}
	want, err := nn.Record(s.Build)
	if err != nil {
		return 0, err
	}
	got, err := gen.Network(path)
	if err != nil {
		return 0, err
	}
	own, err := onnxfile.Open(path)
	if err != nil {
		return 0, err
	}
	a, err := evaluate(want, w)
	if err != nil {
		return 0, err
	}
	b, err := evaluate(got, own)
	return distance(a, b), err
}

// evaluate runs a network on a test image.
func evaluate(g *nn.Graph, w nn.Weights) ([]float32, error) {
	s, err := embedded.New(embedded.Options{}).Compile(g, w)
	if err != nil {
		return nil, err
	}
	test, err := data.Open(images, "test", data.Size{})
	if err != nil {
		return nil, err
	}
	side := g.Values[g.Inputs[0]].Shape[2]
	x, err := transform.Batch(test, 0, 1, side)
	if err != nil {
		return nil, err
	}
	out, err := s.Run(x)
	if err != nil {
		return nil, err
	}
	return slices.Clone(out[0].Float32s()), s.Close()
}

// distance is the relative L2 distance of b from a.
func distance(a, b []float32) float64 {
	var diff, norm float64
	for i := range a {
		d := float64(a[i]) - float64(b[i])
		diff += d * d
		norm += float64(a[i]) * float64(a[i])
	}
	return math.Sqrt(diff / norm)
}
