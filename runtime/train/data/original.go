package data

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/internal/quality"
	"github.com/autotailor/autotailor/runtime/nn"
)

// The metrics of Original.
const (
	Agreement = "agreement" // outputs that score classes agree where their best class is the same; others are compared by Distance
	Distance  = "distance"  // 1 less the distance from the original's output, relative to its length, but at least 0
)

// Original is the task of computing what the original network computes, which needs no targets: any network can be judged by it and trained for it. All
// outputs with fractional numbers are compared, or all outputs where there are none; the quality of a sample is the mean over them. By
// Agreement, an output [batch, classes] with at least two classes counts as scores of classes: give Distance where it is a vector of another kind, such as
// an embedding or a box.
func Original(metric string) Task {
	m := Metric{"agreement", "with the original, from 0 to 1", false}
	if metric == Distance {
		m = Metric{"closeness", "1 less the relative distance from the original", false}
	}
	return Task{Name: "original", Metric: m, Original: true, Fit: func(of Signature, _ Samples) (*Judge, error) {
		o := original{agreement: metric != Distance, outputs: of.Outputs, batch: FixedBatch(of.Inputs)}
		for k, out := range of.Outputs {
			if out.Type.Fractional() {
				o.compared = append(o.compared, k)
			}
		}
		if o.compared == nil {
			o.compared = Numbers(0, len(of.Outputs))
		}
		if len(o.compared) == 0 {
			return nil, errors.New("the network has no output")
		}
		j := &Judge{}
		o.warn = func(text string) {
			if j.Warn != nil {
				j.Warn(text)
			}
		}
		j.Quality, j.Loss = o.quality, o.loss
		return j, nil
	}}
}

// original compares a network with the original one.
type original struct {
	agreement bool
	outputs   []nn.Info
	batch     int // 0 where it is open
	compared  []int
	warn      func(text string)
}

// scores tells whether an output scores classes.
func (o original) scores(k int) bool {
	s := o.outputs[k].Shape
	return o.agreement && o.outputs[k].Type == nn.Float32 && len(s) == 2 && s[1] > 1 && (s[0] == nn.Batch || s[0] == o.batch)
}

// pair is an output and the original's, of one sample.
type pair struct{ own, original nn.Tensor }

func (o original) quality(b Batch) ([]float64, error) {
	out := make([]float64, len(b.Samples))
	for _, k := range o.compared {
		for i := range out {
			p, err := o.pair(b, k, i)
			if err != nil {
				return nil, err
			}
			out[i] += o.near(k, p) / float64(len(o.compared))
		}
	}
	return out, nil
}

// pair returns what is compared for a sample: where samples cannot be told apart in an output, the whole output. Maps of another resolution are read at
// the positions of the original's.
func (o original) pair(b Batch, k, i int) (pair, error) {
	if k >= len(b.Teacher) || b.Teacher[k].Type == 0 {
		return pair{}, fmt.Errorf("output %q: what the original computes is not known", o.outputs[k].Name)
	}
	own, want := b.Outputs[k], b.Teacher[k]
	return pair{sampleOf(o.outputs[k], own, len(b.Samples), i), sampleOf(o.outputs[k], want, len(b.Samples), i)}, nil
}

// sampleOf returns one sample of an output.
func sampleOf(info nn.Info, t nn.Tensor, n, i int) nn.Tensor {
	at, ok := splitOf(info, t.Shape, n)
	if !ok {
		return t
	}
	width := t.Type.Bytes()
	raw := make([]byte, 0, at.size()*width)
	for o := range at.outer {
		from := (o*at.n + i) * at.inner * width
		raw = append(raw, t.Raw[from:from+at.inner*width]...)
	}
	return nn.Tensor{Type: t.Type, Shape: perSample(info, t.Shape, n), Raw: raw}
}

// near is the quality of one output of a sample.
func (o original) near(k int, p pair) float64 {
	if o.scores(k) && p.own.Type == nn.Float32 && len(p.own.Raw) == len(p.original.Raw) {
		classes := p.own.Shape[len(p.own.Shape)-1]
		var best []int64
		for _, c := range quality.Best(p.original.Float32s(), classes) {
			best = append(best, int64(c))
		}
		return quality.Right(p.own.Float32s(), classes, best)
	}
	own, ok := o.alike(k, p)
	switch {
	case !ok:
		return 0
	case !p.own.Type.Fractional():
		equal, all := 0, p.original.Numbers()
		for i, v := range own {
			if v == all[i] {
				equal++
			}
		}
		return float64(equal) / float64(max(1, len(all)))
	}
	return quality.Near(own, p.original.Numbers())
}

// alike returns the numbers of an output at the positions of the original's, and whether that can be.
func (o original) alike(k int, p pair) ([]float64, bool) {
	own := p.own.Numbers()
	list, ok := o.positions(k, p)
	if !ok || list == nil {
		return own, ok
	}
	out := make([]float64, len(list))
	for i, at := range list {
		out[i] = own[at]
	}
	return out, true
}

// positions lists where the numbers of an output are that those of the original are compared with; nil where they are the same. Maps, [channels, height,
// width], may be of another resolution; of all else nothing is known.
func (o original) positions(k int, p pair) (list []int, ok bool) {
	own, want := p.own.Shape, p.original.Shape
	if slices.Equal(own, want) {
		return nil, true
	}
	if rank := len(o.outputs[k].Shape); rank == 4 && len(own) == 3 && len(want) == 3 && own[0] == want[0] {
		return nearest(own, want), true
	}
	o.warn(fmt.Sprintf("output %q is %v where the original's is %v: they cannot be compared, which counts as quality 0. Freeze the choice that changes it, such as the resolution, in autotailor.toml", o.outputs[k].Name, p.own.Shape, p.original.Shape))
	return nil, false
}

// loss is the mean over outputs and samples of the divergence from the original's scores, or of the squared distance relative to its squared length.
func (o original) loss(b Batch, r Recipe) (float64, [][]float32, error) {
	grads := make([][]float32, len(b.Outputs))
	var list []int
	for _, k := range o.compared {
		if b.Outputs[k].Type == nn.Float32 {
			list = append(list, k)
		}
	}
	if len(list) == 0 {
		return 0, nil, errors.New("no output has float32 elements, which gradients are of")
	}
	total, n := 0.0, len(b.Samples)
	share := 1 / float64(n*len(list))
	for _, k := range list {
		grads[k] = make([]float32, b.Outputs[k].Shape.Count())
		at, apart := splitOf(o.outputs[k], b.Outputs[k].Shape, n)
		for i := range n {
			p, err := o.pair(b, k, i)
			if err != nil {
				return 0, nil, err
			}
			own := make([]float32, p.own.Shape.Count())
			total += share * o.far(k, p, r, share, own)
			if apart {
				at.put(grads[k], i, own)
				continue
			}
			for j, v := range own {
				grads[k][j] += v
			}
		}
	}
	return total, grads, nil
}

// far is the loss of one output of a sample.
func (o original) far(k int, p pair, r Recipe, scale float64, grad []float32) float64 {
	if o.scores(k) && len(p.own.Raw) == len(p.original.Raw) {
		return quality.Divergence(p.own.Float32s(), p.original.Float32s(), p.own.Shape[len(p.own.Shape)-1], r.Alpha, scale, grad)
	}
	list, ok := o.positions(k, p)
	if !ok {
		return 0
	}
	values := p.own.Float32s()
	if list == nil {
		return quality.Relative(values, p.original.Float32s(), scale, grad)
	}
	read, own := make([]float32, len(list)), make([]float32, len(list))
	for i, at := range list {
		read[i] = values[at]
	}
	loss := quality.Relative(read, p.original.Float32s(), scale, own)
	for i, at := range list {
		grad[at] += own[i]
	}
	return loss
}
