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

// Networks that a calibration is fitted to, and how they are measured: they are few, so that the error of each counts.
const (
	calibrationNetworks = 10
	calibrationRounds   = 60
	calibrationLimit    = 4 * time.Second
)

// calibrate measures a few random SubNets end to end, from small to large ones, and fits the table's calibration to them. Most are of about the
// middle, as uniform draws are. The constant is near the expected one, in nanoseconds.
func calibrate(ctx context.Context, t *lut.Table, c *Clock, expected float64) error {
	t.Header.Calibration = lut.Calibration{}
	sum, err := t.Sum(c.net)
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(3, 4))
	var draws []space.Genes
	for range 5 * calibrationNetworks {
		for range 3 {
			draws = append(draws, space.Random(c.net.Choices, rng))
		}
		draws = append(draws, space.Sized(c.net.Choices, rng))
	}
	slices.SortFunc(draws, func(a, b space.Genes) int { return int(sum.At(a) - sum.At(b)) })
	draws = slices.CompactFunc(draws, slices.Equal)
	n := min(calibrationNetworks, len(draws))
	var all []calibrated
	for k := range n {
		g := draws[k*(len(draws)-1)/max(n-1, 1)]
		row, err := c.Network(ctx, g, calibrationRounds, calibrationLimit)
		if err != nil {
			return fmt.Errorf("calibration: SubNet %s: %w", space.Format(c.net.Choices, g), err)
		}
		all = append(all, calibrated{float64(sum.At(g)), float64(row.Median)})
	}
	scale, constant := fit(all, expected, float64(sum.Least()))
	t.Header.Calibration = lut.Calibration{Scale: math.Round(scale*1e6) / 1e6, Constant: time.Duration(constant), Networks: n}
	return nil
}

// calibrated is a network that was measured: the sum of its rows, and its latency, in nanoseconds.
type calibrated struct{ sum, took float64 }

// off is how far a network is off, relative to its latency.
func (n calibrated) off(scale, constant float64) float64 {
	return math.Abs((scale*n.sum+constant)/n.took - 1)
}

// outlier is how far a network is off, against what the others tell, whose measurement went wrong. Sound ones are within 0.1.
const outlier = 0.15

// likely is how far a constant is expected to be from what the covering SubNets tell, as a share of a middle network's latency.
const likely = 0.002

// fit finds scale and constant, which is near the expected one where the networks do not tell clearly. A network that was disturbed is left
// out. Where the two make no sense together, for these networks or one whose rows' sum is least, it fits the scale alone.
func fit(all []calibrated, expected, least float64) (scale, constant float64) {
	scale, constant = shrunk(undisturbed(all), expected, likely*middleOf(all))
	senseless := func(n calibrated) bool { return scale*n.sum+constant < n.sum/4 }
	if !(scale > 0.2 && scale < 5) || slices.ContainsFunc(append(slices.Clone(all), calibrated{sum: least}), senseless) {
		var ratios []float64
		for _, n := range all {
			ratios = append(ratios, n.took/max(n.sum, 1))
		}
		return median(ratios), 0
	}
	return scale, constant
}

// middleOf is the median latency.
func middleOf(all []calibrated) float64 {
	var took []float64
	for _, n := range all {
		took = append(took, n.took)
	}
	return median(took)
}

// undisturbed leaves out the network that is furthest off if that is an outlier.
func undisturbed(all []calibrated) []calibrated {
	if len(all) < 5 {
		return all
	}
	scale, constant := plane(all, 0, 0)
	worst := 0
	for i, n := range all {
		if n.off(scale, constant) > all[worst].off(scale, constant) {
			worst = i
		}
	}
	others := slices.Delete(slices.Clone(all), worst, worst+1)
	if scale, constant = plane(others, 0, 0); all[worst].off(scale, constant) > outlier {
		return others
	}
	return all
}

// shrunk fits scale and constant by ridge regression of relative errors (Hoerl and Kennard, 1970): where the networks' sizes differ little beside
// their scatter, the constant stays near what is expected, give or take what is likely, in nanoseconds.
func shrunk(all []calibrated, expected, likely float64) (scale, constant float64) {
	scale, constant = plane(all, 0, 0)
	scatter := 0.0
	for _, n := range all {
		scatter += math.Pow(n.off(scale, constant), 2) / float64(max(len(all)-2, 1))
	}
	return plane(all, scatter/(likely*likely), expected)
}

// plane minimises the sum of ((scale*sum + constant)/took - 1)^2, and ridge times the square of constant less the expected one.
func plane(all []calibrated, ridge, expected float64) (scale, constant float64) {
	aa, ab, bb, a, b := 0.0, 0.0, ridge, 0.0, ridge*expected
	for _, n := range all {
		u, v := n.sum/n.took, 1/n.took
		aa, ab, bb, a, b = aa+u*u, ab+u*v, bb+v*v, a+u, b+v
	}
	d := aa*bb - ab*ab
	if d <= 1e-9*aa*bb { // all are of one size
		return a / aa, 0
	}
	return (a*bb - b*ab) / d, (b*aa - a*ab) / d
}
