package ncnn

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
)

// Options control Export.
type Options struct {
	Notes          []string // lines that the .param file ends with
	PlainAttention bool     // matrix products and Softmax, for releases of NCNN without SDPA
}

// Export makes the model of a recorded network with weights w for batch 1. Everything that NCNN cannot express is an
// error that names the node, once for each reason; the first ten are told.
func Export(g *nn.Graph, w nn.Weights, o Options) (*Model, error) {
	e := &exporter{open: opened(g), g: g.Bind(1), w: w, blobs: map[nn.Value]blob{}, known: map[nn.Value]nn.Tensor{}, uses: map[nn.Value]int{}, names: map[string]bool{}, reasons: map[string]int{}, again: map[int]int{}, forms: map[string]string{}, maker: map[string]int{}}
	e.g.Nodes = busy(e.g)
	for _, n := range e.g.Nodes {
		for _, v := range n.In {
			e.uses[v]++
		}
	}
	var results []string
	for _, v := range g.Outputs {
		e.uses[v]++
		results = append(results, e.unique(g.Values[v].Name))
	}
	if err := e.constants(); err != nil {
		return nil, err
	}
	for _, v := range g.Inputs {
		e.input(v)
	}
	for i := range e.g.Nodes {
		e.node(&e.g.Nodes[i])
	}
	for i, v := range g.Outputs {
		e.output(v, results[i])
	}
	if len(e.errs) > 0 {
		return nil, e.failure()
	}
	layers := fuse(needed(e.layers, results))
	if !o.PlainAttention {
		layers = attend(layers)
	}
	return &Model{Layers: split(layers), Notes: o.Notes}, nil
}

// busy lists the nodes that more than sizes follow from.
func busy(g *nn.Graph) []nn.Node {
	var out []nn.Node
	for i, idle := range g.Idle() {
		if !idle {
			out = append(out, g.Nodes[i])
		}
	}
	return out
}

// blob is where a value is.
type blob struct {
	name string
	s    []int // as its layer yields it: the value's elements in order, perhaps with other axes
	sole bool  // it has one reader
}

type exporter struct {
	open, g *nn.Graph // with open batch, and with batch 1
	w       nn.Weights
	blobs   map[nn.Value]blob
	known   map[nn.Value]nn.Tensor // what constant nodes yield
	uses    map[nn.Value]int
	names   map[string]bool
	forms   map[string]string // blobs in other shapes
	maker   map[string]int    // layer that writes a blob
	layers  []Layer
	errs    []error
	reasons map[string]int // index in errs of what was refused for a reason
	again   map[int]int    // how many nodes more were refused for the same reason
}

// maxErrors bounds how many refusals are told.
const maxErrors = 10

// refuse notes why a node cannot be expressed. Of nodes with one reason the first is named and the others are counted.
func (e *exporter) refuse(n *nn.Node, err error) {
	reason := n.Type + " " + err.Error()
	if at, ok := e.reasons[reason]; ok {
		e.again[at]++
		return
	}
	e.reasons[reason] = len(e.errs)
	e.errs = append(e.errs, fmt.Errorf("node %q (%s): %w", n.Name, n.Type, err))
}

func (e *exporter) failure() error {
	errs := slices.Clone(e.errs)
	for at, n := range e.again {
		errs[at] = fmt.Errorf("%w (and %d more such nodes)", errs[at], n)
	}
	if more := len(errs) - maxErrors; more > 0 {
		errs = append(slices.Clone(errs[:maxErrors]), fmt.Errorf("and %d more", more))
	}
	return fmt.Errorf("this network cannot be an NCNN model; export ONNX instead:\n%w", errors.Join(errs...))
}

// constants evaluates nodes that do not depend on inputs.
func (e *exporter) constants() error {
	known := func(v nn.Value) bool {
		_, ok := e.known[v]
		return v == nn.None || ok || e.g.Values[v].Known()
	}
	sub := *e.g
	sub.Inputs, sub.Outputs, sub.Nodes = nil, nil, nil
	for _, n := range e.g.Nodes {
		if !slices.ContainsFunc(n.In, func(v nn.Value) bool { return !known(v) }) {
			for _, v := range n.Out {
				e.known[v] = nn.Tensor{}
				sub.Outputs = append(sub.Outputs, v)
			}
			sub.Nodes = append(sub.Nodes, n)
		}
	}
	if len(sub.Nodes) == 0 {
		return nil
	}
	s, err := embedded.New(embedded.Options{Threads: 1}).Compile(&sub, e.w)
	if err != nil {
		return fmt.Errorf("constants of the network: %w", err)
	}
	out, err := s.Run()
	for i, t := range out {
		t.Raw = slices.Clone(t.Raw)
		e.known[sub.Outputs[i]] = t
	}
	return errors.Join(err, s.Close())
}

// constant returns the tensor of a value that does not depend on inputs.
func (e *exporter) constant(v nn.Value) (t nn.Tensor, ok bool, err error) {
	info := &e.g.Values[v]
	switch {
	case info.Const != nil:
		return *info.Const, true, nil
	case info.Param != nil:
		t, err = nn.Fetch(e.w, *info.Param)
		return t, true, err
	}
	t, ok = e.known[v]
	return t, ok, nil
}

// floats returns a constant's elements.
func (e *exporter) floats(v nn.Value) ([]float32, error) {
	t, ok, err := e.constant(v)
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, fmt.Errorf("operand %q must be a constant", e.g.Values[v].Name)
	case t.Type != nn.Float32:
		return nil, fmt.Errorf("operand %q is not of type float32", e.g.Values[v].Name)
	}
	return slices.Clone(t.Float32s()), nil
}

// batchAxis is the axis that is left out of a value, -1 when the batch is part of another axis.
func (e *exporter) batchAxis(v nn.Value) int { return slices.Index(e.open.Values[v].Shape, nn.Batch) }

// shape is that of a value without its batch axis.
func (e *exporter) shape(v nn.Value) []int {
	s := slices.Clone([]int(e.g.Values[v].Shape))
	if a := e.batchAxis(v); a >= 0 {
		s = slices.Delete(s, a, a+1)
	}
	if len(s) == 0 {
		return []int{1}
	}
	return s
}

// axis translates an axis of a value.
func (e *exporter) axis(v nn.Value, axis int) (int, error) {
	rank, batch := len(e.g.Values[v].Shape), e.batchAxis(v)
	if axis < 0 {
		axis += rank
	}
	switch {
	case axis < 0 || axis >= rank:
		return 0, fmt.Errorf("there is no axis %d", axis)
	case axis == batch:
		return 0, errors.New("it works along the batch axis, which NCNN does not have")
	case batch >= 0 && axis > batch:
		return axis - 1, nil
	}
	return axis, nil
}

// node emits one node.
func (e *exporter) node(n *nn.Node) {
	if _, ok := e.known[n.Out[0]]; ok {
		return
	}
	err := e.emit(n)
	if err != nil {
		e.refuse(n, err)
	}
	for _, v := range n.Out {
		if _, ok := e.blobs[v]; !ok { // after an error, so that the nodes behind it are checked as well
			e.blobs[v] = blob{name: "?", s: e.shape(v)}
		}
	}
}

func (e *exporter) emit(n *nn.Node) error {
	f, ok := emitters[n.Type]
	if !ok || n.Domain != "" {
		return errors.New("NCNN has no layer for it")
	}
	for _, v := range append(slices.Clone(n.In), n.Out...) {
		if v != nn.None && e.axes(v) > 4 && f.strict {
			return fmt.Errorf("%q has %d axes besides the batch, NCNN has at most four", e.g.Values[v].Name, len(e.shape(v)))
		}
	}
	return f.emit(e, n)
}

// axes is how many axes a value has besides the batch, which constants have as an axis of one position.
func (e *exporter) axes(v nn.Value) int {
	s := e.shape(v)
	if _, ok, _ := e.constant(v); ok && len(s) > 0 && s[0] == 1 {
		return len(s) - 1
	}
	return len(s)
}

// unique makes a legal name that is not taken.
func (e *exporter) unique(name string) string {
	name = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' || r == '#' {
			return '_'
		}
		return r
	}, name)
	if len(name) > 200 {
		name = name[:200]
	}
	if name == "" {
		name = "_"
	}
	free := name
	for k := 1; e.names[free]; k++ {
		free = fmt.Sprintf("%s_%d", name, k)
	}
	e.names[free] = true
	return free
}

// add appends a layer with one result of shape s, which has the layer's name.
func (e *exporter) add(l Layer, s []int) string {
	l.Name = e.unique(l.Name)
	l.Out = []string{l.Name}
	l.set()
	e.maker[l.Name] = len(e.layers)
	e.layers = append(e.layers, l)
	e.forms[form(l.Name, s)] = l.Name
	return l.Name
}

// yield appends a layer whose result, of shape s, is v.
func (e *exporter) yield(v nn.Value, l Layer, s []int) error {
	e.blobs[v] = blob{e.add(l, s), s, e.uses[v] == 1}
	return nil
}

// alias says that v has the same elements as the value of x.
func (e *exporter) alias(v, x nn.Value) error {
	b := e.blobs[x]
	b.sole = b.sole && e.uses[v] == 1
	e.blobs[v] = b
	return nil
}

func form(name string, s []int) string { return fmt.Sprint(name, s) }

// as returns the blob of a value in the shape s.
func (e *exporter) as(v nn.Value, s []int) string {
	b, ok := e.blobs[v]
	if !ok {
		return e.memory(v, s)
	}
	if slices.Equal(b.s, s) {
		return b.name
	}
	if name, ok := e.forms[form(b.name, s)]; ok {
		return name
	}
	name := e.add(Layer{Type: "Reshape", Name: b.name + "_reshape", In: []string{b.name}, Params: shape(s)}, s)
	e.forms[form(b.name, s)] = name
	return name
}

// whole returns the blob of a value in its own shape.
func (e *exporter) whole(v nn.Value) string { return e.as(v, e.shape(v)) }

// memory makes a constant a blob.
func (e *exporter) memory(v nn.Value, s []int) string {
	data, err := e.floats(v)
	if err != nil || len(data) != count(s) {
		e.errs = append(e.errs, fmt.Errorf("constant %q cannot have the shape %v: %w", e.g.Values[v].Name, s, errors.Join(err)))
		return "?"
	}
	return e.add(Layer{Type: "MemoryData", Name: e.g.Values[v].Name, Params: shape(s), Weights: []Weight{{Data: data}}}, s)
}

func (e *exporter) input(v nn.Value) {
	s := e.shape(v)
	if len(s) > 4 || e.g.Values[v].Type != nn.Float32 || e.open.Values[v].Shape.Open() != (e.batchAxis(v) >= 0) {
		e.errs = append(e.errs, fmt.Errorf("input %q: of the shape %v it cannot be an input of an NCNN model", e.g.Values[v].Name, e.open.Values[v].Shape))
		return
	}
	e.yield(v, Layer{Type: "Input", Name: e.g.Values[v].Name, Params: shape(s)}, s)
}

// output gives the blob of a result the result's name.
func (e *exporter) output(v nn.Value, name string) {
	if len(e.errs) > 0 {
		return
	}
	s := e.shape(v)
	from := e.as(v, s)
	i, ok := e.maker[from]
	switch {
	case !ok:
		e.errs = append(e.errs, fmt.Errorf("output %q is not computed", e.g.Values[v].Name))
		return
	case !e.blobs[v].sole || e.layers[i].Type == "Input": // NCNN frees what has readers
		from = e.add(Layer{Type: "Reshape", Name: from + "_result", In: []string{from}, Params: shape(s)}, s)
	}
	for k := range e.layers {
		rename(e.layers[k].In, from, name)
		rename(e.layers[k].Out, from, name)
	}
}

func rename(list []string, from, to string) {
	for i, s := range list {
		if s == from {
			list[i] = to
		}
	}
}
