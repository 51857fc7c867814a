package lut

import (
	"fmt"
	"math"
	"time"

	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// Calibration maps what a network's kernels were measured to take to its latency: Scale times their sum plus Constant. It is fitted to a few networks
// that were measured end to end. The zero Calibration is none.
type Calibration struct {
	Scale    float64
	Constant time.Duration // negative where kernels take less in small networks than in those that they were measured in
	Networks int           // that it was fitted to
}

// String is the header's form, "" for none.
func (c Calibration) String() string {
	if c == (Calibration{}) {
		return ""
	}
	return fmt.Sprintf("%.6f %d %d", c.Scale, c.Constant.Nanoseconds(), c.Networks)
}

// parseCalibration is the inverse of String.
func parseCalibration(text string) (c Calibration, err error) {
	if text == "" {
		return c, nil
	}
	var constant int64
	n, err := fmt.Sscanf(text, "%f %d %d", &c.Scale, &constant, &c.Networks)
	c.Constant = time.Duration(constant)
	// what is parsed is what is written
	if err != nil || n != 3 || !(c.Scale >= 0.01 && c.Scale <= 100) || c.Constant.Abs() > time.Duration(maxDuration) || c.Networks < 1 || c.String() != text {
		return Calibration{}, fmt.Errorf("calibration is %q, want a scale from 0.01 to 100, nanoseconds and the number of networks", text)
	}
	return c, nil
}

// sum adds up the rows under the header's rules, under the calibration, times a factor.
func (t *Table) sum(net *supernet.Net, factor float64) (*space.Sum, error) {
	c := t.Header.Calibration
	if c == (Calibration{}) {
		c.Scale = 1
	}
	rows, err := net.Sum(t.Header.Rules, func(id supernet.ID) int64 {
		return int64(math.Round(factor * c.Scale * float64(t.Rows[id].Took())))
	})
	if err != nil {
		return nil, err
	}
	sum := rows.Plus(int64(math.Round(factor * float64(c.Constant))))
	if c.Constant < 0 && sum.Least() <= 0 {
		return nil, fmt.Errorf("latency table: under its calibration, %s, small SubNets would take no time; profile again, to another file", c)
	}
	return sum, nil
}
