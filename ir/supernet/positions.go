package supernet

import (
	"bytes"
	"slices"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/axis"
)

// positions says how a parameter follows the resolution.
type positions uint8

const (
	unplaced  positions = iota // it does not
	embedding                  // it has one axis of positions and is only ever added, to what layers read: the map is interpolated
	lattice                    // it says where positions are: those that are left keep theirs
	pairs                      // it has something for every pair of positions, by their offset: the pairs that are left keep theirs
)

// positions classifies a parameter. A Linear that mixes positions has learned one row per position, and a bias for pairs that is not a function of their offset
// belongs to one map. Neither can follow the resolution.
func (b *binder) positions(id ir.ValueID) positions {
	p, ok := b.places[id]
	if !ok {
		p = b.classify(id)
		b.places[id] = p
	}
	return p
}

func (b *binder) classify(id ir.ValueID) positions {
	var maps []grid
	for k, v := range b.coupling.Axes(id) {
		if prefix, side, ok := b.gridOf(v); ok {
			maps = append(maps, grid{k, prefix, b.coupling.Size(side)})
		}
	}
	added, indexes := b.graph.Values[id].Type == ir.Float32, true
	for _, u := range b.flow.Users(id) {
		n := b.flow.Node(u)
		added = added && n.Op == "Add"
		indexes = indexes && n.Op == "Gather" && n.In[1] == id && n.In[0] != id && b.graph.Values[n.In[0]].Const != nil
	}
	scores := indexes || b.biasesScores(id)
	if len(maps) == 1 && scores && maps[0].axis > 0 && b.plain.sizes[id][maps[0].axis-1] == 1 {
		maps = []grid{{maps[0].axis - 1, 0, 1}, maps[0]} // a map so small that only one position asks
	}
	switch {
	case b.onMap(id) && b.lattice(id):
		return lattice
	case len(maps) == 1 && added && !scores && b.readByLayers(id, map[ir.ValueID]bool{}):
		return embedding
	case len(maps) == 2 && (added || indexes) && relative(b.graph.Values[id].Const, maps[0], maps[1]):
		return pairs
	}
	return unplaced
}

// onMap tells whether a parameter has an axis that follows the resolution.
func (b *binder) onMap(id ir.ValueID) bool {
	return slices.ContainsFunc(b.coupling.Axes(id), b.follows)
}

// follows tells whether an axis contains positions of a map.
func (b *binder) follows(v axis.Var) bool {
	return slices.ContainsFunc(b.coupling.Leaves(v), func(l axis.Var) bool { return b.coupling.Is(l, axis.Spatial) })
}

// readByLayers tells whether everything that is computed from a value goes through operators with weights before it leaves the model. A constant that is
// added to a result itself is an anchor: a place or a size, not something that was learned for a map.
func (b *binder) readByLayers(id ir.ValueID, seen map[ir.ValueID]bool) bool {
	if seen[id] {
		return true
	}
	seen[id] = true
	if slices.Contains(b.graph.Outputs, id) {
		return false
	}
	for _, u := range b.flow.Users(id) {
		n := b.flow.Node(u)
		if layer(b.graph, n) {
			continue
		}
		for _, out := range n.Out {
			if out != 0 && !b.readByLayers(out, seen) {
				return false
			}
		}
	}
	return true
}

// layer tells whether an operator has learned weights that mix features or scale them. Element-wise products do not count: they scale results.
func layer(g *ir.Graph, n *ir.Node) bool {
	switch n.Op {
	case "Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Where", "Concat", "Gather", "Reshape", "Expand":
		return false
	}
	return slices.ContainsFunc(n.In, func(id ir.ValueID) bool {
		v := g.Values[id]
		return id != 0 && v.Const != nil && v.Type == ir.Float32 && v.Const.NumElements() > 1
	})
}

// biasesScores tells whether nothing but element-wise operators lie between a value and a Softmax.
func (b *binder) biasesScores(id ir.ValueID) bool {
	yes, ok := b.scores[id]
	if !ok {
		yes = slices.ContainsFunc(b.flow.Users(id), func(u int) bool {
			switch n := b.flow.Node(u); n.Op {
			case "Softmax":
				return true
			case "Add", "Sub", "Mul", "Div", "Where", "Unsqueeze", "Reshape", "Cast":
				return b.biasesScores(n.Out[0])
			}
			return false
		})
		b.scores[id] = yes
	}
	return yes
}

// grid is an axis that lists prefix separate positions, and then the positions of a square map, row by row.
type grid struct{ axis, prefix, side int }

// size is how many positions the axis has.
func (g grid) size() int { return g.prefix + g.side*g.side }

// at is the row and column of position i, and whether it is on the map.
func (g grid) at(i int) (row, column int, ok bool) {
	i -= g.prefix
	return i / g.side, i % g.side, i >= 0
}

// relative tells whether the element of t for a query and a key depends only on the offset between them. This holds for the biases of LeViT and Swin, or for the
// indices that pick them. A smaller map has no other offsets. The map of keys may be denser than that of queries (LeViT between its stages): then queries are
// every step-th row and column of it.
func relative(t *ir.Tensor, queries, keys grid) bool {
	if t == nil || queries.side > keys.side {
		return false
	}
	raw, err := t.Bytes()
	if err != nil || raw == nil {
		return false
	}
	step := 1
	for (keys.side+step-1)/step > queries.side {
		step++
	}
	if (keys.side+step-1)/step != queries.side {
		return false
	}
	strides := make([]int, len(t.Shape))
	for k, n := len(t.Shape)-1, 1; k >= 0; k-- {
		strides[k] = n
		n *= t.Shape[k]
	}
	p := asked{raw, t.Type.Bits() / 8, queries, keys, step, strides[queries.axis], strides[keys.axis], t.Shape[queries.axis], t.Shape[keys.axis]}
	if p.nq != queries.size() || p.nk != keys.size() {
		return false
	}
	width := (queries.side-1)*step + keys.side // offsets of rows, or of columns
	seen := make([]int, width*width+p.nq+p.nk)
	for i := range t.NumElements() {
		if i/p.q%p.nq == 0 && i/p.k%p.nk == 0 { // the first of a head
			clear(seen)
			if !p.relative(i, width, seen) {
				return false
			}
		}
	}
	return true
}

// asked are the elements of a tensor, one for each query and key.
type asked struct {
	raw           []byte
	size          int // of an element
	queries, keys grid
	step          int // of the rows and columns of keys that queries ask
	q, k          int // strides
	nq, nk        int
}

// relative tells it of the pairs from element first on. The table seen has for each offset, and for positions of their own, the element that was there
// first, plus one.
func (p *asked) relative(first, width int, seen []int) bool {
	for q := range p.nq {
		qr, qc, onMap := p.queries.at(q)
		for k := range p.nk {
			kr, kc, both := p.keys.at(k)
			place := 0
			switch {
			case onMap && both:
				place = (qr*p.step-kr+p.keys.side-1)*width + qc*p.step - kc + p.keys.side - 1
			case onMap:
				place = width*width + p.nq + k
			case both:
				place = width*width + q
			default:
				continue
			}
			i := first + q*p.q + k*p.k
			if was := seen[place] - 1; was < 0 {
				seen[place] = i + 1
			} else if !bytes.Equal(p.raw[was*p.size:(was+1)*p.size], p.raw[i*p.size:(i+1)*p.size]) {
				return false
			}
		}
	}
	return true
}
