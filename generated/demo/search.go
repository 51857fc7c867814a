package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/runtime/data"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/profile"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/sensitivity"
	"github.com/autotailor/autotailor/runtime/space"
)

// shares are the latency budgets, as parts of the original's.
var shares = []float64{1, 0.8, 0.6, 0.5, 0.4}

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
	front, certificate, err := mobilenetv2.Front(lut, acc, search.Options{})
	if err != nil {
		return err
	}
	fmt.Printf("exact Pareto front: %d SubNets in %v, exact: %v\n\n", len(front), certificate.Elapsed.Round(time.Microsecond), certificate.Exact)
	m, err := newMeter(n)
	if err != nil {
		return err
	}
	original := lut.Latency(mobilenetv2.SubNet{})
	fmt.Printf("%8s  %22s  %22s  %9s  %s\n", "budget", "latency ms (measured)", "accuracy % (measured)", "MMACs", "SubNet")
	for _, share := range shares {
		budget := time.Duration(share * float64(original))
		best, err := mobilenetv2.Best(lut, acc, budget)
		if err != nil {
			return err
		}
		ms, correct, w, err := m.measure(s.ctx, best.SubNet)
		if err != nil {
			return err
		}
		fmt.Printf("%5.3f ms  %12.3f (%7.3f)  %12.2f (%7.2f)  %9.2f  %v\n", float64(budget)/1e6,
			float64(best.Latency)/1e6, ms, 100*best.Accuracy, 100*correct, float64(best.SubNet.MACs())/1e6, best.SubNet)
		if err := export(s.file(fmt.Sprintf("best-%.0f%%.onnx", 100*share)), best.SubNet, w); err != nil {
			return err
		}
	}
	fmt.Printf("\nexported to %s\n", filepath.Join(s.out, "best-*.onnx"))
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
	w, err := onnxfile.Open(model)
	if err != nil {
		return nil, err
	}
	train, err := data.Open(images, "train")
	if err != nil {
		return nil, err
	}
	test, err := data.Open(images, "test")
	if err != nil {
		return nil, err
	}
	m := &meter{engine: embedded.New(embedded.Options{}), single: embedded.New(embedded.Options{Threads: 1})}
	m.eval = sensitivity.Evaluator{Net: mobilenetv2.Definition(), Engine: m.engine, Weights: w, Images: test.Slice(0, n), Options: sensitivity.Options{
		Transform: data.Transform{Pad: 2, Mean: []float32{0.2860}, Std: []float32{0.3530}}, Calibration: train.Slice(0, 300),
	}}
	return m, nil
}

// measure returns latency in milliseconds, accuracy, and the weights with recalibrated statistics.
func (m *meter) measure(ctx context.Context, s mobilenetv2.SubNet) (ms, accuracy float64, w nn.Weights, err error) {
	genes, err := space.Parse(m.eval.Net.Choices, s.String())
	if err != nil {
		return 0, 0, nil, err
	}
	graph, w, _, err := m.eval.Prepare(ctx, genes)
	if err != nil {
		return 0, 0, nil, err
	}
	row, err := profile.Network(ctx, graph, w, m.single, profile.Options{})
	if err != nil {
		return 0, 0, nil, err
	}
	correct, err := m.eval.Correct(ctx, genes)
	return float64(row.Median.Nanoseconds()) / 1e6, float64(correct) / float64(m.eval.Images.N), w, err
}

func export(path string, s mobilenetv2.SubNet, w nn.Weights) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	return errors.Join(s.ExportONNX(f, w), f.Close())
}
