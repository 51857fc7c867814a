package model

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/infer"
	"github.com/autotailor/autotailor/runtime/nn"
)

// control runs an operator with subgraphs.
func (x *machine) control(o *operation, p *onnxpb.NodeProto) ([]nn.Tensor, error) {
	switch o.node.Type {
	case "If":
		return x.branch(o, p)
	case "Loop":
		return x.loop(o, p)
	}
	return x.scan(o, p)
}

// inside runs a graph in an attribute of a node. That graph reads values of the graph around it, and adds none to it.
func (x *machine) inside(p *onnxpb.NodeProto, attr string, inputs []value) ([]value, error) {
	at := slices.IndexFunc(p.GetAttribute(), func(a *onnxpb.AttributeProto) bool { return a.GetName() == attr })
	if at < 0 {
		return nil, fmt.Errorf("it has no %s", attr)
	}
	g := p.GetAttribute()[at].GetG()
	inner := &machine{Run: x.Run, model: x.model, values: maps.Clone(x.values), uses: map[string]int{}}
	for _, t := range g.GetInitializer() {
		w, err := x.Weights.Tensor(t.GetName()) // a SubNet's may differ from the file's
		var none nn.NoTensorError
		if errors.As(err, &none) {
			c, failed := x.model.file.Tensor(t)
			w, err = nn.Tensor{Type: c.Type, Shape: c.Shape, Raw: c.Raw}, failed
		}
		if err != nil {
			return nil, err
		}
		inner.values[t.GetName()] = value{w, true}
	}
	if len(g.GetInput()) != len(inputs) {
		return nil, fmt.Errorf("its %s has %d inputs, it gives %d", attr, len(g.GetInput()), len(inputs))
	}
	for k, v := range g.GetInput() {
		inner.values[v.GetName()] = inputs[k]
	}
	inner.count(g)
	return inner.results(g)
}

// branch computes the branch that an If takes.
func (x *machine) branch(o *operation, p *onnxpb.NodeProto) ([]nn.Tensor, error) {
	attr := "else_branch"
	if o.in[0] == nil {
		return nil, errors.New("it has no condition")
	}
	if truth(o.in[0].Tensor) {
		attr = "then_branch"
	}
	out, err := x.inside(p, attr, nil)
	return tensorsOf(out), err
}

func truth(t nn.Tensor) bool { return len(t.Raw) > 0 && t.Raw[0] != 0 }

// maxTrips bounds the trips of a Loop that may never end.
const maxTrips = 1 << 20

// loop runs a body until the given number of trips is made, or until the body ends the loop.
func (x *machine) loop(o *operation, p *onnxpb.NodeProto) ([]nn.Tensor, error) {
	trips, goes := int64(math.MaxInt64), true
	if len(o.in) < 2 {
		return nil, fmt.Errorf("it has %d operands; want 2 or more", len(o.in))
	}
	if o.in[0] != nil {
		list := infer.Of(o.in[0].Tensor).Ints
		if len(list) != 1 {
			return nil, errors.New("its number of trips is not one number")
		}
		trips = list[0]
	}
	if o.in[1] != nil {
		goes = truth(o.in[1].Tensor)
	}
	var state []value
	for _, v := range o.in[2:] {
		if v == nil {
			return nil, errors.New("a value that it carries is left out")
		}
		state = append(state, *v)
	}
	var scans [][]nn.Tensor
	for t := int64(0); t < trips && goes; t++ {
		if t == maxTrips {
			return nil, fmt.Errorf("it has not ended after %d trips", t)
		}
		number := value{nn.FromInt64s(nn.Shape{}, []int64{t}), true}
		condition := value{nn.Tensor{Type: nn.Bool, Shape: nn.Shape{}, Raw: []byte{1}}, true}
		out, err := x.inside(p, "body", append([]value{number, condition}, state...))
		if err != nil {
			return nil, fmt.Errorf("trip %d: %w", t, err)
		}
		if len(out) != 1+len(p.GetOutput()) {
			return nil, fmt.Errorf("its body yields %d values, want %d", len(out), 1+len(p.GetOutput()))
		}
		goes = truth(out[0].Tensor)
		scans = gathered(scans, out[1+len(state):])
		state = out[1 : 1+len(state)]
	}
	return stacked(tensorsOf(state), scans, len(p.GetOutput()), func(int) int { return 0 })
}

// gathered appends the scan outputs of a trip to those of the trips before.
func gathered(scans [][]nn.Tensor, out []value) [][]nn.Tensor {
	if scans == nil {
		scans = make([][]nn.Tensor, len(out))
	}
	for k, v := range out {
		scans[k] = append(scans[k], v.Tensor)
	}
	return scans
}

// stacked are the results of a loop: the values that it carries, and the scan outputs of its trips, joined along an axis.
func stacked(state []nn.Tensor, scans [][]nn.Tensor, results int, axis func(k int) int) ([]nn.Tensor, error) {
	if len(state)+len(scans) != results {
		return nil, errors.New("it makes no trip, so the shapes of its results are not known")
	}
	for k, list := range scans {
		t := list[0]
		for _, other := range list {
			if !slices.Equal(other.Shape, t.Shape) {
				return nil, fmt.Errorf("its trips yield %v and %v", t.Shape, other.Shape)
			}
		}
		a := axis(k)
		if a < 0 {
			a += len(t.Shape) + 1
		}
		if a < 0 || a > len(t.Shape) {
			return nil, fmt.Errorf("axis %d of %d axes", a, len(t.Shape)+1)
		}
		block := t.Type.Bytes() * t.Shape[a:].Count()
		all := nn.Tensor{Type: t.Type, Shape: slices.Insert(slices.Clone(t.Shape), a, len(list))}
		for at := 0; at < len(t.Raw); at += block {
			for _, part := range list {
				all.Raw = append(all.Raw, part.Raw[at:at+block]...)
			}
		}
		state = append(state, all)
	}
	return state, nil
}

// scan runs a body for each position of the operands that it walks over.
func (x *machine) scan(o *operation, p *onnxpb.NodeProto) ([]nn.Tensor, error) {
	walked := int(o.node.Int("num_scan_inputs", 0))
	first := len(o.in) - walked
	if x.model.opset < 9 || walked < 1 || first < 0 || slices.Contains(o.in, nil) {
		return nil, errors.New("this form of it is not run")
	}
	nth := func(attr string, k int) int {
		if list := o.node.Ints(attr); k < len(list) {
			return int(list[k])
		}
		return 0
	}
	var state []value
	for _, v := range o.in[:first] {
		state = append(state, *v)
	}
	var scans [][]nn.Tensor
	trips := 1
	for t := 0; t < trips; t++ {
		inputs := slices.Clone(state)
		for k, v := range o.in[first:] {
			a := nth("scan_input_axes", k)
			if a < 0 {
				a += len(v.Shape)
			}
			if a < 0 || a >= len(v.Shape) || t > 0 && v.Shape[a] != trips {
				return nil, fmt.Errorf("it walks along axis %d of %v", a, v.Shape)
			}
			trips = v.Shape[a]
			at := t
			if nth("scan_input_directions", k) == 1 {
				at = trips - 1 - t
			}
			inputs = append(inputs, value{position(v.Tensor, a, at), v.fixed})
		}
		out, err := x.inside(p, "body", inputs)
		if err != nil {
			return nil, fmt.Errorf("trip %d: %w", t, err)
		}
		if len(out) != len(p.GetOutput()) {
			return nil, fmt.Errorf("its body yields %d values, want %d", len(out), len(p.GetOutput()))
		}
		scans = gathered(scans, out[first:])
		state = out[:first]
	}
	for k := range scans {
		if nth("scan_output_directions", k) == 1 {
			slices.Reverse(scans[k])
		}
	}
	return stacked(tensorsOf(state), scans, len(p.GetOutput()), func(k int) int { return nth("scan_output_axes", k) })
}

// position is a tensor at one position of an axis. The result lacks that axis.
func position(t nn.Tensor, axis, at int) nn.Tensor {
	block := t.Type.Bytes() * t.Shape[axis+1:].Count()
	out := nn.Tensor{Type: t.Type, Shape: slices.Delete(slices.Clone(t.Shape), axis, axis+1)}
	for from := at * block; from < len(t.Raw); from += block * t.Shape[axis] {
		out.Raw = append(out.Raw, t.Raw[from:from+block]...)
	}
	return out
}
