package supernet

import (
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/ir"
)

// These rules look for numbers of positions, and sides of maps, that a model multiplies or divides by. A constant does not say where it comes from. If it
// equals the number of positions in a place where such a number is likely, it is taken for that number.

// count is the rule for Mul and Div by a number, which may be a number of positions.
func (k baked) count(n *ir.Node) string {
	if why := k.whole64(n); why != "" {
		return why
	}
	for i := range 2 {
		if n.Op == "Div" && i == 0 && k.constant(n, 1) && k.place(n.In[0]) {
			return "it divides the place of a maximum by a constant"
		}
		v := k.graph.Values[n.Input(1-i)]
		if v == nil || v.Const == nil || v.Const.NumElements() > maxSides {
			continue
		}
		list, err := v.Const.Float32s()
		if err != nil {
			continue
		}
		if why := k.scalesResult(n, n.Input(i), list); why != "" {
			return why
		}
		if len(list) != 1 || list[0] == 0 {
			continue
		}
		for _, value := range []float64{float64(list[0]), 1 / float64(list[0])} {
			if why := k.number(n, n.Input(i), value); why != "" {
				return why
			}
		}
	}
	return ""
}

// number says why a value may be the number of positions of operand x, or of a value that x was computed from.
func (k baked) number(n *ir.Node, x ir.ValueID, value float64) string {
	if at := k.flow.Producer(x); at >= 0 && value > 1 {
		from := k.flow.Node(at)
		positions, adds := k.reduced(from)
		p := float64(positions)
		switch {
		case positions < 2:
		case positions > 3 && math.Abs(value-p/(p-1)) < 1e-6:
			return fmt.Sprintf("it scales a mean over %d positions by %g", positions, value)
		case near(value, p) || positions > 3 && near(value, p-1): // less one for a variance that is not biased
			return fmt.Sprintf("it divides a sum over %d positions by their number", positions)
		case positions > 3 && near(value, math.Sqrt(p)) && (adds || !k.scores(n.Out[0])):
			return fmt.Sprintf("it scales a sum over %d positions by the root of their number", positions)
		case adds && near(value/p, math.Round(value/p)):
			return fmt.Sprintf("it divides a sum over %d positions by %g", positions, value)
		}
	}
	side := 1
	for _, a := range k.movedAxes(x) {
		size := k.plain.sizes[x][a]
		side *= size
		if k.area(x, a) && (near(value, float64(size)) || size >= leastArea && near(value, math.Sqrt(float64(size)))) && !k.scores(n.Out[0]) {
			return fmt.Sprintf("it divides by %g, and its map has %d positions", value, size)
		}
	}
	if len(k.movedAxes(x)) != 2 || side < leastArea || len(k.plain.sizes[x]) != 4 || k.scores(n.Out[0]) {
		return ""
	}
	if area := float64(side); near(value, area) || near(value, math.Sqrt(area)) || math.Abs(value-math.Log(area)) < 1e-6*value {
		return fmt.Sprintf("it scales by %g, and its map has %d positions", value, side)
	}
	return ""
}

const (
	maxSides  = 4   // of the elements that scale a box
	leastArea = 100 // positions from which on another number of a network is not likely to be their root
)

// area tells whether an axis lists the positions of a map. Hardly any other number of a network equals such an extent, except the roots by which attention
// divides its scores.
func (k baked) area(id ir.ValueID, a int) bool {
	axes := k.coupling.Axes(id)
	return a < len(axes) && len(k.coupling.Factors(axes[a])) > 1
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-4*b }

// scores tells whether a value becomes the scores of an attention, or a factor of the scores. A divisor is then the root of a width.
func (k baked) scores(id ir.ValueID) bool {
	if k.biasesScores(id) {
		return true
	}
	for _, u := range k.flow.Users(id) {
		switch n := k.flow.Node(u); n.Op {
		case "MatMul", "Einsum":
			if k.biasesScores(n.Out[0]) {
				return true
			}
		case "Transpose", "Reshape", "Unsqueeze", "Squeeze":
			if k.scores(n.Out[0]) {
				return true
			}
		}
	}
	return false
}

// reduced is the number of positions that an operator sums or averages, if that number depends on the resolution, and otherwise 0. adds is false for means.
func (k baked) reduced(n *ir.Node) (positions int, adds bool) {
	x := n.Input(0)
	if x == 0 {
		return 0, false
	}
	count, moves := 1, false
	add := func(a int) {
		before, _, moved := k.extents(x, a)
		if before > 0 {
			count *= before
		}
		moves = moves || moved
	}
	switch n.Op {
	case "ReduceSum", "ReduceMean", "ReduceSumSquare", "ReduceL1", "ReduceL2":
		axes := n.Ints("axes")
		if list := k.numbers(n, 1); list != nil {
			axes = list
		}
		for _, a := range axes {
			add(int(a))
		}
	case "GlobalAveragePool":
		for a := 2; a < len(k.plain.sizes[x]); a++ {
			add(a)
		}
	case "MatMul":
		add(-1)
	}
	if !moves {
		return 0, false
	}
	return count, n.Op == "ReduceSum" || n.Op == "MatMul"
}

// scalesResult tells whether a result of the model is multiplied by a side of the image, or divided by a side of its map: shares become pixels, or pixels
// become shares.
func (k baked) scalesResult(n *ir.Node, x ir.ValueID, list []float32) string {
	id, side := k.image()
	if id == 0 || side < leastSide || k.readByLayers(n.Out[0], map[ir.ValueID]bool{}) {
		return ""
	}
	for _, a := range k.movedAxes(id) {
		side := float64(k.plain.sizes[id][a])
		for _, by := range list {
			if by != 0 && (near(float64(by), side) || near(1/float64(by), side)) {
				return fmt.Sprintf("it scales a result by %g, a side of the image", by)
			}
		}
	}
	for _, a := range k.movedAxes(x) {
		size := float64(k.plain.sizes[x][a])
		for _, by := range list {
			value := float64(by)
			if n.Op == "Mul" {
				value = 1 / value
			}
			if size >= 3 && near(value, size) {
				return fmt.Sprintf("it divides a result by %g, a side of its map", size)
			}
		}
	}
	return ""
}

// bounded is the rule for a result that is clipped to the image.
func (k baked) bounded(n *ir.Node) string {
	id, side := k.image()
	if id == 0 || side < leastSide || k.readByLayers(n.Out[0], map[ir.ValueID]bool{}) {
		return ""
	}
	limits := []float32{n.Float("max", 0)} // before opset 11
	for _, in := range n.In {
		if in == 0 || k.graph.Values[in].Const == nil || k.graph.Values[in].Const.NumElements() > maxSides {
			continue
		}
		if list, err := k.graph.Values[in].Const.Float32s(); err == nil {
			limits = append(limits, list...)
		}
	}
	for _, a := range k.movedAxes(id) {
		side := float64(k.plain.sizes[id][a])
		for _, limit := range limits {
			if x := float64(limit); x == side || x == side-1 {
				return fmt.Sprintf("it bounds a result by %g, where the image ends", limit)
			}
		}
	}
	return ""
}

// place tells whether a value is the position of a maximum along an axis that depends on the resolution, perhaps converted to another type.
func (k baked) place(id ir.ValueID) bool {
	at := k.flow.Producer(id)
	if at < 0 {
		return false
	}
	switch n := k.flow.Node(at); n.Op {
	case "Cast", "Reshape", "Unsqueeze", "Squeeze", "Transpose", "Identity", "Flatten":
		return k.place(n.In[0])
	case "ArgMax", "ArgMin":
		_, _, moved := k.extents(n.In[0], int(n.Int("axis", 0)))
		return moved
	case "TopK":
		_, _, moved := k.extents(n.In[0], int(n.Int("axis", -1)))
		return moved && len(n.Out) > 1 && n.Out[1] == id
	}
	return false
}

// classes is the rule for a table with a row for each possible position of a maximum.
func (k baked) classes(n *ir.Node) string {
	if list := k.numbers(n, 1); len(list) == 1 && k.place(n.In[0]) {
		return fmt.Sprintf("it has %d classes for the positions of a map", list[0])
	}
	return ""
}

// against is the rule for a sum over positions that is compared with a number, or from which a number is subtracted. The number may be a share of the number
// of positions.
func (k baked) against(n *ir.Node) string {
	for i := range 2 {
		v := k.graph.Values[n.Input(1-i)]
		at := k.flow.Producer(n.Input(i))
		if v == nil || v.Const == nil || v.Const.NumElements() != 1 || at < 0 {
			continue
		}
		list, err := v.Const.Float32s()
		positions, adds := k.reduced(k.flow.Node(at))
		if err == nil && adds && k.flow.Node(at).Op == "ReduceSum" && positions > 1 && math.Abs(float64(list[0])) >= leastShare*float64(positions) {
			return fmt.Sprintf("it meets a sum over %d positions with %g", positions, list[0])
		}
	}
	return ""
}

// leastShare is the share of the positions from which on a number is more than a small constant that keeps a sum from zero.
const leastShare = 0.01

// whole64 is the rule for whole numbers, such as the position of a maximum, that are divided by the side of a map into row and column.
func (k baked) whole64(n *ir.Node) string {
	list := k.numbers(n, 1)
	if len(list) != 1 || list[0] < 2 {
		return ""
	}
	for id := range k.graph.Values {
		for _, a := range k.movedAxes(ir.ValueID(id)) {
			if int64(k.plain.sizes[id][a]) == list[0] {
				return fmt.Sprintf("it divides whole numbers by %d, and a map has as many positions along a side", list[0])
			}
		}
	}
	return ""
}

// tiles is the rule for a pooling whose windows lie side by side and cover the map. If the model asked for a number of results, each window is a share of the
// map.
func (k baked) tiles(n *ir.Node) string {
	kernel, strides := n.Ints("kernel_shape"), n.Ints("strides")
	if !slices.Equal(kernel, strides) || slices.Max(append(n.Ints("pads"), 0)) > 0 {
		return ""
	}
	for i, window := range kernel {
		size, _, moved := k.extents(n.In[0], i+2)
		if moved && window >= leastTile && size > int(window) && size%int(window) == 0 {
			return fmt.Sprintf("its windows of %d cut an axis of %d into equal parts", window, size)
		}
	}
	return ""
}

// leastTile is the side from which on a window is more likely to be a share of its map than a downsampling step of the network.
const leastTile = 4

// resized is the rule for a map that is enlarged to extents that the model states. These extents follow by a factor if the factor is a whole number, or if
// another map of the same extents follows in the same way.
func (k baked) resized(n *ir.Node) string {
	id, out := n.Input(2), n.Out[0]
	if id == 0 || k.graph.Values[id].Name != n.Name+"_scales" || len(k.plain.sizes[out]) != 4 {
		return "" // the model states factors
	}
	whole := true
	for _, a := range k.movedAxes(out) {
		size, from := k.plain.sizes[out][a], k.plain.sizes[n.In[0]][a]
		whole = whole && (size%from == 0 || from%size == 0)
	}
	same := false
	for other := range k.graph.Values {
		other := ir.ValueID(other)
		if other == out || len(k.plain.sizes[other]) != 4 || !slices.Equal(k.plain.sizes[other][2:], k.plain.sizes[out][2:]) || len(k.movedAxes(other)) == 0 || k.behind(other, out) {
			continue
		}
		for a := 2; a < 4; a++ {
			_, is, _ := k.extents(other, a)
			if _, want, _ := k.extents(out, a); is != want {
				return fmt.Sprintf("it states extents of %v, and %q has them, too, but would have others", k.plain.sizes[out][2:], k.graph.Values[other].Name)
			}
		}
		same = true
	}
	if !same && !whole && len(k.movedAxes(out)) > 0 {
		return fmt.Sprintf("it states extents of %v", k.plain.sizes[out][2:])
	}
	return ""
}

// behind tells whether a value is computed behind another one.
func (k baked) behind(id, first ir.ValueID) bool {
	return k.flow.Producer(id) > k.flow.Producer(first)
}

// sampled is the rule for operators with coordinates in operand 1. If they are computed from constants, these constants are positions in shares of the map's
// sides.
func (k baked) sampled(n *ir.Node) string {
	if why := k.anywhere(n); why != "" || len(k.movedAxes(n.In[0])) == 0 {
		return why
	}
	seen := map[ir.ValueID]bool{}
	var table func(id ir.ValueID) ir.ValueID
	table = func(id ir.ValueID) ir.ValueID {
		at := k.flow.Producer(id)
		if id == 0 || seen[id] || at < 0 || layer(k.graph, k.flow.Node(at)) {
			return 0
		}
		seen[id] = true
		for _, in := range k.flow.Node(at).In {
			if in != 0 && k.flow.derived[in] && len(k.movedAxes(in)) > 0 {
				return in
			}
			if found := table(in); found != 0 {
				return found
			}
		}
		return 0
	}
	if id := table(n.Input(1)); id != 0 {
		return fmt.Sprintf("its coordinates follow from %q, which is constant", k.graph.Values[id].Name)
	}
	return ""
}
