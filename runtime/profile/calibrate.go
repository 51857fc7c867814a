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
// middle, as uniform draws are. The time per kernel is near the expected one.
func calibrate(ctx context.Context, t *lut.Table, c *Clock, expected float64) error {
	t.Header.Calibration = lut.Calibration{}
	sum, err := t.Sum(c.net)
	if err != nil {
		return err
	}
	kernels, err := t.Kernels(c.net)
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
		all = append(all, calibrated{float64(sum.At(g)), float64(kernels.At(g)), float64(row.Median)})
	}
	scale, perKernel := fit(all, expected)
	t.Header.Calibration = lut.Calibration{Scale: math.Round(scale*1e6) / 1e6, PerKernel: time.Duration(perKernel), Networks: n}
	return nil
}

// calibrated is a network that was measured: the sum and number of its kernels, and its latency, in nanoseconds.
type calibrated struct{ sum, kernels, took float64 }

// off is how far a network is off, relative to its latency.
func (n calibrated) off(scale, perKernel float64) float64 {
	return math.Abs((scale*n.sum+perKernel*n.kernels)/n.took - 1)
}

// outlier is how far a network is off, against what the others tell, whose measurement went wrong. Sound ones are within 0.1.
const outlier = 0.15

// likely is how far a time per kernel is expected to be from what its context tells, in nanoseconds: what a runtime takes between two kernels is
// about that.
const likely = 100

// fit finds scale and time per kernel, which is near the expected one where the networks do not tell clearly. A network that was disturbed is left
// out. Where the two make no sense together, it fits the scale alone.
func fit(all []calibrated, expected float64) (scale, perKernel float64) {
	scale, perKernel = shrunk(undisturbed(all), expected, likely)
	senseless := func(n calibrated) bool { return scale*n.sum+perKernel*n.kernels < n.sum/4 }
	if !(scale > 0.2 && scale < 5) || slices.ContainsFunc(all, senseless) {
		var ratios []float64
		for _, n := range all {
			ratios = append(ratios, n.took/max(n.sum, 1))
		}
		return median(ratios), 0
	}
	return scale, perKernel
}

// undisturbed leaves out the network that is furthest off if that is an outlier.
func undisturbed(all []calibrated) []calibrated {
	if len(all) < 5 {
		return all
	}
	scale, perKernel := plane(all, 0, 0)
	worst := 0
	for i, n := range all {
		if n.off(scale, perKernel) > all[worst].off(scale, perKernel) {
			worst = i
		}
	}
	others := slices.Delete(slices.Clone(all), worst, worst+1)
	if scale, perKernel = plane(others, 0, 0); all[worst].off(scale, perKernel) > outlier {
		return others
	}
	return all
}

// shrunk fits scale and time per kernel by ridge regression of relative errors (Hoerl and Kennard, 1970): where the networks differ less in their
// times per kernel than they scatter, the time per kernel stays near what is expected, give or take what is likely.
func shrunk(all []calibrated, expected, likely float64) (scale, perKernel float64) {
	scale, perKernel = plane(all, 0, 0)
	scatter := 0.0
	for _, n := range all {
		scatter += math.Pow(n.off(scale, perKernel), 2) / float64(max(len(all)-2, 1))
	}
	return plane(all, scatter/(likely*likely), expected)
}

// plane minimises the sum of ((scale*sum + perKernel*kernels)/took - 1)^2, and ridge times the square of perKernel less the expected one.
func plane(all []calibrated, ridge, expected float64) (scale, perKernel float64) {
	aa, ab, bb, a, b := 0.0, 0.0, ridge, 0.0, ridge*expected
	for _, n := range all {
		u, v := n.sum/n.took, n.kernels/n.took
		aa, ab, bb, a, b = aa+u*u, ab+u*v, bb+v*v, a+u, b+v
	}
	d := aa*bb - ab*ab
	if d <= 1e-9*aa*bb { // all have the same time per kernel
		return a / aa, 0
	}
	return (a*bb - b*ab) / d, (b*aa - a*ab) / d
}
