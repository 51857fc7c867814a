package view

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/ir/unique"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
	runtime "github.com/autotailor/autotailor/runtime/supernet"
)

// Table is the operator table and where its operators occur.
type Table struct {
	Ops     []runtime.Op
	Shapes  []ShapeList      // of the operators' operands and results
	Kernels []runtime.Kernel // the operators, as the emitted code has them
	Rules   []Rules
}

// Rules are the sites under one rule set and how many distinct operators they have.
type Rules struct {
	runtime.Rules
	Distinct int
}

// AddTable converts the compiler's operators to the rows of the emitted table. A row is recorded from the Builder calls of an operator's nodes, at the choices of its first
// occurrence.
func (p *Package) AddTable(net *supernet.Net, u *unique.Table) error {
	r := &recorder{net: net, calls: p.calls(), users: users(net.Graph)}
	var errs []error
	rows := make([]runtime.Op, len(u.Ops))
	for k, o := range u.Ops {
		var err error
		if rows[k], err = r.row(o); err != nil {
			errs = append(errs, fmt.Errorf("operator at node %q: %w", net.Graph.Nodes[o.Nodes[0]].Name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	sorted, number := sortRows(rows)
	if err := p.SetOps(sorted); err != nil {
		return err
	}
	for _, set := range u.Rules {
		shared, err := r.shared(set.Sites)
		if err != nil {
			return err
		}
		out := runtime.Rules{Name: set.Name, Patterns: set.Lines}
		seen := map[runtime.ID]bool{}
		for k, s := range set.Sites {
			site := runtime.Site{Name: s.Name, Deps: []uint8{}, Ops: make([]runtime.ID, len(s.Ops)), Shared: shared[k]}
			for _, d := range s.Deps {
				site.Deps = append(site.Deps, uint8(d))
			}
			if s.Live.Below > 0 {
				site.Live = space.Need{Gene: uint8(s.Live.Choice), Below: s.Live.Below}
			}
			for k, id := range s.Ops {
				site.Ops[k] = number[id]
				seen[number[id]] = true
			}
			out.Sites = append(out.Sites, site)
		}
		p.Table.Rules = append(p.Table.Rules, Rules{out, len(seen)})
	}
	p.Digest = runtime.Digest(p.untyped())
	return nil
}

// untyped is the part of the emitted definition that the digest covers.
func (p *Package) untyped() *runtime.Net {
	n := &runtime.Net{Package: p.Name, Choices: p.Space(), Ops: p.Table.Ops}
	for _, r := range p.Table.Rules {
		n.Rules = append(n.Rules, r.Rules)
	}
	return n
}

// sortRows sorts rows by key and removes duplicates. numbers has the new index of each old row.
func sortRows(rows []runtime.Op) (sorted []runtime.Op, number []runtime.ID) {
	sorted = slices.Clone(rows)
	slices.SortFunc(sorted, compareOps)
	sorted = slices.CompactFunc(sorted, func(a, b runtime.Op) bool { return compareOps(a, b) == 0 })
	number = make([]runtime.ID, len(rows))
	for k, r := range rows {
		i, _ := slices.BinarySearchFunc(sorted, r, compareOps)
		number[k] = runtime.ID(i)
	}
	return sorted, number
}

func compareOps(a, b runtime.Op) int {
	for _, c := range [...]int{
		strings.Compare(a.Steps, b.Steps), strings.Compare(a.In, b.In), strings.Compare(a.Params, b.Params), strings.Compare(a.Out, b.Out),
	} {
		if c != 0 {
			return c
		}
	}
	return 0
}

// recorder records groups of nodes on their own.
type recorder struct {
	net   *supernet.Net
	calls map[int][]Call // by node
	users [][]int        // nodes that read each value, once for each operand; outputs of the net have -1
}

// users lists the nodes that read each value of a graph.
func users(g *ir.Graph) [][]int {
	out := make([][]int, len(g.Values))
	for i, n := range g.Nodes {
		for _, id := range n.In {
			out[id] = append(out[id], i)
		}
	}
	for _, id := range g.Outputs {
		out[id] = append(out[id], -1)
	}
	return out
}

func (r *recorder) row(o unique.Op) (runtime.Op, error) {
	row, _, err := r.record(o.Nodes, o.Genes)
	row.MACs = o.MACs
	return row, err
}

// record describes a group of nodes as one operator, with the tensors that it reads.
func (r *recorder) record(group []int, genes []uint8) (runtime.Op, []nn.Info, error) {
	tape := nn.NewTape()
	values := map[ir.ValueID]nn.Value{}
	var made []ir.ValueID
	for _, i := range group {
		for _, c := range r.calls[i] {
			for _, id := range c.In {
				if _, ok := values[id]; !ok && id != 0 {
					values[id] = r.input(tape, id, genes)
				}
			}
			apply(tape, &c, genes, values)
			for _, id := range c.Out {
				if int(id) < len(r.net.Graph.Values) { // values beyond are parameters and constants of the calls
					made = append(made, id)
				}
			}
		}
	}
	for _, id := range made {
		if r.leaves(id, group) {
			tape.Output(fmt.Sprintf("out%d", id), values[id])
		}
	}
	g, err := tape.Graph()
	if err != nil {
		return runtime.Op{}, nil, err
	}
	nodes := make([]int, len(g.Nodes))
	for k := range nodes {
		nodes[k] = k
	}
	return runtime.OpWeights(g.Bind(1), nodes)
}

// input declares a value that a group reads.
func (r *recorder) input(b nn.Builder, id ir.ValueID, genes []uint8) nn.Value {
	v := r.net.Graph.Values[id]
	return b.Input(fmt.Sprintf("in%d", id), v.Type, extents(r.net.Shapes[id], genes))
}

// leaves tells whether a value is read outside of a group.
func (r *recorder) leaves(id ir.ValueID, group []int) bool {
	inside := 0
	for _, i := range r.users[id] {
		if !slices.Contains(group, i) {
			return true
		}
		inside++
	}
	return inside == 0
}

// Net is the package as tools see it, without compiling a Go program: Interpret makes its networks. Recording the original shows mistakes
// of the view.
func (p *Package) Net() *runtime.Net {
	n := p.untyped()
	n.Title, n.Source, n.Digest, n.Groups, n.Coverage, n.Raw, n.Modifications = p.Title, p.Source, p.Digest, p.Groups, p.Coverage, p.Raw, p.Mods
	n.Build = func(genes []uint8, b nn.Builder) {
		if err := p.Interpret(genes, b); err != nil {
			b.Output(err.Error(), nn.None)
		}
	}
	return n
}
