package sensitivity_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/train/data"
	"github.com/autotailor/autotailor/runtime/train/sensitivity"
)

// meter is an engine that counts how many operators it has run, once for each image.
type meter struct {
	*embedded.Engine
	operators int
}

type metered struct {
	engine.Session
	meter *meter
	nodes int
}

func (m *meter) Compile(g *nn.Graph, w nn.Weights) (engine.Session, error) {
	s, err := m.Engine.Compile(g, w)
	return metered{s, m, len(g.Nodes)}, err
}

func (s metered) Run(in ...nn.Tensor) ([]nn.Tensor, error) {
	s.meter.operators += s.nodes * in[0].Shape[0]
	return s.Session.Run(in...)
}

// calibrated is an evaluator of MobileNetV2 that recalibrates.
func calibrated(t *testing.T) (*sensitivity.Evaluator, *meter) {
	t.Helper()
	e := evaluator(t, 24)
	train, err := data.Open("../../../generated/data/fashion-mnist", "train", data.Size{})
	if err != nil {
		t.Fatal(err)
	}
	m := &meter{Engine: embedded.New(embedded.Options{})}
	e.Engine, e.Options.Calibration = m, data.Source{Transform: transform, Set: train.Slice(0, 16)}
	return e, m
}

// TestProbesShareTheOriginalsBeginning: with what is kept, a little of it or nothing, the counts are those of each probe alone, and the more
// is kept the fewer operators run.
func TestProbesShareTheOriginalsBeginning(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	e, m := calibrated(t)
	alone := map[string]int{}
	probes := space.Probes(e.Net.Choices)
	for _, g := range probes {
		n, err := e.Count(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		alone[space.Format(e.Net.Choices, g)] = n
	}
	all, last := m.operators, m.operators*2
	for _, keep := range []int{-1, 4 * 40 * 8 * 8 * 24, 0} {
		m.operators, e.Options.Keep = 0, keep
		table, err := e.Run(t.Context(), filepath.Join(t.TempDir(), "a.acc"))
		if err != nil {
			t.Fatal(err)
		}
		if m.operators >= last {
			t.Errorf("with %d bytes kept %d operators ran, with less %d", keep, m.operators, last)
		}
		last = m.operators
		for _, g := range probes {
			text := space.Format(e.Net.Choices, g)
			if got := counted(table, g); got != alone[text] {
				t.Errorf("%d bytes kept, %s: %d in the table, %d alone", keep, text, got, alone[text])
			}
		}
	}
	if last > all*6/10 {
		t.Errorf("%d operators ran, alone %d", last, all)
	}
}

// counted is what a table has for a probe.
func counted(t *accuracy.Table, probe space.Genes) int {
	for i, v := range probe {
		if v != 0 {
			return t.Correct[i][v]
		}
	}
	return t.Base
}

// TestStoppedTrunkGoesOnTheSame: wherever a run was stopped, the next one counts the rest as one that was not.
func TestStoppedTrunkGoesOnTheSame(t *testing.T) {
	needs.Time(t)
	needs.Clone(t)
	e, _ := calibrated(t)
	dir := t.TempDir()
	whole, err := e.Run(t.Context(), filepath.Join(dir, "whole.acc"))
	if err != nil {
		t.Fatal(err)
	}
	for _, stop := range []int{19} {
		path := filepath.Join(dir, fmt.Sprintf("every%d.acc", stop))
		var again *accuracy.Table
		for again == nil {
			ctx, cancel := context.WithCancel(t.Context())
			e.Options.Progress = func(done, _ int, _ time.Duration) {
				if done == stop {
					cancel()
				}
			}
			table, err := e.Run(ctx, path)
			cancel()
			if err == nil {
				again = table
			} else if !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		e.Options.Progress = nil
		for _, g := range space.Probes(e.Net.Choices) {
			if got, want := counted(again, g), counted(whole, g); got != want {
				t.Errorf("stopped after every %d: %s has %d, want %d", stop, space.Format(e.Net.Choices, g), got, want)
			}
		}
	}
}

// TestTrunkOnONNXRuntime: another engine counts the same, probe by probe.
func TestTrunkOnONNXRuntime(t *testing.T) {
	needs.Time(t)
	lib, err := ort.Find()
	if err != nil {
		t.Skip("ONNX Runtime is the oracle of this test: ", err)
	}
	e := evaluator(t, 24)
	want, err := e.Run(t.Context(), filepath.Join(t.TempDir(), "embedded.acc"))
	if err != nil {
		t.Fatal(err)
	}
	if e.Engine, err = ort.New(lib, ort.Options{Threads: 1}); err != nil {
		t.Fatal(err)
	}
	got, err := e.Run(t.Context(), filepath.Join(t.TempDir(), "onnxruntime.acc"))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range append(space.Probes(e.Net.Choices), make(space.Genes, len(e.Net.Choices))) {
		if counted(got, g) != counted(want, g) {
			t.Errorf("%s: %d, the embedded engine counts %d", space.Format(e.Net.Choices, g), counted(got, g), counted(want, g))
		}
	}
}
