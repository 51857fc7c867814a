package profile_test

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/autotailor/autotailor/generated/mobilenetv2"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/measure/profile"
	"github.com/autotailor/autotailor/runtime/space"
)

// steady is a meter of a device that draws two watts.
type steady struct{ calls int }

func (*steady) Window() time.Duration { return 100 * time.Microsecond }

func (s *steady) Measure(run func() error) (float64, error) {
	s.calls++
	start := time.Now()
	err := run()
	return 2e3 * time.Since(start).Seconds(), err
}

// TestMeter: every operator gets an energy, which the table keeps and predictions sum up.
func TestMeter(t *testing.T) {
	needs.Time(t)
	net, path := mobilenetv2.Definition(), filepath.Join(t.TempDir(), "a.lut")
	m := &steady{}
	table, err := profile.Run(t.Context(), net, embedded.New(embedded.Options{Threads: 1}), path, profile.Options{Runs: 3, Warmup: 1, Meter: m})
	if err != nil {
		t.Fatal(err)
	}
	measured := 0
	for _, r := range table.Rows {
		if r.Measured() {
			measured++
			if r.Energy <= 0 {
				t.Errorf("no energy: %+v", r)
			}
		}
	}
	if measured == 0 || m.calls != measured {
		t.Errorf("%d energies of %d operators", m.calls, measured)
	}
	sum, err := table.Energy(net, 0)
	if err != nil {
		t.Fatal(err)
	}
	if mJ := float64(sum.At(make(space.Genes, len(net.Choices)))) / 1e6; mJ <= 0 {
		t.Errorf("the original takes %v mJ", mJ)
	}
}
