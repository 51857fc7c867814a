package lut

import (
	"fmt"
	"math"
	"time"

	"github.com/autotailor/autotailor/runtime/optable"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/terms"
)

// Calibration maps measured kernels to their part of a network's latency: Scale times what was measured plus PerKernel, at least 0. It is
// fitted to a few networks that were measured end to end. The zero Calibration is none.
type Calibration struct {
	Scale     float64
	PerKernel time.Duration // negative where the device's clock of single kernels takes time itself
	Networks  int           // that it was fitted to
}

// String is the header's form, "" for none.
func (c Calibration) String() string {
	if c == (Calibration{}) {
		return ""
	}
	return fmt.Sprintf("%.6f %d %d", c.Scale, c.PerKernel.Nanoseconds(), c.Networks)
}

// parseCalibration is the inverse of String.
func parseCalibration(text string) (c Calibration, err error) {
	if text == "" {
		return c, nil
	}
	var perKernel int64
	n, err := fmt.Sscanf(text, "%f %d %d", &c.Scale, &perKernel, &c.Networks)
	c.PerKernel = time.Duration(perKernel)
	// what is parsed is what is written
	if err != nil || n != 3 || !(c.Scale >= 0.01 && c.Scale <= 100) || c.PerKernel.Abs() > time.Duration(maxDuration) || c.Networks < 1 || c.String() != text {
		return Calibration{}, fmt.Errorf("calibration is %q, want a scale from 0.01 to 100, nanoseconds and the number of networks", text)
	}
	return c, nil
}

// of is what a row contributes to the latency of a network, in nanoseconds.
func (c Calibration) of(r Row) float64 {
	if c == (Calibration{}) {
		c.Scale = 1
	}
	sum := 0.0
	for _, took := range r.kernels() {
		sum += max(c.Scale*float64(took)+float64(c.PerKernel), 0)
	}
	return sum
}

// sum adds up the rows under the header's rules and the calibration, times a factor.
func (t *Table) sum(net *supernet.Net, factor float64) (*terms.Sum, error) {
	return net.Sum(t.Header.Rules, func(id optable.ID) int64 { return int64(math.Round(factor * t.Header.Calibration.of(t.Rows[id]))) })
}

// Kernels counts what a SubNet has measurements of: the operators that the runtime runs a kernel for, and changes of layout.
func (t *Table) Kernels(net *supernet.Net) (*terms.Sum, error) {
	return net.Sum(t.Header.Rules, func(id optable.ID) int64 { return int64(t.Rows[id].Kernels()) })
}
