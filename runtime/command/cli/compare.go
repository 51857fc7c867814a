package cli

import (
	"errors"
	"fmt"
	"math"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
)

// comparison has the results of several engines for one network and the same made-up inputs.
type comparison struct {
	graph   *nn.Graph // without open axes
	weights nn.Weights
	in      []nn.Tensor // chosen by the first engine
	results [][]float64 // of each engine, all outputs one after the other
}

// add runs the network on one more engine. The first engine determines the inputs: masks with which its results are finite, if there are such masks.
func (k *comparison) add(e engine.Engine) (err error) {
	s, err := e.Compile(k.graph, k.weights)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	if k.in != nil {
		out, err := run(s, k.in)
		k.results = append(k.results, out)
		return err
	}
	for _, f := range []nn.Flags{nn.MixedFlags, nn.OnesFlags, nn.ZerosFlags} {
		in := nn.Feed{Weights: k.weights, Flags: f}.Inputs(k.graph)
		out, err := run(s, in)
		if err != nil {
			return err
		}
		if k.in == nil {
			k.in, k.results = in, [][]float64{out}
		}
		if finite(out) {
			k.in, k.results = in, [][]float64{out}
			break
		}
	}
	return nil
}

// run returns all outputs one after the other.
func run(s engine.Session, in []nn.Tensor) ([]float64, error) {
	out, err := s.Run(in...)
	var all []float64
	for _, t := range out {
		all = append(all, t.Numbers()...)
	}
	return all, err
}

func finite(list []float64) bool {
	for _, v := range list {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// floor is the smallest root mean square by which a distance is divided. Engines round numbers near 1 by about 1e-7. A result that is almost zero, such as that of
// a sigmoid far from its threshold, is not more precise than that. A relative distance alone would be large for it.
const floor = 1e-6

// distance is the relative L2 distance of b from a. The root mean square of a counts as at least floor. Elements that are NaN in both do not count. NaN in only one of them
// is an error.
func distance(a, b []float64) (float64, error) {
	if len(a) != len(b) {
		return 0, fmt.Errorf("one result has %d numbers, the other %d", len(a), len(b))
	}
	var diff, norm float64
	for i := range a {
		switch d := a[i] - b[i]; {
		case math.IsNaN(a[i]) && math.IsNaN(b[i]), math.IsInf(a[i], 0) && a[i] == b[i]:
		case math.IsNaN(d) || math.IsInf(d, 0):
			return 0, fmt.Errorf("element %d of the results is %g on one engine and %g on the other", i, a[i], b[i])
		default:
			diff += d * d
			norm += a[i] * a[i]
		}
	}
	return math.Sqrt(diff / max(norm, floor*floor*float64(max(len(a), 1)))), nil
}
