package supernet

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/axis"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/op"
)

// Compile makes the SuperNet of a canonical graph under a config. templates are the block templates that it recognises. The graph becomes part of the net. The
// error joins all mistakes of the config.
//
// A node that cannot follow the choices around it is not a mistake of the config. Compile freezes its axes, with the reason, and compiles again.
func Compile(g *ir.Graph, c Config, templates []Template) (*Net, error) {
	c.Rigid, c.Kept = slices.Clone(c.Rigid), slices.Clone(c.Kept)
	for {
		b, err := analyse(g, c, templates)
		if err != nil {
			return nil, err
		}
		if err = b.transform(); err == nil {
			err = b.net.Update()
		}
		if err = b.entangled(err); errors.Is(err, errTooMany) && c.tie() {
			continue
		}
		if err == nil {
			if kept := b.alive(); len(kept) > 0 {
				c.Kept = append(c.Kept, kept...)
				continue
			}
			b.freezeChoices()
			b.net.leaves = b.leaves
			b.net.account()
			b.rigidInput()
			b.warn()
			b.net.binder = nil
			return b.net, nil
		}
		more := c.rigid(op.NodeErrors(err))
		if len(more) == 0 {
			return nil, err
		}
		c.Rigid = append(c.Rigid, more...)
	}
}

// maxRigid bounds the nodes that are frozen at once, because the failure of an early node often causes the failures of later ones.
const maxRigid = 4

// rigid lists the nodes of errs that are to be frozen now. A node that still fails after it was frozen is listed a second time: then the resolution is fixed,
// too.
func (c Config) rigid(errs []*op.NodeError) []Rigid {
	var out []Rigid
	for _, e := range errs {
		times := 0
		for _, r := range c.Rigid {
			if r.Node == e.Node.Name {
				times++
			}
		}
		if times < 2 && len(out) < maxRigid {
			out = append(out, Rigid{e.Node.Name, e.Err.Error()})
		}
	}
	return out
}

// freeze fixes the axes of rigid nodes. If a node is listed twice, it also fixes the resolution.
func (b *binder) freeze() {
	count := map[string]int{}
	for _, r := range b.config.Rigid {
		count[r.Node]++
		if count[r.Node] == 2 && len(b.config.Resolution.List) > 0 {
			b.warning(b.config.Resolution.Pos, "the resolution stays as it is: node %q: %s", r.Node, r.Why)
			b.config.Resolution.List = nil
		}
	}
	for _, n := range b.graph.Nodes {
		if count[n.Name] == 0 {
			continue
		}
		i := slices.IndexFunc(b.config.Rigid, func(r Rigid) bool { return r.Node == n.Name })
		for _, id := range append(slices.Clone(n.In), n.Out...) {
			for _, v := range b.coupling.Axes(id) {
				if !b.coupling.Is(v, axis.Spatial|axis.Batch) {
					b.coupling.Freeze(v, axis.Reason{Node: n.Name, Why: b.config.Rigid[i].Why})
				}
			}
		}
	}
}

// analyse finds the coupling, the blocks and the stages of a graph, before any choice is made.
func analyse(g *ir.Graph, c Config, templates []Template) (*binder, error) {
	shareTensors(g)
	f := NewFlow(g)
	p, err := inferPlain(g)
	if err != nil {
		return nil, err
	}
	stages := divide(f, parseBlocks(f, templates, c.Blocks), p)
	checkSkips(f, stages, p.sizes)
	b := &binder{
		config: c, graph: g, flow: f, plain: p, coupling: axis.Couple(g, p.sizes, p.batched),
		net:    &Net{Graph: g, Stages: stages, Nodes: makeOps(g, stages), Batched: p.batched, Raw: big.NewInt(1)},
		leaves: map[axis.Var]dim.Dim{}, units: map[axis.Var]int{}, tied: map[ChoiceKind]dim.Choice{},
		places: map[ir.ValueID]positions{}, known: &extents{}, tried: map[float64]error{}, scores: map[ir.ValueID]bool{}, skipped: map[*float64]map[int]bool{},
	}
	b.net.binder, b.net.coupling = b, b.coupling
	b.keepBlocks()
	b.keepNonzero()
	b.keepReaders()
	b.freeze()
	for _, s := range stages {
		for _, it := range s.Items {
			if it.Block == nil {
				continue
			}
			if !b.measurable(it) {
				it.Block.inner = nil
			}
			it.Block.kernels = slices.DeleteFunc(it.Block.kernels, func(i int) bool { return !b.square(i) })
		}
	}
	b.growths()
	return b, nil
}

// measurable tells whether a block's inner width and its base width are known. They are not if the block reads the results of operators whose shapes are
// unknown.
func (b *binder) measurable(it Item) bool {
	return !slices.ContainsFunc(it.Block.inner, func(i int) bool {
		n := b.graph.Nodes[i]
		return !b.hasChannel(n.In[0]) || !b.hasChannel(n.Out[0])
	})
}

// plain holds the extents of the model as it is.
type plain struct {
	bind    map[ir.ValueID][]dim.Dim // shapes of inputs
	sizes   [][]int                  // by value; the open batch is batchSize
	signals []bool                   // by value, see signals
	batched bool
}

// batchSize stands for the open batch where concrete extents are needed: a prime that no model's axis has, so that it
// is never mistaken for another factor.
const batchSize = 1_000_003

// inferPlain infers the shapes of the model, with an open batch where the graph allows one.
func inferPlain(g *ir.Graph) (*plain, error) {
	if err := op.Refused(g); err != nil {
		return nil, err
	}
	p := &plain{batched: true}
	shapes, err := p.try(g)
	if err != nil || !p.batchReachesOutputs(g, shapes) {
		p.batched = false
		if shapes, err = p.try(g); err != nil {
			return nil, err
		}
	}
	if err := errors.Join(op.Unknown(g, shapes), op.Oversized(g, shapes)); err != nil {
		return nil, err
	}
	p.sizes = make([][]int, len(g.Values))
	for id, s := range shapes {
		if s == nil {
			continue
		}
		p.sizes[id] = make([]int, len(s))
		for k, d := range s {
			p.sizes[id][k] = original(d)
		}
	}
	p.signals = signals(g, p.sizes)
	return p, nil
}

// original is the extent of d in the original model.
func original(d dim.Dim) int {
	if k, ok := d.Batches(); ok {
		return k * batchSize
	}
	return d.Original()
}

func (p *plain) try(g *ir.Graph) ([][]dim.Dim, error) {
	if err := OpenInputs(g); err != nil {
		return nil, err
	}
	p.bind = map[ir.ValueID][]dim.Dim{}
	for _, id := range g.Inputs {
		v := g.Values[id]
		s := make([]dim.Dim, len(v.Shape))
		for k, d := range v.Shape {
			switch {
			case k == 0 && p.batched && op.OpenBatch(g, id):
				s[k] = dim.Batch()
			case d.Size > 0:
				s[k] = dim.Const(d.Size)
			default:
				s[k] = dim.Const(1)
			}
		}
		p.bind[id] = s
	}
	return op.InferGraph(g, p.bind, nil)
}

// OpenInputs reports the inputs of a model that have open extents. All extents must be known, except that of axis 0.
func OpenInputs(g *ir.Graph) error {
	var errs []error
	for _, id := range g.Inputs {
		v := g.Values[id]
		for k, d := range v.Shape {
			if k > 0 && d.Size <= 0 {
				errs = append(errs, fmt.Errorf("input %q: axis %d (%s) is open; give its extent in [input], such as %s = %q", v.Name, k, d.Sym, v.Name, example(v.Shape)))
			}
		}
		if v.Note != "" {
			errs = append(errs, fmt.Errorf("input %q is %s; export the model with tensors as inputs", v.Name, v.Note))
		} else if v.Shape == nil {
			errs = append(errs, fmt.Errorf("input %q has no shape; give it in [input], such as %s = \"1x3x224x224\"", v.Name, v.Name))
		}
	}
	return errors.Join(errs...)
}

// example is a shape with the extents that are known: open ones of maps are 224, of others 16.
func example(s ir.Shape) string {
	parts := make([]string, len(s))
	for k, d := range s {
		n := d.Size
		switch {
		case n > 0:
		case k == 0:
			n = 1
		case len(s) == 4 && k > 1:
			n = 224
		case len(s) == 4:
			n = 3
		default:
			n = 16
		}
		parts[k] = strconv.Itoa(n)
	}
	return strings.Join(parts, "x")
}

// batchReachesOutputs tells whether every output starts with the open batch.
func (p *plain) batchReachesOutputs(g *ir.Graph, shapes [][]dim.Dim) bool {
	for _, id := range g.Outputs {
		if len(shapes[id]) == 0 {
			return false
		}
		if k, ok := shapes[id][0].Batches(); !ok || k != 1 {
			return false
		}
	}
	return true
}

// checkSkips clears Skippable of blocks that change the extents, and of blocks with other results that later nodes read.
func checkSkips(f *Flow, stages []*Stage, sizes [][]int) {
	for _, s := range stages {
		for _, it := range s.Items {
			if it.Block != nil && it.Block.Skippable && it.Block.grows == 0 {
				it.Block.Skippable = len(it.In) > 0 && len(it.Out) > 0 && equal(sizes[it.In[0]], sizes[it.Out[0]]) && f.ends(it)
			}
		}
	}
}

// ends tells whether all results of an item beside the main flow are outputs of the model. Such results, like the cache of a layer, go with the layer.
func (f *Flow) ends(it Item) bool {
	return !slices.ContainsFunc(it.Out[min(1, len(it.Out)):], func(id ir.ValueID) bool {
		return slices.ContainsFunc(f.users[id], func(u int) bool { return !slices.Contains(it.Nodes, u) })
	})
}

func equal(a, b []int) bool {
	if len(a) != len(b) || a == nil {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
