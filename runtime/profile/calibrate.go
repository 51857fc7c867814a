package profile

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/space"
)

// Networks that a calibration is fitted to, and how they are measured.
const (
	calibrationNetworks = 10
	calibrationRounds   = 15
	calibrationLimit    = 3 * time.Second
)

// calibrate measures a few random SubNets of all sizes end to end and fits the table's calibration to them.
func calibrate(ctx context.Context, t *lut.Table, c *Clock) error {
	t.Header.Calibration = lut.Calibration{}
	sum, err := t.Sum(c.net)
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(3, 4))
	var draws []space.Genes
	for range 20 * calibrationNetworks {
		draws = append(draws, space.Random(c.net.Choices, rng))
	}
	slices.SortFunc(draws, func(a, b space.Genes) int { return int(sum.At(a) - sum.At(b)) })
	draws = slices.CompactFunc(draws, slices.Equal)
	n := min(calibrationNetworks, len(draws))
	var predicted, measured []float64
	for k := range n {
		g := draws[k*(len(draws)-1)/max(n-1, 1)]
		row, err := c.Network(ctx, g, calibrationRounds, calibrationLimit)
		if err != nil {
			return fmt.Errorf("calibration: SubNet %s: %w", space.Format(c.net.Choices, g), err)
		}
		predicted, measured = append(predicted, float64(sum.At(g))), append(measured, float64(row.Median))
	}
	scale, constant := fit(predicted, measured)
	t.Header.Calibration = lut.Calibration{Scale: math.Round(scale*1e6) / 1e6, Constant: time.Duration(constant), Networks: n}
	return nil
}

// fit finds scale and constant with the least squares of relative errors, and once more without the network that is furthest off. Where a
// line through the networks makes no sense, it fits the scale alone.
func fit(predicted, measured []float64) (scale, constant float64) {
	scale, constant = line(predicted, measured)
	if len(predicted) > 4 {
		worst, most := 0, -1.0
		for i := range predicted {
			if off := math.Abs((scale*predicted[i]+constant)/measured[i] - 1); off > most {
				worst, most = i, off
			}
		}
		scale, constant = line(slices.Delete(slices.Clone(predicted), worst, worst+1), slices.Delete(slices.Clone(measured), worst, worst+1))
	}
	if smallest := slices.Min(predicted); !(scale > 0.2 && scale < 5) || scale*smallest+constant < smallest/4 {
		var ratios []float64
		for i := range predicted {
			ratios = append(ratios, measured[i]/max(predicted[i], 1))
		}
		return median(ratios), 0
	}
	return scale, constant
}

// line minimises the sum of ((scale*x + constant)/y - 1)^2.
func line(x, y []float64) (scale, constant float64) {
	var aa, ab, bb, a, b float64
	for i := range x {
		u, v := x[i]/y[i], 1/y[i]
		aa, ab, bb, a, b = aa+u*u, ab+u*v, bb+v*v, a+u, b+v
	}
	d := aa*bb - ab*ab
	if d == 0 {
		return a / aa, 0
	}
	return (a*bb - b*ab) / d, (b*aa - a*ab) / d
}
