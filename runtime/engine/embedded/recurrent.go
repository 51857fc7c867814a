package embedded

import (
	"errors"
	"fmt"
	"slices"

	"github.com/autotailor/autotailor/runtime/engine/autodiff"
	"github.com/autotailor/autotailor/runtime/engine/kernel"
	"github.com/autotailor/autotailor/runtime/nn"
)

// cells has the recurrent operators: gates of each hidden element, activations of each direction, and what a step does.
var cells = map[string]struct {
	gates       int
	activations []string
	step        func(l *layer, d *direction, s *states)
}{
	"LSTM": {4, []string{"Sigmoid", "Tanh", "Tanh"}, lstmStep},
	"GRU":  {3, []string{"Sigmoid", "Tanh"}, gruStep},
	"RNN":  {1, []string{"Tanh"}, rnnStep},
}

// layer is a recurrent layer: its directions, each with weights of its own, over sequences.
type layer struct {
	inputs, hidden, gates int
	directions            []direction
	clip                  float32 // of what activations get; 0 is none
	linear                bool    // GRU: the reset gate is applied behind the product
	batchFirst            bool
	step                  func(l *layer, d *direction, s *states)
}

// direction has the weights of one direction, gate after gate.
type direction struct {
	w, r, wb, rb, peepholes []float32
	act                     []func(float32) float32
	reverse                 bool
}

// states are those of one element of the batch: hidden elements, cells, and the sums of all gates by operand and by state.
type states struct{ h, c, x, r, next []float32 }

// lowerRecurrent runs LSTM, GRU and RNN, each sequence of the batch by itself.
func lowerRecurrent(c *compiler, n node) error {
	l, err := c.recurrent(n)
	if err != nil {
		return err
	}
	in := []int{}
	at := map[int]int{} // place of operands among in
	for _, k := range []int{0, 4, 5, 6} {
		if !n.Has(k) {
			continue
		}
		b, err := c.Plainly(n.In[k])
		if err != nil {
			return err
		}
		at[k], in = len(in), append(in, b)
	}
	var out []int
	to := make([]int, 3) // place of results among out, -1 for those that are left out
	for k := range to {
		to[k] = -1
		if k < len(n.Out) && n.Out[k] != nn.None {
			to[k], out = len(out), append(out, c.ProducePlain(n.Out[k]))
		}
	}
	shape := c.Shape(n.In[0])
	pick := func(list [][]float32, places map[int]int, k int) []float32 {
		if i, ok := places[k]; ok {
			return list[i]
		}
		return nil
	}
	c.emit(n, in, out, func(b int) autodiff.Run {
		x := autodiff.At(shape, b)
		return func(t *kernel.Team, in, out [][]float32) {
			r := &sequences{layer: l, x: in[0], lengths: pick(in, at, 4), h0: pick(in, at, 5), c0: pick(in, at, 6), steps: x[0], batch: x[1]}
			if l.batchFirst {
				r.steps, r.batch = x[1], x[0]
			}
			for k, y := range []*[]float32{&r.y, &r.yh, &r.yc} {
				if to[k] >= 0 {
					*y = out[to[k]]
				}
			}
			clear(r.y)
			jobs := r.batch * len(l.directions)
			t.Split(jobs, jobs*r.steps*l.gates*l.hidden*(l.inputs+l.hidden), func(lo, hi int) {
				for j := lo; j < hi; j++ {
					r.run(j/r.batch, j%r.batch)
				}
			})
		}
	})
	return nil
}

// recurrent reads the node's weights and attributes.
func (c *compiler) recurrent(n node) (*layer, error) {
	cell := cells[n.Type]
	w, ws, err := c.floats(n.In[1])
	if err != nil {
		return nil, err
	}
	r, rs, err := c.floats(n.In[2])
	if err != nil {
		return nil, err
	}
	b, err := c.Optional(n, 3)
	if err != nil {
		return nil, err
	}
	p, err := c.Optional(n, 7)
	if err != nil {
		return nil, err
	}
	if n.Int("input_forget", 0) != 0 {
		return nil, errors.New("the embedded engine has no coupled gates (input_forget)")
	}
	l := &layer{inputs: ws[2], hidden: rs[2], gates: cell.gates, clip: n.Float("clip", 0), linear: n.Int("linear_before_reset", 0) != 0,
		batchFirst: n.Int("layout", 0) != 0, step: cell.step}
	acts, err := activationsOf(n, cell.activations, rs[0])
	if err != nil {
		return nil, err
	}
	rows := l.gates * l.hidden
	for d := range rs[0] {
		one := direction{w: w[d*rows*l.inputs:][:rows*l.inputs], r: r[d*rows*l.hidden:][:rows*l.hidden], act: acts[d],
			reverse: d == 1 || n.Text("direction", "forward") == "reverse"}
		if b != nil {
			one.wb, one.rb = b[2*d*rows:][:rows], b[(2*d+1)*rows:][:rows]
		}
		if p != nil {
			one.peepholes = p[3*d*l.hidden:][:3*l.hidden]
		}
		l.directions = append(l.directions, one)
	}
	return l, nil
}

// sequences is a run of a layer.
type sequences struct {
	*layer
	x, lengths, h0, c0 []float32
	y, yh, yc          []float32
	steps, batch       int
}

// run walks one direction over one sequence.
func (s *sequences) run(d, b int) {
	h, rows := s.hidden, s.gates*s.hidden
	st := &states{h: make([]float32, h), c: make([]float32, h), x: make([]float32, rows), r: make([]float32, rows), next: make([]float32, h)}
	last := (d*s.batch + b) * h
	if s.batchFirst {
		last = (b*len(s.directions) + d) * h
	}
	if s.h0 != nil {
		copy(st.h, s.h0[last:])
	}
	if s.c0 != nil {
		copy(st.c, s.c0[last:])
	}
	length := s.steps
	if s.lengths != nil {
		length = max(0, min(length, int(s.lengths[b])))
	}
	dir := &s.directions[d]
	for i := range length {
		at := i
		if dir.reverse {
			at = length - 1 - i
		}
		row, to := at*s.batch+b, (at*len(s.directions)+d)*s.batch+b
		if s.batchFirst {
			row, to = b*s.steps+at, (b*s.steps+at)*len(s.directions)+d
		}
		product(st.x, dir.w, s.x[row*s.inputs:][:s.inputs], dir.wb)
		product(st.r, dir.r, st.h, dir.rb)
		s.step(s.layer, dir, st)
		if s.y != nil {
			copy(s.y[to*h:][:h], st.h)
		}
	}
	if s.yh != nil {
		copy(s.yh[last:][:h], st.h)
	}
	if s.yc != nil {
		copy(s.yc[last:][:h], st.c)
	}
}

// product is a matrix times a vector, plus a bias that may be absent.
func product(to, matrix, v, bias []float32) {
	for k := range to {
		row := matrix[k*len(v):][:len(v)]
		var a, b, c, d float32
		i := 0
		for ; i+4 <= len(v); i += 4 {
			a += row[i] * v[i]
			b += row[i+1] * v[i+1]
			c += row[i+2] * v[i+2]
			d += row[i+3] * v[i+3]
		}
		for ; i < len(v); i++ {
			a += row[i] * v[i]
		}
		if to[k] = a + b + (c + d); bias != nil {
			to[k] += bias[k]
		}
	}
}

// bounded is what an activation gets.
func (l *layer) bounded(v float32) float32 {
	if l.clip > 0 {
		return max(-l.clip, min(l.clip, v))
	}
	return v
}

// lstmStep has the gates input, output, forget and cell; peepholes see the cell, that of the output the new one.
func lstmStep(l *layer, d *direction, s *states) {
	h := l.hidden
	sum := func(gate, k int) float32 { return s.x[gate*h+k] + s.r[gate*h+k] }
	see := func(gate, k int) float32 {
		if d.peepholes == nil {
			return 0
		}
		return d.peepholes[gate*h+k] * s.c[k]
	}
	for k := range h {
		in := d.act[0](l.bounded(sum(0, k) + see(0, k)))
		forget := d.act[0](l.bounded(sum(2, k) + see(2, k)))
		s.c[k] = forget*s.c[k] + in*d.act[1](l.bounded(sum(3, k)))
		s.h[k] = d.act[0](l.bounded(sum(1, k)+see(1, k))) * d.act[2](s.c[k])
	}
}

// gruStep has the gates update and reset, and the new elements. The reset gate forgets a part of the state, before or behind the product.
func gruStep(l *layer, d *direction, s *states) {
	h := l.hidden
	reset := s.next
	for k := range h {
		reset[k] = d.act[0](l.bounded(s.x[h+k] + s.r[h+k]))
	}
	if l.linear {
		for k := range h {
			s.r[2*h+k] *= reset[k]
		}
	} else {
		for k := range h {
			reset[k] *= s.h[k]
		}
		var bias []float32
		if d.rb != nil {
			bias = d.rb[2*h:]
		}
		product(s.r[2*h:], d.r[2*h*h:], reset, bias)
	}
	for k := range h {
		update := d.act[0](l.bounded(s.x[k] + s.r[k]))
		s.h[k] = (1-update)*d.act[1](l.bounded(s.x[2*h+k]+s.r[2*h+k])) + update*s.h[k]
	}
}

func rnnStep(l *layer, d *direction, s *states) {
	for k := range s.h {
		s.h[k] = d.act[0](l.bounded(s.x[k] + s.r[k]))
	}
}

// recurrentShape compares the operands of a recurrent layer, and returns its states of all steps, then the last ones.
func recurrentShape(_ *compiler, n node, in []nn.Shape) ([]nn.Shape, error) {
	x, w, r := in[0], in[1], in[2]
	if len(x) != 3 || len(w) != 3 || len(r) != 3 {
		return nil, fmt.Errorf("an operand of %d axes, weights of %d and %d; want 3 each", len(x), len(w), len(r))
	}
	d, h, gates := r[0], r[2], cells[n.Type].gates
	directions := map[string]int{"forward": 1, "reverse": 1, "bidirectional": 2}[n.Text("direction", "forward")]
	batch, all, last := x[1], nn.Shape{x[0], d, x[1], h}, nn.Shape{d, x[1], h}
	if n.Int("layout", 0) != 0 {
		batch, all, last = x[0], nn.Shape{x[0], x[1], d, h}, nn.Shape{x[0], d, h}
	}
	want := map[int]nn.Shape{1: {d, gates * h, x[2]}, 2: {d, gates * h, h}, 3: {d, 2 * gates * h}, 4: {batch}, 5: last, 6: last, 7: {d, 3 * h}}
	for k, s := range want {
		if n.Has(k) && !slices.Equal(in[k], s) {
			return nil, fmt.Errorf("operand %d has the shape %v, want %v", k+1, in[k], s)
		}
	}
	if d != directions || n.Int("hidden_size", int64(h)) != int64(h) {
		return nil, fmt.Errorf("weights of %d directions and %d hidden elements do not fit its attributes", d, h)
	}
	return []nn.Shape{all, last, last}, nil
}
