package sensitivity_test

import (
	"context"
	"math"
	"testing"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/train/data"
	"github.com/autotailor/autotailor/runtime/train/sensitivity"
)

func contextOf(t *testing.T) (context.Context, context.CancelFunc) {
	return context.WithCancel(t.Context())
}

// reference computes small by its definition, in float64, loop by loop.
type reference struct {
	e           *sensitivity.Evaluator
	side, width int
	mean, vars  map[string][]float64 // of the normalisations "an" and "bn"
}

// planes are the channels of one image.
type planes [][]float64

func newReference(e *sensitivity.Evaluator, g space.Genes) *reference {
	r := &reference{e, sides[g[0]], widths[g[1]], map[string][]float64{}, map[string][]float64{}}
	for name, n := range map[string]int{"an": r.width, "bn": classes} {
		r.mean[name], r.vars[name] = r.weight(name + ".m")[:n], r.weight(name + ".v")[:n]
	}
	if e.Options.Calibration != nil {
		r.recalibrate(e.Options.Calibration.(data.Source))
	}
	return r
}

func (r *reference) weight(name string) []float64 {
	var out []float64
	for _, v := range r.e.Weights.(nn.MapWeights)[name].Float32s() {
		out = append(out, float64(v))
	}
	return out
}

// batches cuts a set into lists of images.
func (r *reference) batches(s data.Source) [][]planes {
	var out [][]planes
	for from := 0; from < s.Set.N; from += r.e.Options.Batch {
		var batch []planes
		for i := from; i < min(from+r.e.Options.Batch, s.Set.N); i++ {
			var plane []float64
			x, err := s.Transform.Batch(s.Set, i, i+1, r.side)
			if err != nil {
				panic(err) // images in memory have no errors
			}
			for _, v := range x.Float32s() {
				plane = append(plane, float64(v))
			}
			batch = append(batch, planes{plane})
		}
		out = append(out, batch)
	}
	return out
}

// recalibrate sets the statistics to the averages over batches of those that each batch has of its own.
func (r *reference) recalibrate(s data.Source) {
	mean, vars := map[string][]float64{}, map[string][]float64{}
	for _, batch := range r.batches(s) {
		r.scores(batch, func(name string, c int, values []*float64) (m, v float64) {
			for _, x := range values {
				m += *x / float64(len(values))
			}
			for _, x := range values {
				v += (*x - m) * (*x - m) / float64(len(values))
			}
			if mean[name] == nil {
				mean[name], vars[name] = make([]float64, inner), make([]float64, inner)
			}
			share := float64(len(batch)) / float64(s.Len())
			mean[name][c] += share * m
			vars[name][c] += share * v
			return m, v
		})
	}
	r.mean, r.vars = mean, vars
}

// scores runs a batch; moments tells the mean and variance that a channel is normalised with.
func (r *reference) scores(batch []planes, moments func(name string, c int, values []*float64) (m, v float64)) [][]float64 {
	a := r.convolve(batch, r.weight("a.w"), 1, 1, r.width)
	r.normalise(a, "an", moments)
	for _, image := range a {
		for _, plane := range image {
			for i := range plane {
				plane[i] = max(plane[i], 0)
			}
		}
	}
	b := r.convolve(a, r.weight("b.w"), r.width, inner, classes)
	r.normalise(b, "bn", moments)
	out := make([][]float64, len(batch))
	for n, image := range b {
		for _, plane := range image {
			sum := 0.0
			for _, v := range plane {
				sum += v
			}
			out[n] = append(out[n], sum/float64(len(plane)))
		}
	}
	return out
}

// convolve slides 3x3 windows over in channels, of the stored ones that w has for each output.
func (r *reference) convolve(batch []planes, w []float64, in, stored, out int) []planes {
	result := make([]planes, len(batch))
	for n, image := range batch {
		for o := range out {
			plane := make([]float64, r.side*r.side)
			for k := range plane {
				y, x := k/r.side, k%r.side
				for i := range in {
					for j := range 9 {
						if v, u := y+j/3-1, x+j%3-1; v >= 0 && v < r.side && u >= 0 && u < r.side {
							plane[k] += w[(o*stored+i)*9+j] * image[i][v*r.side+u]
						}
					}
				}
			}
			result[n] = append(result[n], plane)
		}
	}
	return result
}

func (r *reference) normalise(batch []planes, name string, moments func(string, int, []*float64) (m, v float64)) {
	scale, bias := r.weight(name+".s"), r.weight(name+".b")
	for c := range batch[0] {
		var values []*float64
		for n := range batch {
			for k := range batch[n][c] {
				values = append(values, &batch[n][c][k])
			}
		}
		m, v := moments(name, c, values)
		for _, x := range values {
			*x = (*x-m)/math.Sqrt(v+eps)*scale[c] + bias[c]
		}
	}
}

// count returns the number of correct images, and of those whose two best scores are too close to tell.
func (r *reference) count() (correct, undecided int) {
	i := 0
	for _, batch := range r.batches(r.e.Samples.(data.Source)) {
		for _, s := range r.scores(batch, func(name string, c int, _ []*float64) (m, v float64) { return r.mean[name][c], r.vars[name][c] }) {
			best, second := 0, math.Inf(-1)
			for k := 1; k < len(s); k++ {
				if s[k] > s[best] {
					best, second = k, s[best]
				} else {
					second = max(second, s[k])
				}
			}
			if s[best]-second < 1e-4 {
				undecided++
			}
			if best == int(r.e.Samples.(data.Source).Set.Labels[i]) {
				correct++
			}
			i++
		}
	}
	return correct, undecided
}

// compare checks the statistics in w: those of the SubNet's channels are the reference's, the others the model's.
func (r *reference) compare(t *testing.T, w nn.Weights) {
	t.Helper()
	for suffix, want := range map[string]map[string][]float64{".m": r.mean, ".v": r.vars} {
		for name, n := range map[string]int{"an": r.width, "bn": classes} {
			got, err := w.Tensor(name + suffix)
			if err != nil {
				t.Fatal(err)
			}
			model := r.weight(name + suffix)
			for i, v := range got.Float32s() {
				expected := model[i]
				if i < n {
					expected = want[name][i]
				}
				if math.Abs(float64(v)-expected) > 1e-4 {
					t.Errorf("%s[%d] is %g, want %g", name+suffix, i, v, expected)
				}
			}
		}
	}
}
