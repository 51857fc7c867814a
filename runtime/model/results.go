package model

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// How far results may be from the reference's: the distance of all elements together, and of the farthest relative to the largest.
const (
	maxDistance = 1e-4
	maxElement  = 1e-3
)

// results runs a SubNet and its reference, and compares them. A mask may hide everything that a result depends on, so that it is NaN in both. That says
// nothing, so other masks are tried if the network has masks.
func (p *Prover) results(g space.Genes, sub *nn.Graph) (bool, error) {
	var tried []bool // by mask: whether some elements of each output were numbers
	for k := range flags {
		f := (p.flags + k) % len(flags)
		numbers, compared, err := p.attempt(g, sub, nn.Feed{Weights: p.weights, Flags: flags[f]}.Inputs(sub))
		if !compared || err != nil || numbers == allNumbers {
			p.flags = f
			return compared, err
		}
		tried = append(tried, numbers == someNumbers)
	}
	if slices.Contains(tried, true) {
		return true, nil
	}
	return false, &unknown{"its results are not numbers, whatever its masks leave out", true}
}

// flags are the forms of masks that are tried.
var flags = []nn.Flags{nn.MixedFlags, nn.OnesFlags, nn.ZerosFlags}

// How many elements of the results are numbers: all of them, some in each output, or none in some output.
const (
	noNumbers = iota
	someNumbers
	allNumbers
)

func numbersIn(outputs []nn.Tensor) int {
	least := allNumbers
	for _, t := range outputs {
		if !t.Type.Fractional() {
			continue
		}
		count, all := 0, t.Numbers()
		for _, v := range all {
			if !math.IsNaN(v) {
				count++
			}
		}
		switch {
		case count == 0 && len(all) > 0:
			return noNumbers
		case count < len(all):
			least = someNumbers
		}
	}
	return least
}

// attempt runs a SubNet and its reference at the same time, and compares them. It also says how many elements of the results are numbers. Only the SubNet's
// weights are prepared as a whole.
func (p *Prover) attempt(g space.Genes, sub *nn.Graph, in []nn.Tensor) (numbers int, compared bool, err error) {
	places, placed := p.bypass(g, false)
	type outcome struct {
		out []nn.Tensor
		err error
	}
	reference := make(chan outcome, 1)
	none := p.noReference(g, sub)
	if none == nil {
		go func() {
			out, err := p.reference(g, sub, in, places)
			reference <- outcome{out, err}
		}()
	}
	got, err := p.options.Runner(sub, p.weights, in)
	switch {
	case err != nil && p.cannot(g, err) != nil:
		err = p.unable
	case err != nil:
		err = p.mistake(g, "it does not run: %v", err)
	default:
		err = p.shaped(g, sub, got)
	}
	if none != nil {
		return 0, false, cmp.Or(err, none)
	}
	want := <-reference
	switch {
	case err != nil:
		return 0, false, err
	case want.err != nil:
		return 0, false, &unknown{p.refused(g, want.err), true}
	}
	if undefined(want.out) && !undefined(got) {
		if want.out, placed, err = p.withoutBlocks(g, sub, in, want.out); err != nil {
			return 0, false, &unknown{p.refused(g, err), true}
		}
	}
	far, what := compare(sub, got, want.out)
	switch {
	case what == "":
		return numbersIn(got), true, nil
	case !placed:
		return 0, false, &unknown{"blocks are removed whose place in the file is not known", true}
	case p.moved(g):
		return 0, false, &unknown{"constants follow the resolution", true}
	case changes(g) > 0 && undefined(want.out) && !undefined(got):
		return 0, false, &unknown{"the original with zeroed weights divides zero by zero", true}
	case p.rounds(g, sub, got, in, want.out, places):
		return 0, false, &unknown{"the last bits of the weights move the original's results as far", true}
	}
	m := p.mistake(g, "%s", what)
	m.Distance = far
	return 0, true, m
}

// withoutBlocks is a second reference, for the case that zeros in the blocks that a SubNet lacks give NaN because a mask hides everything that a block reads. It
// bypasses all these blocks. If the SubNet lacks no block, it is out, the reference that was already computed.
func (p *Prover) withoutBlocks(g space.Genes, sub *nn.Graph, in, out []nn.Tensor) (again []nn.Tensor, placed bool, err error) {
	places, placed := p.bypass(g, true)
	if len(places) == 0 {
		return out, placed, nil
	}
	again, err = p.reference(g, sub, in, places)
	return again, placed, err
}

// noReference says why a SubNet has no reference, nil if it may have one.
func (p *Prover) noReference(g space.Genes, sub *nn.Graph) error {
	if p.why != nil {
		return &unknown{p.why.Error(), true}
	}
	base, err := p.base(g)
	if err != nil {
		return p.mistake(g, "%v", err)
	}
	if why := whyNot(base, sub); why != "" {
		return &unknown{why, true}
	}
	return nil
}

// cannot returns an error that is no mistake of the package if the engine cannot run the original either.
func (p *Prover) cannot(g space.Genes, err error) error {
	if changes(g) == 0 {
		p.unable = &unknown{"the engine cannot run it: " + err.Error(), false}
	}
	return p.unable
}

// shaped compares the shapes of results with those that the network declares.
func (p *Prover) shaped(g space.Genes, sub *nn.Graph, got []nn.Tensor) error {
	for k, v := range sub.Outputs {
		if i := sub.Values[v]; !slices.Equal(got[k].Shape, i.Shape) {
			return p.mistake(g, "output %q has the shape %v, it should have %v", i.Name, got[k].Shape, i.Shape)
		}
	}
	return nil
}

// reference runs the original with the weights that a SubNet lacks set to zero. Only the original has the inputs and outputs for caches of blocks that the SubNet
// lacks.
func (p *Prover) reference(g space.Genes, sub *nn.Graph, in []nn.Tensor, bypass map[string]string) ([]nn.Tensor, error) {
	return p.referenceOf(p.weights, g, sub, in, bypass)
}

// referenceOf is reference with other weights in place of the model's.
func (p *Prover) referenceOf(w nn.Weights, g space.Genes, sub *nn.Graph, in []nn.Tensor, bypass map[string]string) ([]nn.Tensor, error) {
	base, err := p.base(g)
	if err != nil {
		return nil, err
	}
	named := map[string]nn.Tensor{}
	if len(base.Inputs) > len(sub.Inputs) {
		for k, t := range (nn.Feed{Weights: p.weights}).Inputs(base) {
			named[base.Values[base.Inputs[k]].Name] = t
		}
	}
	for k, v := range sub.Inputs {
		named[sub.Values[v].Name] = in[k]
	}
	out, err := p.model.Do(Run{Runner: p.options.Reference, Inputs: named, Weights: zeroing(w, sub, p.stored), Bypass: bypass})
	if err != nil || len(out) != len(base.Outputs) || len(sub.Outputs) == len(base.Outputs) {
		return out, err
	}
	var kept []nn.Tensor
	for k, v := range base.Outputs {
		if slices.ContainsFunc(sub.Outputs, func(o nn.Value) bool { return sub.Values[o].Name == base.Values[v].Name }) {
			kept = append(kept, out[k])
		}
	}
	return kept, nil
}

// refused says why the original did not run.
func (p *Prover) refused(g space.Genes, err error) string {
	if p.resolution(g) {
		return "the model runs at its own resolution only"
	}
	return "the model does not run as it stands: " + err.Error()
}

// resolution tells whether g has another resolution than the original.
func (p *Prover) resolution(g space.Genes) bool {
	for i, c := range p.net.Choices {
		if c.Kind == "resolution" && g[i] > 0 {
			return true
		}
	}
	return false
}

// moved tells whether g has a resolution at which constants of the network change: positions, sizes and indices that the model's file has as numbers. Then the
// file is no reference.
func (p *Prover) moved(g space.Genes) bool {
	if !p.resolution(g) {
		return false
	}
	if p.model.statesExtents(p.weights) {
		return true
	}
	now, err1 := p.base(g)
	was, err2 := p.base(make(space.Genes, len(g)))
	if err1 != nil || err2 != nil || len(now.Nodes) != len(was.Nodes) {
		return true
	}
	for i := range now.Nodes {
		a, b := &was.Nodes[i], &now.Nodes[i]
		if a.Type != "Reshape" && a.Type != "Expand" && fmt.Sprint(a.Attrs) != fmt.Sprint(b.Attrs) {
			return true
		}
		for k := range a.In {
			if x, y := was.Values[a.In[k]], now.Values[b.In[k]]; a.Type != "Expand" && !sameConstant(x, y) {
				return true
			}
		}
	}
	return false
}

func sameConstant(a, b nn.Info) bool {
	if a.Param != nil && b.Param != nil {
		return len(a.Param.Grids) == 0 && len(b.Param.Grids) == 0
	}
	return a.Const == nil && b.Const == nil || a.Const != nil && b.Const != nil && slices.Equal(a.Const.Raw, b.Const.Raw)
}

// bypass says which values of the file replace which others because the SubNet lacks blocks. If that is not known, ok is false and the weights of these blocks are
// zero, which has the same effect in most networks.
func (p *Prover) bypass(g space.Genes, all bool) (places map[string]string, ok bool) {
	if p.options.Bypass != nil {
		return p.options.Bypass(g, all)
	}
	for i, c := range p.net.Choices {
		if c.Kind == "depth" && g[i] > 0 {
			return nil, false
		}
	}
	return nil, true
}

// undefined tells whether a result has NaN elements.
func undefined(list []nn.Tensor) bool {
	return slices.ContainsFunc(list, func(t nn.Tensor) bool { return t.Type.Fractional() && slices.ContainsFunc(t.Numbers(), math.IsNaN) })
}

// compare returns the distance of the results from the reference's, and names the output that is wrong, "" if none is.
func compare(sub *nn.Graph, got, want []nn.Tensor) (float64, string) {
	if len(got) != len(want) {
		return math.Inf(1), fmt.Sprintf("it has %d outputs, the model %d", len(got), len(want))
	}
	farthest, what := 0.0, ""
	for k := range got {
		name := sub.Values[sub.Outputs[k]].Name
		if !slices.Equal(got[k].Shape, want[k].Shape) || got[k].Type != want[k].Type {
			return math.Inf(1), fmt.Sprintf("output %q is of type %v and shape %v, the reference's of type %v and shape %v", name, got[k].Type, got[k].Shape, want[k].Type, want[k].Shape)
		}
		all, element := distance(got[k], want[k])
		if d := max(all/maxDistance, element/maxElement); !(d <= 1) && !(d <= farthest) {
			farthest, what = d, fmt.Sprintf("output %q is not the original's with the missing weights set to zero", name)
			if !slices.ContainsFunc(sub.Values, func(i nn.Info) bool { return i.Param != nil && !whole(*i.Param) }) {
				what = fmt.Sprintf("output %q is not the model's", name)
			}
			farthest = all
		}
	}
	return farthest, what
}

// distance is the relative L2 distance of all elements, and the distance of the farthest element relative to the reference's largest. NaN must be at the same
// elements in both.
func distance(got, want nn.Tensor) (all, element float64) {
	if !got.Type.Fractional() {
		if slices.Equal(got.Raw, want.Raw) {
			return 0, 0
		}
		return 1, 1
	}
	x, y := got.Numbers(), want.Numbers()
	var diff, norm, far, large float64
	for i := range x {
		a, b := x[i], y[i]
		if a == b || math.IsNaN(a) && math.IsNaN(b) {
			if !math.IsInf(b, 0) && !math.IsNaN(b) {
				norm, large = norm+b*b, max(large, math.Abs(b))
			}
			continue
		}
		d := math.Abs(a - b)
		diff, norm, far, large = diff+d*d, norm+b*b, max(far, d), max(large, math.Abs(b))
		if math.IsNaN(d) || math.IsInf(d, 0) {
			return math.Inf(1), math.Inf(1)
		}
	}
	const tiny, coarse = 1e-30, 100 // half floats have three digits
	all, element = math.Sqrt(diff/max(norm, tiny)), far/max(large, tiny)
	if got.Type.Bytes() == 2 {
		return all / coarse, element / coarse
	}
	return all, element
}
