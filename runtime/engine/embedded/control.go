package embedded

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// control is the lowering of an operator with graphs inside.
func control(n *nn.Node) (lower lowering, ok bool) {
	switch operators.Qualified(n.Domain, n.Type) {
	case "If":
		return lowerIf, true
	case "Loop":
		return lowerLoop, true
	}
	return nil, false
}

// controlResults describes what such an operator makes of operands.
func controlResults(n *nn.Node, operands []nn.Info, opset int) ([]nn.Info, error) {
	if n.Type == "If" {
		return yields(n, "then_branch", operands, nil, opset)
	}
	return loopResults(n, operands, opset)
}

// infos describe values.
func (c *compiler) infos(values []nn.Value) []nn.Info {
	out := make([]nn.Info, len(values))
	for k, v := range values {
		out[k] = c.graph.Values[v]
		out[k].Type = c.Type(v)
	}
	return out
}

// inner compiles a body.
func (c *compiler) inner(b *body) (*plan, error) {
	i := &compiler{plan: plan{graph: b.Graph}, weights: c.weights, isa: c.isa, store: c.store, over: c.over, windows: c.windows}
	return i.compile()
}

// run is a body in memory of its own, at one batch size.
type innerRun struct {
	*program
	out [][]float32
}

func newInner(p *plan, batch int) *innerRun {
	r := &innerRun{program: bind(p, batch), out: make([][]float32, len(p.outputs))}
	r.place(make([]float32, r.arena))
	return r
}

// compute runs the body. Results are there until the next run, and may be inputs.
func (r *innerRun) compute(t *kernel.Team, in [][]float32) [][]float32 {
	for k, b := range r.plan.inputs {
		r.memory[b] = in[k]
	}
	r.run(t)
	for k, b := range r.plan.outputs {
		r.out[k] = r.memory[b]
	}
	return r.out
}

// operandsOf brings the operands of a node from the first one on, but for those that graphs inside of it know, and makes its results.
func (c *compiler) operandsOf(n node, first int) (from, to given, err error) {
	own := ownOperands(n.Node)
	for k, v := range n.In {
		if v == nn.None || k < first || k >= own && c.Known(v) {
			continue
		}
		b, err := c.Plainly(v)
		if err != nil {
			return from, to, err
		}
		from.add(k, b)
	}
	for k, v := range n.Out {
		if v != nn.None {
			to.add(k, c.ProducePlain(v))
		}
	}
	return from, to, nil
}

// ownOperands counts the operands of a node without what graphs inside of it use from outside.
func ownOperands(n *nn.Node) int {
	a, _ := n.Attr(nn.Captures)
	return len(n.In) - len(a.Strings)
}

// matches compares what a body yields with the results of its node.
func (c *compiler) matches(n node, k int, yields nn.Info) error {
	if k >= len(n.Out) || n.Out[k] == nn.None {
		return nil
	}
	if want := c.Shape(n.Out[k]); !slices.Equal(want, yields.Shape) {
		return fmt.Errorf("its result %q is declared with the shape %v, its graph makes %v", c.graph.Values[n.Out[k]].Name, want, yields.Shape)
	}
	return nil
}

// lowerIf runs one of two graphs.
func lowerIf(c *compiler, n node) error {
	c.Mix() // one image decides for all
	var plans [2]*plan
	var around [2][]int
	for k, attr := range []string{"else_branch", "then_branch"} {
		b, err := inside(n.Node, attr, c.infos(n.In), nil, c.graph.Opset)
		if err != nil {
			return err
		}
		if len(b.Outputs) != len(n.Out) {
			return fmt.Errorf("its %s yields %d values, it has %d results", attr, len(b.Outputs), len(n.Out))
		}
		for i, v := range b.Outputs {
			if err := c.matches(n, i, b.Values[v]); err != nil {
				return fmt.Errorf("%s: %w", attr, err)
			}
		}
		if plans[k], err = c.inner(b); err != nil {
			return fmt.Errorf("%s: %w", attr, err)
		}
		around[k] = b.around
	}
	from, to, err := c.operandsOf(n, 0)
	if err != nil {
		return err
	}
	operands, results := len(n.In), len(n.Out)
	c.emit(n, from.buffers, to.buffers, func(b int) autodiff.Run {
		branches := [2]*innerRun{newInner(plans[0], b), newInner(plans[1], b)}
		x, y := make([][]float32, operands), make([][]float32, results)
		return func(t *kernel.Team, in, out [][]float32) {
			from.put(x, in)
			to.put(y, out)
			k := 0
			if x[0][0] != 0 {
				k = 1
			}
			for i, data := range branches[k].compute(t, pick(x, around[k])) {
				copy(y[i], data)
			}
		}
	})
	return nil
}

// pick lists some of the elements of a list.
func pick(list [][]float32, at []int) [][]float32 {
	var out [][]float32
	for _, k := range at {
		out = append(out, list[k])
	}
	return out
}

// yields describes what a graph inside of a node makes.
func yields(n *nn.Node, attr string, operands, inputs []nn.Info, opset int) ([]nn.Info, error) {
	b, err := inside(n, attr, operands, inputs, opset)
	if err != nil {
		return nil, err
	}
	var out []nn.Info
	for _, v := range b.Outputs {
		out = append(out, b.Values[v])
	}
	return out, nil
}

// mostTrips bounds a Loop that nothing ends.
const mostTrips = 1 << 20

// loopInputs describe the inputs of a Loop's body: the trip's number, whether to go on, and what it carries.
func loopInputs(n *nn.Node, operands []nn.Info) ([]nn.Info, error) {
	own := ownOperands(n)
	if own < 2 {
		return nil, fmt.Errorf("it has %d operands, want 2 or more", own)
	}
	return append([]nn.Info{{Type: nn.Int64, Shape: nn.Shape{}}, {Type: nn.Bool, Shape: nn.Shape{}}}, operands[2:own]...), nil
}

func loopResults(n *nn.Node, operands []nn.Info, opset int) ([]nn.Info, error) {
	inputs, err := loopInputs(n, operands)
	if err != nil {
		return nil, err
	}
	out, err := yields(n, "body", operands, inputs, opset)
	if err != nil {
		return nil, err
	}
	if len(out) != 1+len(n.Out) {
		return nil, fmt.Errorf("its body yields %d values, it has %d results", len(out), len(n.Out))
	}
	out, carried := out[1:], len(inputs)-2
	if len(out) > carried {
		trips, ok := number(operands[0])
		if !ok {
			return nil, errors.New("how many trips it makes is not known")
		}
		for k := range out[carried:] {
			i := &out[carried+k]
			i.Shape = append(nn.Shape{int(min(trips, math.MaxInt32))}, i.Shape...)
		}
	}
	return out, nil
}

// number is a single constant integer.
func number(i nn.Info) (int64, bool) {
	if i.Const == nil || i.Const.Type != nn.Int64 || len(i.Const.Raw) != 8 {
		return 0, false
	}
	return int64(binary.LittleEndian.Uint64(i.Const.Raw)), true
}

// lowerLoop runs a graph until so many trips are made, or it says so.
func lowerLoop(c *compiler, n node) error {
	c.Mix()
	operands := c.infos(n.In)
	inputs, err := loopInputs(n.Node, operands)
	if err != nil {
		return err
	}
	b, err := inside(n.Node, "body", operands, inputs, c.graph.Opset)
	if err != nil {
		return err
	}
	carried := len(inputs) - 2
	if len(b.Outputs) != 1+len(n.Out) || len(n.Out) < carried {
		return fmt.Errorf("its body yields %d values, it has %d results", len(b.Outputs), len(n.Out))
	}
	for k, v := range b.Outputs[1:] {
		i := b.Values[v]
		if k >= carried {
			if k < len(n.Out) && n.Out[k] != nn.None && len(c.Shape(n.Out[k])) > 0 {
				i.Shape = append(nn.Shape{c.Shape(n.Out[k])[0]}, i.Shape...)
			}
		} else if !slices.Equal(i.Shape, inputs[2+k].Shape) {
			return fmt.Errorf("a value that it carries changes its shape from %v to %v", inputs[2+k].Shape, i.Shape)
		}
		if err := c.matches(n, k, i); err != nil {
			return err
		}
	}
	p, err := c.inner(b)
	if err != nil {
		return fmt.Errorf("body: %w", err)
	}
	trips, known, err := c.trips(n)
	if err != nil {
		return err
	}
	first := 0
	if known {
		first = 1 // it may be larger than the engine's integers
	}
	from, to, err := c.operandsOf(n, first)
	if err != nil {
		return err
	}
	l := &looped{plan: p, from: from, to: to, operands: len(n.In), results: len(n.Out), carried: carried, around: b.around, trips: trips, known: known}
	c.emit(n, from.buffers, to.buffers, l.bind)
	return nil
}

// trips is the number of trips, where that is a constant or left out.
func (c *compiler) trips(n node) (trips int, known bool, err error) {
	if !n.Has(0) {
		return mostTrips + 1, true, nil
	}
	if !c.Known(n.In[0]) {
		return 0, false, nil
	}
	t, err := c.tensor(n.In[0])
	if err != nil {
		return 0, false, err
	}
	v, ok := number(nn.Info{Const: &t})
	if !ok {
		return 0, false, errors.New("its number of trips is not one number")
	}
	return int(min(v, mostTrips+1)), true, nil
}

// looped is a Loop that is compiled.
type looped struct {
	plan                       *plan
	from, to                   given
	operands, results, carried int
	around                     []int
	trips                      int // where it is known
	known                      bool
}

// bind makes its memory: what it carries is there twice, since results of a trip may be its inputs.
func (l *looped) bind(batch int) autodiff.Run {
	inner := newInner(l.plan, batch)
	x, y := make([][]float32, l.operands), make([][]float32, l.results)
	var state [2][][]float32
	for k := range state {
		for _, b := range l.plan.inputs[2 : 2+l.carried] {
			state[k] = append(state[k], make([]float32, inner.sizes[b]))
		}
	}
	return func(t *kernel.Team, in, out [][]float32) {
		l.from.put(x, in)
		l.to.put(y, out)
		l.run(t, inner, x, y, state)
	}
}

func (l *looped) run(t *kernel.Team, inner *innerRun, x, y [][]float32, state [2][][]float32) {
	now, next := state[0], state[1]
	for k := range now {
		copy(now[k], x[2+k])
	}
	trips := l.trips
	if !l.known {
		trips = int(x[0][0])
	}
	goes, trip := []float32{1}, []float32{0}
	if x[1] != nil {
		goes[0] = x[1][0]
	}
	at := make([]int, l.results) // what is written of each result that trips add to
	done := 0
	for ; done < trips && goes[0] != 0; done++ {
		trip[0] = float32(done)
		out := inner.compute(t, slices.Concat([][]float32{trip, {1}}, now, pick(x, l.around)))
		goes = []float32{out[0][0]}
		for k := range next {
			copy(next[k], out[1+k])
		}
		now, next = next, now
		more := done == mostTrips
		for k := l.carried; k < l.results; k++ {
			more = more || y[k] != nil && len(out[1+k]) > len(y[k])-at[k]
			at[k] += copy(y[k][at[k]:], out[1+k])
		}
		if more { // trips than the shape says, or than can be
			notNumbers(y...)
			return
		}
	}
	for k := range now {
		copy(y[k], now[k])
	}
	for k := l.carried; k < l.results; k++ { // fewer trips than the shape says
		notNumbers(y[k][at[k]:])
	}
}
