package ncnn

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

func emitTranspose(e *exporter, n *nn.Node) error {
	x, perm := n.In[0], n.Ints("perm")
	s, batch := e.shape(x), e.batchAxis(x)
	var order, moved []int // the permutation without the batch, and that of axes with more than one position
	for _, p := range perm {
		axis := int(p)
		if axis == batch {
			continue
		}
		if batch >= 0 && axis > batch {
			axis--
		}
		order = append(order, axis)
		if s[axis] > 1 {
			moved = append(moved, axis)
		}
	}
	if slices.IsSorted(moved) {
		return e.alias(n.Out[0], x)
	}
	if len(s) > 4 {
		return fmt.Errorf("%d axes besides the batch cannot be permuted, NCNN has at most four", len(s))
	}
	letter := make([]byte, len(order)) // of the result's w, h, (d,) c
	for i, axis := range order {
		letter[len(order)-1-i] = letters[len(s)][axis]
	}
	number := slices.Index(orders[len(s)], string(letter))
	l := Layer{Type: "Permute", Name: n.Name, In: []string{e.whole(x)}, Params: []Param{integer(0, number)}}
	return e.yield(n.Out[0], l, e.shape(n.Out[0]))
}

func emitConcat(e *exporter, n *nn.Node) error {
	out := n.Out[0]
	first := n.In[max(0, slices.IndexFunc(n.In, func(v nn.Value) bool { _, ok := e.blobs[v]; return ok }))]
	axis, err := e.axis(first, int(n.Int("axis", 0)))
	if err != nil {
		return err
	}
	l := Layer{Type: "Concat", Name: n.Name, Params: []Param{integer(0, axis)}}
	for _, v := range n.In {
		s := e.shape(v)
		if _, ok := e.blobs[v]; !ok {
			if s = e.aligned(v, out); s == nil {
				return fmt.Errorf("operand %q has a batch of its own", e.g.Values[v].Name)
			}
		}
		l.In = append(l.In, e.as(v, s))
	}
	return e.yield(out, l, e.shape(out))
}

func emitSplit(e *exporter, n *nn.Node) error {
	axis, err := e.axis(n.In[0], int(n.Int("axis", 0)))
	if err != nil {
		return err
	}
	l := Layer{Type: "Slice", Name: n.Name, In: []string{e.whole(n.In[0])}}
	var sizes []int
	for k, v := range n.Out {
		if e.uses[v] == 0 {
			return fmt.Errorf("part %d has no reader", k)
		}
		name := e.unique(e.g.Values[v].Name)
		s := e.shape(v)
		sizes = append(sizes, s[axis])
		l.Out = append(l.Out, name)
		e.blobs[v] = blob{name, s, e.uses[v] == 1}
		e.maker[name] = len(e.layers)
	}
	l.Name = e.unique(n.Name)
	l.Params = []Param{integers(0, sizes...), integer(1, axis)}
	e.layers = append(e.layers, l)
	return nil
}

// integers returns an integer list that is an attribute or a constant operand.
func (e *exporter) integers(n *nn.Node, attr string, operand int) ([]int64, error) {
	if a, ok := n.Attr(attr); ok {
		return a.Ints, nil
	}
	if len(n.In) <= operand || n.In[operand] == nn.None {
		return nil, nil
	}
	t, ok, err := e.constant(n.In[operand])
	if err != nil {
		return nil, fmt.Errorf("its %s: %w", attr, err)
	}
	if !ok || t.Type != nn.Int64 {
		return nil, fmt.Errorf("its %s must be constant integers", attr)
	}
	return t.Int64s(), nil
}

// crop appends a layer that keeps positions from to to of an axis of a blob.
func (e *exporter) crop(name, from string, s []int, axis, start, end int) (string, []int) {
	s = slices.Clone(s)
	s[axis] = end - start
	return e.add(Layer{Type: "Crop", Name: name, In: []string{from}, Params: []Param{integers(9, start), integers(10, end), integers(11, axis)}}, s), s
}

func emitSlice(e *exporter, n *nn.Node) error {
	var lists [4][]int64
	for k, attr := range []string{"starts", "ends", "axes", "steps"} {
		var err error
		if lists[k], err = e.integers(n, attr, k+1); err != nil {
			return err
		}
	}
	x, s := n.In[0], e.shape(n.In[0])
	name := e.whole(x)
	for k := range lists[0] {
		number, step := int64(k), int64(1)
		if lists[2] != nil {
			number = lists[2][k]
		}
		if lists[3] != nil {
			step = lists[3][k]
		}
		axis, err := e.axis(x, int(number))
		if err != nil {
			return err
		}
		if step < 1 {
			return fmt.Errorf("a step of %d cannot be expressed", step)
		}
		start, end := bound(lists[0][k], s[axis]), bound(lists[1][k], s[axis])
		if end <= start {
			return fmt.Errorf("nothing is left of axis %d", axis)
		}
		if end-start < s[axis] {
			name, s = e.crop(n.Name+"_crop", name, s, axis, start, end)
		}
		if step > 1 && s[axis] > 1 {
			name, s = e.every(n.Name, name, s, axis, int(step))
		}
	}
	if !slices.Equal(s, e.shape(n.Out[0])) {
		return fmt.Errorf("its result has the shape %v, not %v", e.shape(n.Out[0]), s)
	}
	if name == e.whole(x) {
		return e.alias(n.Out[0], x)
	}
	e.blobs[n.Out[0]] = blob{name, s, e.uses[n.Out[0]] == 1}
	return nil
}

// bound is a start or end that may count from the end or lie beyond it.
func bound(v int64, n int) int {
	if v < 0 {
		v += int64(n)
	}
	return int(min(max(v, 0), int64(n)))
}

// every keeps each step-th position of an axis: a pooling of one position at a time, over the axis as rows.
func (e *exporter) every(node, from string, s []int, axis, step int) (string, []int) {
	maps := []int{count(s[:axis]), s[axis], count(s[axis+1:])}
	out := slices.Clone(s)
	out[axis] = (s[axis]-1)/step + 1
	if !slices.Equal(maps, s) {
		from = e.add(Layer{Type: "Reshape", Name: node + "_rows", In: []string{from}, Params: shape(maps)}, maps)
	}
	maps[1] = out[axis]
	name := e.add(Layer{Type: "Pooling", Name: node + "_step", In: []string{from}, Params: []Param{
		integer(1, 1), integer(2, 1), integer(12, step), integer(5, 1),
	}}, maps)
	if !slices.Equal(maps, out) {
		name = e.add(Layer{Type: "Reshape", Name: node, In: []string{name}, Params: shape(out)}, out)
	}
	return name, out
}

func emitGather(e *exporter, n *nn.Node) error {
	x := n.In[0]
	if _, ok := e.blobs[x]; !ok {
		return errors.New("indices that are computed cannot be expressed")
	}
	axis, err := e.axis(x, int(n.Int("axis", 0)))
	if err != nil {
		return err
	}
	list, err := e.integers(n, "indices", 1)
	if err != nil {
		return err
	}
	if len(list) != 1 {
		return fmt.Errorf("%d positions at once cannot be expressed, only one", len(list))
	}
	s := e.shape(x)
	at := bound(list[0], s[axis])
	if at >= s[axis] {
		return fmt.Errorf("axis %d has no position %d", axis, list[0])
	}
	if s[axis] == 1 {
		return e.alias(n.Out[0], x)
	}
	name, s := e.crop(n.Name, e.whole(x), s, axis, at, at+1)
	e.blobs[n.Out[0]] = blob{name, s, e.uses[n.Out[0]] == 1}
	return nil
}
