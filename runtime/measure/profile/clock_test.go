package profile_test

import (
	"math"
	"testing"
	"time"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/measure/profile"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// placed is an engine whose sessions take a millisecond, but for the first ones, and the later ones, which memory slows down or speeds up.
type placed struct {
	engine.Engine
	first []float64
	later float64
}

type placedSession struct {
	engine.Session
	took time.Duration
}

func (e *placed) Compile(*nn.Graph, nn.Weights) (engine.Session, error) {
	s := &placedSession{took: time.Duration(e.later * float64(time.Millisecond))}
	if len(e.first) > 0 {
		s.took, e.first = time.Duration(e.first[0]*float64(time.Millisecond)), e.first[1:]
	}
	return s, nil
}

func (s *placedSession) Run(...nn.Tensor) ([]nn.Tensor, error) { return nil, nil }
func (s *placedSession) Elapsed() time.Duration                { return s.took }
func (s *placedSession) Close() error                          { return nil }

// TestClockAges: what a process compiles late is slower, and the clock with it.
func TestClockAges(t *testing.T) {
	needs.Time(t)
	net := mobilenetv2.Definition()
	original := make(space.Genes, len(net.Choices))
	e := &placed{Engine: embedded.New(embedded.Options{Threads: 1}), first: []float64{1, 1, 1, 1}, later: 1.03}
	c, err := profile.NewClock(net, e, nil, space.Format(net.Choices, original)+" 1000000")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var row lut.Row
	for range 8 {
		if row, err = c.Network(t.Context(), original, 30, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	if off := float64(row.Median)/1e6 - 1; math.Abs(off) > 1e-3 {
		t.Errorf("off by %+.3f", off)
	}
}

// TestClockIsOfSeveralPlacements: one session of the reference that lies badly in memory does not change what the clock tells.
func TestClockIsOfSeveralPlacements(t *testing.T) {
	net := mobilenetv2.Definition()
	original := make(space.Genes, len(net.Choices))
	e := &placed{Engine: embedded.New(embedded.Options{Threads: 1}), first: []float64{1.05, 0.99, 1, 0.99}, later: 1}
	c, err := profile.NewClock(net, e, nil, space.Format(net.Choices, original)+" 1000000")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	row, err := c.Network(t.Context(), original, 30, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	if off := float64(row.Median)/1e6 - 1; math.Abs(off) > 0.011 {
		t.Errorf("off by %+.3f", off)
	}
}

// TestUnit: times of a table that was begun when the machine was slower are told as this clock tells them.
func TestUnit(t *testing.T) {
	net := mobilenetv2.Definition()
	original := space.Format(net.Choices, make(space.Genes, len(net.Choices)))
	c, err := profile.NewClock(net, &placed{Engine: embedded.New(embedded.Options{Threads: 1}), later: 1}, nil, original+" 1000000")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for reference, want := range map[string]float64{"": 1, original + " 1000000": 1, original + " 1250000": 0.8, "stage2.depth=1 1000000": 0, "nothing": 0} {
		got, err := c.Unit(lut.Header{Reference: reference})
		if (err != nil) != (want == 0) || err == nil && math.Abs(got-want) > 1e-12 {
			t.Errorf("%q: %v, %v, want %v", reference, got, err, want)
		}
	}
}
