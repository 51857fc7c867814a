package axis_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/axis"
)

// array is a tensor of numbers that tell its elements apart.
type array struct {
	shape []int
	data  []int
}

func iota(shape []int) array {
	a := array{shape, make([]int, count(shape))}
	for i := range a.data {
		a.data[i] = i + 1
	}
	return a
}

func count(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// take keeps the given positions of each axis.
func (a array) take(keep [][]int) array {
	out := array{}
	for _, k := range keep {
		out.shape = append(out.shape, len(k))
	}
	at := make([]int, len(keep))
	for range count(out.shape) {
		i := 0
		for k := range at {
			i = i*a.shape[k] + keep[k][at[k]]
		}
		out.data = append(out.data, a.data[i])
		for k := len(at) - 1; k >= 0; k-- {
			if at[k]++; at[k] < len(keep[k]) {
				break
			}
			at[k] = 0
		}
	}
	return out
}

func (a array) transpose(perm []int64) array {
	out := array{data: make([]int, 0, len(a.data))}
	for _, p := range perm {
		out.shape = append(out.shape, a.shape[p])
	}
	at := make([]int, len(perm))
	for range a.data {
		i := 0
		for k := range a.shape {
			i = i*a.shape[k] + at[slices.Index(perm, int64(k))]
		}
		out.data = append(out.data, a.data[i])
		for k := len(at) - 1; k >= 0; k-- {
			if at[k]++; at[k] < out.shape[k] {
				break
			}
			at[k] = 0
		}
	}
	return out
}

func concat(axis int, list []array) array {
	out := array{shape: slices.Clone(list[0].shape)}
	outer := count(out.shape[:axis])
	for _, a := range list[1:] {
		out.shape[axis] += a.shape[axis]
	}
	for o := range outer {
		for _, a := range list {
			n := len(a.data) / outer
			out.data = append(out.data, a.data[o*n:(o+1)*n]...)
		}
	}
	return out
}

// split cuts an axis into parts of the given sizes.
func (a array) split(axis int, sizes []int) []array {
	out := make([]array, len(sizes))
	outer, from := count(a.shape[:axis]), 0
	inner := count(a.shape[axis+1:])
	for k, n := range sizes {
		out[k].shape = slices.Clone(a.shape)
		out[k].shape[axis] = n
		for o := range outer {
			start := (o*a.shape[axis] + from) * inner
			out[k].data = append(out[k].data, a.data[start:start+n*inner]...)
		}
		from += n
	}
	return out
}

// writer draws a random graph of operators that move elements, as text.
type writer struct {
	rng    *rand.Rand
	text   strings.Builder
	names  []string
	shapes [][]int
}

func (w *writer) add(shape []int, format string, args ...any) {
	name := fmt.Sprintf("v%d", len(w.names))
	fmt.Fprintf(&w.text, name+" = "+format+"\n", args...)
	w.names, w.shapes = append(w.names, name), append(w.shapes, shape)
}

func (w *writer) source() {
	shape := make([]int, 1+w.rng.IntN(3))
	for k := range shape {
		shape[k] = []int{1, 2, 3, 4, 6, 12}[w.rng.IntN(6)]
	}
	w.add(shape, "Relu [%s]", list(shape))
}

// step applies one operator to a value drawn from those so far.
func (w *writer) step() {
	i := w.rng.IntN(len(w.names))
	x, s := w.names[i], w.shapes[i]
	axis := w.rng.IntN(len(s))
	switch w.rng.IntN(5) {
	case 0:
		perm := w.rng.Perm(len(s))
		out := make([]int, len(s))
		for k, p := range perm {
			out[k] = s[p]
		}
		w.add(out, "Transpose %s perm=%s", x, list(perm))
	case 1:
		out := w.factors(count(s))
		w.add(out, "Reshape %s {%s}", x, list(out))
	case 2:
		w.join(i, axis)
	case 3:
		if s[axis] < 2 {
			return
		}
		first := 1 + w.rng.IntN(s[axis]-1)
		a, b := slices.Clone(s), slices.Clone(s)
		a[axis], b[axis] = first, s[axis]-first
		n := len(w.names)
		fmt.Fprintf(&w.text, "v%d, v%d = Split %s {%d,%d} axis=%d\n", n, n+1, x, first, s[axis]-first, axis)
		w.names = append(w.names, fmt.Sprintf("v%d", n), fmt.Sprintf("v%d", n+1))
		w.shapes = append(w.shapes, a, b)
	default:
		for k, other := range w.shapes {
			if k != i && slices.Equal(other, s) {
				w.add(s, "Add %s %s", x, w.names[k])
				return
			}
		}
	}
}

// join concatenates value i with another one that fits, or with itself.
func (w *writer) join(i, axis int) {
	s := w.shapes[i]
	with := i
	for k, other := range w.shapes {
		if len(other) == len(s) && slices.Equal(other[:axis], s[:axis]) && slices.Equal(other[axis+1:], s[axis+1:]) {
			with = k
			if k != i && w.rng.IntN(2) == 0 {
				break
			}
		}
	}
	out := slices.Clone(s)
	if out[axis] += w.shapes[with][axis]; count(out) <= 600 {
		w.add(out, "Concat %s %s axis=%d", w.names[i], w.names[with], axis)
	}
}

// factors draws extents with product n.
func (w *writer) factors(n int) []int {
	var out []int
	for len(out) == 0 || n > 1 && w.rng.IntN(4) > 0 && len(out) < 4 {
		d := 1 + w.rng.IntN(n)
		for n%d != 0 {
			d--
		}
		out, n = append(out, d), n/d
	}
	if n > 1 {
		out = append(out, n)
	}
	return out
}

func list(v []int) string { return strings.Trim(strings.ReplaceAll(fmt.Sprint(v), " ", ","), "[]") }

// positions lists what is kept of a variable when leaves keep their first positions.
func (c coupled) positions(v axis.Var, keep map[axis.Var]int) []int {
	out := []int{0}
	if fs := c.Factors(v); fs != nil {
		for _, f := range fs {
			var next []int
			for _, outer := range out {
				for _, p := range c.positions(f, keep) {
					next = append(next, outer*c.Size(f)+p)
				}
			}
			out = next
		}
		return out
	}
	if ts := c.Terms(v); ts != nil {
		from := 0
		out = nil
		for _, t := range ts {
			for _, p := range c.positions(t, keep) {
				out = append(out, from+p)
			}
			from += c.Size(t)
		}
		return out
	}
	n, ok := keep[c.Find(v)]
	if !ok {
		n = c.Size(v)
	}
	out = out[:0]
	for p := range n {
		out = append(out, p)
	}
	return out
}

// TestSlicingCommutes is what coupling is for: cut the leaves of a random graph, and every operator computes from the cut operands what
// cutting its full result gives. It also counts how much stays movable, so that freezing everything does not pass.
func TestSlicingCommutes(t *testing.T) {
	moving, all := 0, 0
	for seed := range uint64(2000) {
		w := &writer{rng: rand.New(rand.NewPCG(seed, 9))}
		for range 2 + w.rng.IntN(2) {
			w.source()
		}
		for range 8 {
			w.step()
		}
		c := couple(t, w.text.String())
		keep := map[axis.Var]int{}
		for id := range c.g.Values {
			for _, v := range c.Axes(ir.ValueID(id)) {
				for _, l := range c.Leaves(v) {
					all++
					if _, done := keep[l]; !done && c.Frozen(l) == nil && c.Size(l) > 1 {
						keep[l] = 1 + w.rng.IntN(c.Size(l))
					}
					if _, moves := keep[l]; moves {
						moving++
					}
				}
			}
		}
		if err := c.commutes(keep, w); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, w.text.String())
		}
	}
	if moving*3 < all {
		t.Errorf("only %d of %d axes can move", moving, all)
	}
	t.Logf("%d of %d axes can move", moving, all)
}

// commutes runs the graph in full and cut.
func (c coupled) commutes(keep map[axis.Var]int, w *writer) error {
	full, cut := map[ir.ValueID]array{}, map[ir.ValueID]array{}
	masks := func(id ir.ValueID) [][]int {
		var out [][]int
		for _, v := range c.Axes(id) {
			out = append(out, c.positions(v, keep))
		}
		return out
	}
	for id, v := range c.g.Values {
		if v.Const != nil && v.Type == ir.Float32 {
			full[ir.ValueID(id)] = iota(v.Const.Shape)
			cut[ir.ValueID(id)] = full[ir.ValueID(id)].take(masks(ir.ValueID(id)))
		}
	}
	for _, n := range c.g.Nodes {
		var fullShape, cutShape [][]int
		for _, id := range n.Out {
			var a, b []int
			for k, v := range c.Axes(id) {
				a, b = append(a, c.Size(v)), append(b, len(masks(id)[k]))
			}
			fullShape, cutShape = append(fullShape, a), append(cutShape, b)
		}
		want, err := run(n, full, fullShape)
		if err != nil {
			return err
		}
		got, err := run(n, cut, cutShape)
		if err != nil {
			return fmt.Errorf("%s, cut: %w", n.Name, err)
		}
		for k, id := range n.Out {
			full[id], cut[id] = want[k], got[k]
			if sliced := want[k].take(masks(id)); !slices.Equal(sliced.shape, got[k].shape) || !slices.Equal(sliced.data, got[k].data) {
				return fmt.Errorf("%s (%s), result %d: %v cut is not %v", n.Name, n.Op, k, want[k], got[k])
			}
		}
	}
	return nil
}

// run computes one node; shapes are those of its results.
func run(n *ir.Node, vals map[ir.ValueID]array, shapes [][]int) ([]array, error) {
	x := vals[n.In[0]]
	switch n.Op {
	case "Relu":
		return []array{x}, nil
	case "Transpose":
		return []array{x.transpose(n.Ints("perm"))}, nil
	case "Reshape":
		if count(shapes[0]) != len(x.data) {
			return nil, fmt.Errorf("cannot give %v the shape %v", x.shape, shapes[0])
		}
		return []array{{shapes[0], x.data}}, nil
	case "Concat":
		return []array{concat(int(n.Int("axis", 0)), []array{x, vals[n.In[1]]})}, nil
	case "Split":
		axis := int(n.Int("axis", 0))
		if shapes[0][axis]+shapes[1][axis] != x.shape[axis] {
			return nil, fmt.Errorf("cannot cut %v", x.shape)
		}
		return x.split(axis, []int{shapes[0][axis], shapes[1][axis]}), nil
	}
	y := vals[n.In[1]]
	if !slices.Equal(x.shape, y.shape) {
		return nil, fmt.Errorf("cannot add %v and %v", x.shape, y.shape)
	}
	out := array{x.shape, make([]int, len(x.data))}
	for i := range out.data {
		out.data[i] = x.data[i]*1_000_003 + y.data[i]
	}
	return []array{out}, nil
}
