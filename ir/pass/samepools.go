package pass

import (
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/op"
)

// samePools finds out what a Pad of zeros before a pooling does to maps of other sizes. PyTorch writes the padding of an avg_pool2d as a Pad, and networks
// compute that padding from the size of a map, which exporters write down: an even map needs none. What becomes of the pooling's result may meet another map
// that was made of the same one. Where that one rounds down, nothing is ever padded, and the Pad goes. Where it rounds up, avg_pool2d pads odd maps by one at both
// ends, of which a window of two that moves by two sees the first. All other Pads of zeros stay.
func samePools(g *ir.Graph) error {
	var s *spaces
	for _, n := range g.Nodes {
		if n.Op != "Pad" || n.Domain != "" || !padsNothing(g, n) {
			continue
		}
		if s == nil {
			s = newSpaces(g)
		}
		pool := s.onlyUser(n.Out[0])
		if pool == nil || !s.fits(n, pool) {
			continue
		}
		switch up, known := s.roundsUp(n.In[0], pool); {
		case known && !up:
			pool.In[0] = n.In[0]
		case known && op.OwnPad(g, n, pool) && slices.Equal(pool.Ints("kernel_shape"), []int64{2, 2}):
			pool.In[0] = n.In[0]
			pool.Attrs = slices.DeleteFunc(pool.Attrs, func(a ir.Attr) bool { return a.Name == "pads" })
			pool.Set(ir.Attr{Name: "auto_pad", Kind: ir.AttrString, String: "SAME_LOWER"})
			pool.Set(ir.Attr{Name: "count_include_pad", Kind: ir.AttrInt, Int: 1}) // as the Pad's zeros do
		}
	}
	return nil
}

// ownPools finds the Pads that samePools took away in own, the canonical graph at the model's own shapes, in the same model at other shapes. Only the model's own
// maps tell how a pooling rounds: a Pad of zeros, which the exporter wrote down for these, does not fit odd maps.
func ownPools(g, own *ir.Graph) error {
	made, here := producers(g), map[string]*ir.Node{}
	for _, n := range own.Nodes {
		if isPool(n) {
			here[own.Values[n.Out[0]].Name] = n
		}
	}
	for _, pool := range g.Nodes {
		if !isPool(pool) {
			continue
		}
		n, pad := here[g.Values[pool.Out[0]].Name], made[pool.In[0]]
		if n == nil || n.Op != pool.Op || pad == nil || pad.Op != "Pad" || pad.Domain != "" || !padsNothing(g, pad) {
			continue
		}
		if own.Values[n.In[0]].Name == g.Values[pad.In[0]].Name {
			pool.In[0], pool.Attrs = pad.In[0], slices.Clone(n.Attrs)
		}
	}
	return nil
}

// isPool tells whether a node is a pooling that samePools looks at.
func isPool(n *ir.Node) bool {
	return n.Domain == "" && (n.Op == "AveragePool" || n.Op == "MaxPool") && len(n.In) > 0 && len(n.Out) == 1
}

// padsNothing tells whether a Pad adds nothing to the original.
func padsNothing(g *ir.Graph, n *ir.Node) bool {
	list := n.Ints("pads")
	if n.Input(1) != 0 {
		ints, ok := listOfInts(g, n.Input(1))
		if !ok {
			return false
		}
		list = nil
		for _, v := range ints {
			list = append(list, int64(v))
		}
	}
	nonzero := func(v int64) bool { return v != 0 }
	return len(list) > 4 && n.Input(3) == 0 && n.String("mode", "constant") == "constant" && !slices.ContainsFunc(list, nonzero)
}

// spaces follows the extents of space through a graph.
type spaces struct {
	g      *ir.Graph
	vals   []op.Operand
	made   []*ir.Node
	users  []int
	reader []*ir.Node // the last one
}

func newSpaces(g *ir.Graph) *spaces {
	s := &spaces{g: g, vals: extents(g), made: producers(g), users: users(g), reader: make([]*ir.Node, len(g.Values))}
	for _, n := range g.Nodes {
		for _, id := range n.In {
			s.reader[id] = n
		}
	}
	return s
}

// onlyUser is the one node that reads a value, nil when there is none or several.
func (s *spaces) onlyUser(id ir.ValueID) *ir.Node {
	if s.users[id] != 1 {
		return nil
	}
	return s.reader[id]
}

// of lists the extents of space of a value in the original, nil when they are not known.
func (s *spaces) of(id ir.ValueID) []int {
	if id == 0 || len(s.vals[id].Shape) < 3 {
		return nil
	}
	var out []int
	for _, d := range s.vals[id].Shape[2:] {
		n, ok := d.IsConst()
		if !ok {
			return nil
		}
		out = append(out, n)
	}
	return out
}

// fits tells whether a pooling's windows cover the original without a rest and do not overlap.
func (s *spaces) fits(pad, pool *ir.Node) bool {
	kernel, strides, size := pool.Ints("kernel_shape"), pool.Ints("strides"), s.of(pad.In[0])
	ok := isPool(pool) && pool.Int("ceil_mode", 0) == 0 &&
		pool.String("auto_pad", "NOTSET") == "NOTSET" && len(size) > 0 && len(kernel) == len(size) && len(strides) == len(size)
	zero, one := func(v int64) bool { return v == 0 }, func(v int64) bool { return v == 1 }
	ok = ok && all(pool.Ints("pads"), zero) && all(pool.Ints("dilations"), one)
	for k := 0; ok && k < len(size); k++ {
		ok = strides[k] > 1 && kernel[k] == strides[k] && int64(size[k])%strides[k] == 0
	}
	return ok
}

func all(list []int64, is func(v int64) bool) bool {
	return !slices.ContainsFunc(list, func(v int64) bool { return !is(v) })
}

// roundsUp tells whether a pooling rounds up. What becomes of its result is joined with another map that is made of the value from: that of a map which is
// smaller by one position has the extents that the pooling makes by rounding up, or by rounding down. Otherwise nothing is known.
func (s *spaces) roundsUp(from ir.ValueID, pool *ir.Node) (yes, known bool) {
	odd, up := s.of(from), s.of(pool.Out[0])
	down := slices.Clone(up)
	for k := range odd {
		odd[k], down[k] = odd[k]-1, down[k]-1
	}
	id := pool.Out[0]
	for range maxChain {
		n := s.onlyUser(id)
		if n == nil || len(n.Out) != 1 {
			return false, false
		}
		if other := s.other(n, id); other != 0 {
			size := (&trace{spaces: s, known: map[ir.ValueID][]int{from: odd}}).size(other)
			yes, no := slices.Equal(size, up), slices.Equal(size, down)
			return yes && !no, size != nil && yes != no
		}
		if up, down = s.after(n, id, up), s.after(n, id, down); up == nil || down == nil {
			return false, false
		}
		id = n.Out[0]
	}
	return false, false
}

// maxChain is how many nodes are followed.
const maxChain = 64

// other is the second map that a node joins with id element by element, or channel by channel; 0 when it does not.
func (s *spaces) other(n *ir.Node, id ir.ValueID) ir.ValueID {
	row, ok := operators.Lookup(n.Domain, n.Op)
	if !ok || row.Class != operators.Broadcast && n.Op != "Concat" {
		return 0
	}
	for _, in := range n.In {
		if in != id && in != 0 && s.g.Values[in].Const == nil && slices.Equal(s.of(in), s.of(id)) {
			return in
		}
	}
	return 0
}

// after is what a node makes of the extents of its operand id; nil when that is not known.
func (s *spaces) after(n *ir.Node, id ir.ValueID, size []int) []int {
	if size == nil || n.Domain != "" && n.Domain != "ai.onnx" {
		return nil
	}
	row, ok := operators.Lookup(n.Domain, n.Op)
	switch {
	case !ok:
		return nil
	case slices.Contains([]string{"Conv", "MaxPool", "AveragePool"}, n.Op):
		return s.window(n, size)
	case row.Class == operators.Unary || row.Class == operators.Broadcast || row.Class == operators.Normalisation || n.Op == "Concat" && n.Int("axis", 0) == 1:
		if slices.Equal(s.of(id), s.of(n.Out[0])) {
			return size
		}
	}
	return nil
}

// window is the number of places of a window.
func (s *spaces) window(n *ir.Node, size []int) []int {
	kernel := n.Ints("kernel_shape")
	if n.Op == "Conv" && kernel == nil {
		for _, k := range s.of(n.Input(1)) {
			kernel = append(kernel, int64(k))
		}
	}
	rank := len(size)
	at := func(name string, k int, or int64) int {
		if l := n.Ints(name); k < len(l) {
			or = l[k]
		}
		return int(or)
	}
	if len(kernel) != rank || n.Int("ceil_mode", 0) != 0 {
		return nil
	}
	out := make([]int, rank)
	for k := range size {
		stride, free := at("strides", k, 1), size[k]-at("dilations", k, 1)*(int(kernel[k])-1)-1
		switch n.String("auto_pad", "NOTSET") {
		case "NOTSET":
			free += at("pads", k, 0) + at("pads", k+rank, 0)
		case "VALID":
		default: // as many as the extent has strides
			free = size[k] - 1
		}
		if free < 0 || stride < 1 {
			return nil
		}
		out[k] = free/stride + 1
	}
	return out
}

// trace finds extents of values that are made of one whose extents are known to be other than the original's.
type trace struct {
	*spaces
	known map[ir.ValueID][]int
	depth int
}

func (t *trace) size(id ir.ValueID) []int {
	if s, ok := t.known[id]; ok {
		return s
	}
	t.known[id] = nil
	n := t.made[id]
	if n == nil || id == 0 || t.depth > maxChain {
		return nil
	}
	t.depth++
	defer func() { t.depth-- }()
	for _, in := range n.In {
		if in == 0 || t.g.Values[in].Const != nil {
			continue
		}
		if s := t.after(n, in, t.size(in)); s != nil {
			t.known[id] = s
			return s
		}
	}
	return nil
}
