package supernet

import (
	"fmt"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/op"
)

// baked looks for constants that may depend on the resolution: an extent, an index or a position of a map that has other extents at another resolution.
// Exporters write the original's numbers. The model does not say whether a number would differ at that resolution.
type baked struct {
	*binder
	after *op.Inference // of all nodes, at that resolution
}

// check returns the first node whose constants may not hold at the resolution.
func (k baked) check() error {
	for _, n := range k.graph.Nodes {
		rule := bakedRules[n.Op]
		if o, _ := operators.Lookup(n.Domain, n.Op); rule == nil && o.Class == operators.Sampling {
			rule = baked.sampled
		}
		if rule == nil || n.Domain != "" {
			continue
		}
		if why := rule(k, n); why != "" {
			return &op.NodeError{Node: n, Err: fmt.Errorf("%s; whether that follows the resolution is not known", why)}
		}
	}
	return nil
}

// bakedRules say why a constant of an operator may be wrong at the other resolution, "" if it is right. They are indexed by operator.
var bakedRules = map[string]func(k baked, n *ir.Node) string{
	"Gather": baked.gather, "Slice": baked.slice, "TopK": baked.topK, "Compress": baked.positions1,
	"GatherElements": baked.positions1, "ScatterElements": baked.positions1, "Scatter": baked.positions1,
	"GatherND": baked.tuples, "ScatterND": baked.tuples,
	"RoiAlign": baked.anywhere, "MaxRoiPool": baked.anywhere,
	"Col2Im": baked.anywhere, "CenterCropPad": baked.anywhere, "MaxUnpool": baked.unpool,
	"ConvTranspose": baked.outputShape, "Conv": baked.pads, "MaxPool": baked.pooled, "AveragePool": baked.pooled, "LpPool": baked.pooled, "Resize": baked.resized,
	"Pad": baked.pad, "Div": baked.count, "Mul": baked.count, "Mod": baked.whole64, "OneHot": baked.classes, "Clip": baked.bounded, "Min": baked.bounded,
	"Sub": baked.against, "Add": baked.against, "Greater": baked.against, "Less": baked.against, "GreaterOrEqual": baked.against, "LessOrEqual": baked.against,
}

// extents are the sizes of an axis in the original and at the resolution, and whether they differ.
func (k baked) extents(id ir.ValueID, axis int) (before, after int, moved bool) {
	was, is := k.plain.sizes[id], k.after.Shape(id)
	if axis < 0 {
		axis += len(was)
	}
	if axis < 0 || axis >= len(was) || axis >= len(is) || is[axis].IsBatch() {
		return 0, 0, false
	}
	before, after = was[axis], is[axis].Original()
	return before, after, before != after
}

// movedAxes lists the axes of a value whose sizes differ.
func (k baked) movedAxes(id ir.ValueID) []int {
	var out []int
	for a := range k.plain.sizes[id] {
		if _, _, moved := k.extents(id, a); moved {
			out = append(out, a)
		}
	}
	return out
}

// numbers are the elements of a constant operand of whole numbers, nil if the operand is not one.
func (k baked) numbers(n *ir.Node, i int) []int64 {
	id := n.Input(i)
	if id == 0 || k.graph.Values[id].Const == nil {
		return nil
	}
	list, err := k.graph.Values[id].Const.Int64s()
	if err != nil {
		return nil
	}
	return list
}

// constant tells whether operand i is a constant, or is computed from constants alone.
func (k baked) constant(n *ir.Node, i int) bool {
	id := n.Input(i)
	return id != 0 && k.flow.derived[id]
}

// ahead is the number of positions at the start of an axis that do not depend on the resolution, such as a class token.
func (k baked) ahead(id ir.ValueID, a int) int {
	axes := k.coupling.Axes(id)
	if a < 0 || a >= len(axes) {
		return 0
	}
	n := 0
	for _, t := range k.coupling.Terms(axes[a]) {
		if k.follows(t) {
			if d := k.composed(t, k.known); d.Original() != k.coupling.Size(t) {
				break
			}
		}
		n += k.coupling.Size(t)
	}
	return n
}

// gather takes positions by number. A number is right if it is 0, counts from the end, or names a position that does not depend on the resolution.
func (k baked) gather(n *ir.Node) string {
	a := int(n.Int("axis", 0))
	size, _, moved := k.extents(n.In[0], a)
	if !moved || !k.constant(n, 1) {
		return ""
	}
	if a < 0 {
		a += len(k.plain.sizes[n.In[0]])
	}
	ahead := int64(max(1, k.ahead(n.In[0], a)))
	list := k.numbers(n, 1)
	for _, i := range list {
		if i >= ahead {
			return fmt.Sprintf("it picks position %d of an axis of %d", i, size)
		}
	}
	if list == nil {
		return fmt.Sprintf("it picks positions of an axis of %d that follow from constants", size)
	}
	return ""
}

// slice takes ranges. A bound is right if it is counted from the end, lies beyond the end, lies before all positions that depend on the resolution, or is
// the phase of a step.
func (k baked) slice(n *ir.Node) string {
	starts, ends, axes, steps := k.bounds(n)
	for i := range starts {
		a := int(axes[i])
		if a < 0 {
			a += len(k.plain.sizes[n.In[0]])
		}
		size, _, moved := k.extents(n.In[0], a)
		if !moved || steps[i] < 0 && k.whole(starts[i], ends[i], int64(size)) {
			continue
		}
		ahead := int64(k.ahead(n.In[0], a))
		from, to := starts[i], ends[i]
		margin := from > 0 && to < 0 // as much as it leaves out at the end, counted from there
		if !(from <= max(1, ahead, steps[i]-1) || margin) || !(to < 0 || to >= int64(size) || to <= ahead) {
			if !k.rolled(n) {
				return fmt.Sprintf("it takes positions %d to %d of an axis of %d", from, to, size)
			}
		}
	}
	return ""
}

// whole tells whether a range that runs backwards covers the whole axis.
func (k baked) whole(from, to, size int64) bool { return (from == -1 || from >= size-1) && to < -size }

// bounds are those of a Slice that are constant.
func (k baked) bounds(n *ir.Node) (starts, ends, axes, steps []int64) {
	starts, ends, axes, steps = k.numbers(n, 1), k.numbers(n, 2), k.numbers(n, 3), k.numbers(n, 4)
	if len(n.In) == 1 { // before opset 10
		starts, ends, axes = n.Ints("starts"), n.Ints("ends"), n.Ints("axes")
	}
	if len(starts) != len(ends) {
		return nil, nil, nil, nil
	}
	for i := range starts {
		if len(axes) <= i {
			axes = append(axes, int64(i))
		}
		if len(steps) <= i {
			steps = append(steps, 1)
		}
	}
	return starts, ends, axes, steps
}

// rolled tells whether a Slice is one half of a rotation, such as the shift of Swin's windows: the part that is cut off at one end is joined at the other,
// so that no position is lost. The offset belongs to the architecture. An offset of half the axis, however, may be computed from the axis.
func (k baked) rolled(n *ir.Node) bool {
	users := k.flow.Users(n.Out[0])
	if len(users) != 1 {
		return false
	}
	join := k.flow.Node(users[0])
	if join.Op != "Concat" || len(join.In) != 2 || join.In[1] == join.In[0] {
		return false
	}
	var parts [2]*ir.Node
	for i, id := range join.In {
		at := k.flow.Producer(id)
		if at < 0 || k.flow.Node(at).Op != "Slice" {
			return false
		}
		parts[i] = k.flow.Node(at)
	}
	from, _, axes, _ := k.bounds(parts[0])
	_, to, others, _ := k.bounds(parts[1])
	if parts[0].In[0] != parts[1].In[0] || len(from) != 1 || len(to) != 1 || axes[0] != others[0] || from[0] != to[0] {
		return false
	}
	size, _, _ := k.extents(n.In[0], int(axes[0]))
	return 2*from[0] != int64(size)
}

// topK takes all positions, or a number of them that belongs to the architecture.
func (k baked) topK(n *ir.Node) string {
	size, _, moved := k.extents(n.In[0], int(n.Int("axis", -1)))
	list := k.numbers(n, 1)
	if len(list) == 0 {
		list = []int64{n.Int("k", 0)}
	}
	if moved && len(list) == 1 && list[0] == int64(size) {
		return fmt.Sprintf("it takes all %d of an axis", size)
	}
	return ""
}

// positions1 has positions of one axis in operand 1.
func (k baked) positions1(n *ir.Node) string {
	size, _, moved := k.extents(n.In[0], int(n.Int("axis", 0)))
	if moved && k.constant(n, 1) {
		return fmt.Sprintf("it has constant positions of an axis of %d", size)
	}
	return ""
}

// tuples has positions of the first axes in operand 1.
func (k baked) tuples(n *ir.Node) string {
	if !k.constant(n, 1) {
		return ""
	}
	first, s := int(n.Int("batch_dims", 0)), k.plain.sizes[n.In[1]]
	if len(s) == 0 {
		return ""
	}
	for _, a := range k.movedAxes(n.In[0]) {
		if a >= first && a < first+s[len(s)-1] {
			return fmt.Sprintf("it has constant positions of an axis of %d", k.plain.sizes[n.In[0]][a])
		}
	}
	return ""
}

// anywhere has coordinates or extents in a constant operand.
func (k baked) anywhere(n *ir.Node) string {
	if len(k.movedAxes(n.In[0])) > 0 && k.constant(n, 1) {
		return fmt.Sprintf("its operand %q is constant, while its map is another one", k.graph.Values[n.In[1]].Name)
	}
	return ""
}

// unpool puts maxima back at the positions where a pooling found them, so its result must have the extents of the map that was pooled. The model may state
// these extents. They do not follow from the operands if the pooling had a remainder.
func (k baked) unpool(n *ir.Node) string {
	if len(k.movedAxes(n.In[0])) == 0 {
		return ""
	}
	if stated := k.numbers(n, 2); stated != nil {
		return fmt.Sprintf("it states that its result has extents of %v", stated)
	}
	if n.Input(2) != 0 {
		return "" // those are computed
	}
	strides := n.Ints("strides")
	at := k.flow.Producer(n.Input(1))
	if at < 0 {
		return "it has constant positions of a map"
	}
	pooled := k.flow.Node(at).In[0]
	for i, stride := range strides {
		before, after, moved := k.extents(pooled, i+2)
		if moved && (before-after)%int(max(1, stride)) != 0 {
			return fmt.Sprintf("it puts maxima back to a map of %d positions, and may not to one of %d", before, after)
		}
	}
	return ""
}

// outputShape is an extent that a transposed convolution states.
func (k baked) outputShape(n *ir.Node) string {
	if stated := n.Ints("output_shape"); len(stated) > 0 && len(k.movedAxes(n.In[0])) > 0 {
		return fmt.Sprintf("it states that its result has extents of %v", stated)
	}
	return ""
}
