package sensitivity_test

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/train/data"
	"github.com/autotailor/autotailor/runtime/train/sensitivity"
)

var transform = data.Transform{Pad: 2, Mean: []float32{0.2860}, Std: []float32{0.3530}}

func evaluator(t *testing.T, images int) *sensitivity.Evaluator {
	t.Helper()
	w, err := onnxfile.Open("../../../generated/models/mobilenetv2.onnx")
	if err != nil {
		t.Fatal(err)
	}
	set, err := data.Open("../../../generated/data/fashion-mnist", "test", data.Size{})
	if err != nil {
		t.Fatal(err)
	}
	return &sensitivity.Evaluator{
		Net: mobilenetv2.Definition(), Engine: embedded.New(embedded.Options{}), Weights: w,
		Samples: data.Source{Transform: transform, Set: set.Slice(0, images)}, Options: sensitivity.Options{Batch: 32},
	}
}

// TestHeaderNamesTheWeights: a table knows the file that was counted, without the folders of this machine, and its digest.
func TestHeaderNamesTheWeights(t *testing.T) {
	e := evaluator(t, 1)
	if h := e.Header(); h.Model != "mobilenetv2.onnx" || h.Weights != e.Net.Source.SHA256 {
		t.Errorf("%+v", h)
	}
	m := *e.Weights.(*onnxfile.Model)
	m.Path = filepath.Join("models", "tuned.onnx")
	e.Weights = &m
	if h := e.Header(); h.Model != "models/tuned.onnx" {
		t.Errorf("%+v", h)
	}
}

// TestCount counts image by image, at two resolutions; the original classifies most images.
func TestCount(t *testing.T) {
	needs.Clone(t)
	e := evaluator(t, 75) // no multiple of the batch
	for _, text := range []string{"original", "resolution=24,stage1.0.expand=4"} {
		g, err := e.Net.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Count(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		graph, err := e.Net.Record(g)
		if err != nil {
			t.Fatal(err)
		}
		s, err := e.Engine.Compile(graph, e.Weights)
		if err != nil {
			t.Fatal(err)
		}
		want := 0
		for i := range e.Samples.Len() {
			x, err := transform.Batch(e.Samples.(data.Source).Set, i, i+1, graph.Values[graph.Inputs[0]].Shape[2])
			if err != nil {
				t.Fatal(err)
			}
			out, err := s.Run(x)
			if err != nil {
				t.Fatal(err)
			}
			best := 0
			for k, v := range out[0].Float32s() {
				if v > out[0].Float32s()[best] {
					best = k
				}
			}
			if best == int(e.Samples.(data.Source).Set.Labels[i]) {
				want++
			}
		}
		if got != want || text == "original" && got < 60 {
			t.Errorf("%s: %d correct, one by one %d of %d", text, got, want, e.Samples.Len())
		}
	}
}

// TestRecalibrationHelps: a SubNet at half the resolution classifies more images with statistics of its own.
func TestRecalibrationHelps(t *testing.T) {
	needs.Clone(t)
	e := evaluator(t, 300)
	g, err := e.Net.Parse("resolution=20")
	if err != nil {
		t.Fatal(err)
	}
	before, err := e.Count(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	train, err := data.Open("../../../generated/data/fashion-mnist", "train", data.Size{})
	if err != nil {
		t.Fatal(err)
	}
	e.Options.Calibration = data.Source{Transform: transform, Set: train.Slice(0, 300)}
	after, err := e.Count(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	if after <= before {
		t.Errorf("%d correct with the original's statistics, %d with its own", before, after)
	}
}

// TestRunResumes: a cancelled run keeps its counts, and the next one adds only the rest.
func TestRunResumes(t *testing.T) {
	needs.Clone(t)
	e := evaluator(t, 10)
	path := filepath.Join(t.TempDir(), "a.acc")
	ctx, cancel := context.WithCancel(t.Context())
	e.Options.Progress = func(done, _ int, _ time.Duration) {
		if done == 5 {
			cancel()
		}
	}
	if _, err := e.Run(ctx, path); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	rest := 0
	e.Options.Progress = func(_, total int, _ time.Duration) { rest = total }
	table, err := e.Run(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	all := 1 + len(space.Probes(e.Net.Choices))
	if rest != all-5 {
		t.Errorf("%d left after 5 of %d", rest, all)
	}
	if _, err := table.Penalty(e.Net); err != nil {
		t.Error(err)
	}
}
