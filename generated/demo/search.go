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
	"time"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
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
	lut, err := load(s.file("latency.lut"), mobilenetv2.ReadLUT)
	if err != nil {
		return err
	}
	acc, err := load(s.file("accuracy.acc"), mobilenetv2.ReadAccuracy)
	if err != nil {
		return err
	}
	front, err := mobilenetv2.Front(s.ctx, mobilenetv2.Search{LUT: lut, Accuracy: acc})
	if err != nil {
		return err
	}
	fmt.Printf("Pareto front: %d SubNets in %v, exact: %v\n\n", len(front.Points), front.Certificate.Elapsed.Round(time.Microsecond), front.Certificate.Exact)
	m, err := newMeter(n)
	if err != nil {
		return err
	}
	original := lut.Latency(mobilenetv2.SubNet{})
	fmt.Printf("%8s  %21s  %21s  %7s  %7s  %8s  %s\n", "budget", "latency ms (measured)", "accuracy % (measured)", "MMACs", "params", "export", "choices")
	for _, share := range shares {
		budget := time.Duration(share * float64(original))
		best, err := mobilenetv2.Best(s.ctx, mobilenetv2.Search{LUT: lut, Accuracy: acc, Limits: mobilenetv2.Limits{Latency: budget}})
		if err != nil {
			return err
		}
		ms, correct, w, err := m.measure(s.ctx, best.SubNet)
		if err != nil {
			return err
		}
		off, err := export(s.file(fmt.Sprintf("best-%.0f.onnx", 100*share)), best.SubNet, w)
		if err != nil {
			return err
		}
		fmt.Printf("%5.3f ms  %11.3f (%7.3f)  %11.2f (%7.2f)  %7.2f  %7d  %8.1g  %v\n", float64(budget)/1e6,
			float64(best.Latency)/1e6, ms, 100*best.Quality.Value, 100*correct, float64(best.SubNet.MACs())/1e6, best.SubNet.Params(), off, best.SubNet)
	}
	fmt.Printf("\nExported to %s; column export is how far the file, read back and run, is from the SuperNet (relative L2).\n", filepath.Join(s.out, "best-*.onnx"))
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
	engine *embedded.Engine
	single *embedded.Engine // for latency
	eval   sensitivity.Evaluator
}

func newMeter(n int) (*meter, error) {
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
	m := &meter{engine: embedded.New(embedded.Options{}), single: embedded.New(embedded.Options{Threads: 1})}
	m.eval = sensitivity.Evaluator{Net: mobilenetv2.Definition(), Engine: m.engine, Weights: w, Samples: data.Source{Transform: transform, Set: test.Slice(0, n)}, Options: sensitivity.Options{
		Calibration: data.Source{Transform: transform, Set: train.Slice(0, 300)},
	}}
	return m, nil
}

// measure returns latency in milliseconds, accuracy, and the weights with recalibrated statistics.
func (m *meter) measure(ctx context.Context, s mobilenetv2.SubNet) (ms, accuracy float64, w nn.Weights, err error) {
	genes, err := space.Parse(m.eval.Net.Choices, s.String())
	if err != nil {
		return 0, 0, nil, err
	}
	graph, w, err := m.eval.Prepare(ctx, genes)
	if err != nil {
		return 0, 0, nil, err
	}
	row, err := profile.Network(ctx, graph, w, m.single, profile.Options{})
	if err != nil {
		return 0, 0, nil, err
	}
	correct, err := m.eval.Count(ctx, genes)
	return float64(row.Median.Nanoseconds()) / 1e6, float64(correct) / float64(m.eval.Samples.Len()), w, err
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
