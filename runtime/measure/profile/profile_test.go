package profile_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/measure/profile"
	"github.com/autotailor/autotailor/runtime/nn"
)

// moody is an engine that cannot compile one kind of operator, and counts what it compiles.
type moody struct {
	engine.Engine // hides that it can trace
	refuses       string
	compiled      int
}

func (m *moody) Compile(g *nn.Graph, w nn.Weights) (engine.Session, error) {
	m.compiled++
	if g.Nodes[0].Type == m.refuses {
		return nil, errors.New("not in the mood")
	}
	return m.Engine.Compile(g, w)
}

// TestFailuresAreRows: what cannot be measured is marked, is never free, and is tried again by the next run.
func TestFailuresAreRows(t *testing.T) {
	needs.Time(t)
	net, path := mobilenetv2.Definition(), filepath.Join(t.TempDir(), "a.lut")
	e := &moody{Engine: embedded.New(embedded.Options{Threads: 1}), refuses: "Gemm"}
	table, err := profile.Run(t.Context(), net, e, path, profile.Options{Runs: 1, Warmup: 1})
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for id, r := range table.Rows {
		if r.Failed != "" {
			failed++
			if !strings.HasPrefix(net.Ops[id].Steps, "Gemm") || r.Measured() {
				t.Errorf("%+v", r)
			}
		}
	}
	if _, err := table.Sum(net); failed == 0 || err == nil || !strings.Contains(err.Error(), "not in the mood") {
		t.Errorf("%d failed rows; a prediction that needs one: %v", failed, err)
	}
	first := e.compiled
	e.refuses = ""
	if table, err = profile.Run(t.Context(), net, e, path, profile.Options{Runs: 1, Warmup: 1}); err != nil {
		t.Fatal(err)
	}
	if again := e.compiled - first; again != failed {
		t.Errorf("the second run measured %d operators, %d were missing", again, failed)
	}
	if _, err := table.Sum(net); err != nil {
		t.Error(err)
	}
}

// TestCancelledRunKeepsWhatItHas: the file after a cancelled run is a prefix of the work, and the next run does the rest.
func TestCancelledRunKeepsWhatItHas(t *testing.T) {
	needs.Time(t)
	net, path := mobilenetv2.Definition(), filepath.Join(t.TempDir(), "a.lut")
	e := &moody{Engine: embedded.New(embedded.Options{Threads: 1})}
	ctx, cancel := context.WithCancel(t.Context())
	o := profile.Options{Runs: 1, Warmup: 1, Progress: func(p profile.Progress) {
		if p.Done >= 40 {
			cancel()
		}
	}}
	if _, err := profile.Run(ctx, net, e, path, o); !errors.Is(err, context.Canceled) {
		t.Fatalf("%v", err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), " -> "); n < 40 || n > 100 {
		t.Errorf("%d rows after 40 of many operators", n)
	}
	before := e.compiled
	o.Progress = nil
	table, err := profile.Run(t.Context(), net, e, path, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.Sum(net); err != nil {
		t.Error(err)
	}
	if total := e.compiled; total-before > total-40 {
		t.Errorf("compiled %d operators, then %d more", before, total-before)
	}
}

// TestNetwork measures something.
func TestNetwork(t *testing.T) {
	g, err := nn.Record(func(b nn.Builder) {
		x := b.Input("x", nn.Float32, nn.Shape{nn.Batch, 8, 8, 8})
		b.Output("y", b.Act(x, nn.Sigmoid()))
	})
	if err != nil {
		t.Fatal(err)
	}
	row, err := profile.Network(t.Context(), g, nn.MapWeights{}, embedded.New(embedded.Options{Threads: 1}), profile.Options{Runs: 5})
	if err != nil || row.N != 5 || row.Min <= 0 || row.Median < row.Min {
		t.Errorf("%+v, %v", row, err)
	}
}
