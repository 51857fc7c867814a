package device

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autotailor/autotailor/runtime/deploy/ncnn"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/measure/graphfile"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

// format is a form in which probes can be written.
type format struct {
	name, ext string
	write     func(dst io.Writer, j engine.Job, copies int) error
	inputs    func(g *nn.Graph) string
	step      time.Duration // of the clocks of programs that take it; probes of faster networks have copies; 0 for none
}

// formats are the best first.
var formats = []format{
	{"onnx", ".onnx", writeONNX, shapes, 0},
	{"ncnn", ".param", writeNCNN, innermostFirst, 10 * time.Microsecond}, // benchncnn prints milliseconds with two digits
	{"graph", ".json", writeGraph, shapes, 0},
}

func formatNames() []string {
	var list []string
	for _, f := range formats {
		list = append(list, f.name)
	}
	return list
}

func formatOf(name string) format {
	return formats[slices.IndexFunc(formats, func(f format) bool { return f.name == name })]
}

func writeGraph(dst io.Writer, j engine.Job, _ int) error {
	return graphfile.Write(dst, j.Graph, j.Weights)
}

func writeONNX(dst io.Writer, j engine.Job, _ int) error {
	return onnxfile.Write(dst, j.Graph, j.Weights, onnxfile.WriteOptions{Batch: 1})
}

// writeNCNN writes the .param file: how long a network takes does not depend on its weights, and benchncnn makes them up.
func writeNCNN(dst io.Writer, j engine.Job, copies int) error {
	g, err := reopened(j.Graph)
	if err != nil {
		return err
	}
	m, err := ncnn.Export(g, j.Weights, ncnn.Options{})
	if err != nil {
		return err
	}
	param, _, err := sideBySide(m, copies).Encode(false)
	if err != nil {
		return err
	}
	_, err = dst.Write(param)
	return err
}

// sideBySide returns a model that computes m several times, from the same inputs.
func sideBySide(m *ncnn.Model, copies int) *ncnn.Model {
	if copies <= 1 {
		return m
	}
	out := &ncnn.Model{Notes: m.Notes}
	for _, l := range m.Layers {
		if l.Type != "Input" {
			continue
		}
		s := ncnn.Layer{Type: "Split", Name: l.Name + "_copies", In: l.Out}
		for k := range copies {
			s.Out = append(s.Out, copied(l.Out[0], k))
		}
		out.Layers = append(out.Layers, l, s)
	}
	for k := range copies {
		for _, l := range m.Layers {
			if l.Type == "Input" {
				continue
			}
			l.Name, l.In, l.Out = copied(l.Name, k), slices.Clone(l.In), slices.Clone(l.Out)
			for _, blobs := range [][]string{l.In, l.Out} {
				for i := range blobs {
					blobs[i] = copied(blobs[i], k)
				}
			}
			out.Layers = append(out.Layers, l)
		}
	}
	return out
}

func copied(name string, k int) string { return name + "_copy" + strconv.Itoa(k) }

// reopened returns g, which is at batch 1, with an open batch again, by which NCNN's writer knows the axis that it leaves out.
func reopened(g *nn.Graph) (*nn.Graph, error) {
	out := *g
	out.Values, out.Nodes = slices.Clone(g.Values), slices.Clone(g.Nodes)
	for i := 1; i < len(out.Values); i++ {
		v := &out.Values[i]
		if v.Known() || v.Shape.Open() {
			continue
		}
		if len(v.Shape) < 2 || v.Shape[0] != 1 {
			return nil, fmt.Errorf("value %q has the shape %v: NCNN needs a batch of 1 as the first axis", v.Name, v.Shape)
		}
		v.Shape = append(nn.Shape{nn.Batch}, v.Shape[1:]...)
	}
	for i := range out.Nodes {
		n := &out.Nodes[i]
		if n.Type != "Reshape" {
			continue
		}
		n.Attrs = slices.Clone(n.Attrs)
		for k, a := range n.Attrs {
			if a.Name == "shape" && len(a.Ints) > 0 && a.Ints[0] == 1 {
				n.Attrs[k].Ints = append([]int64{nn.Batch}, a.Ints[1:]...)
			}
		}
	}
	return &out, nil
}

// shapes lists the shapes of g's inputs.
func shapes(g *nn.Graph) string {
	return inputs(g, func(s nn.Shape) nn.Shape { return s })
}

// innermostFirst lists the shapes of g's inputs as NCNN counts: without batch, the last axis first.
func innermostFirst(g *nn.Graph) string {
	return inputs(g, func(s nn.Shape) nn.Shape {
		s = slices.Clone(s[min(1, len(s)):])
		slices.Reverse(s)
		return s
	})
}

func inputs(g *nn.Graph, form func(nn.Shape) nn.Shape) string {
	var list []string
	for _, v := range g.Inputs {
		var extents []string
		for _, n := range form(g.Values[v].Shape) {
			extents = append(extents, strconv.Itoa(n))
		}
		list = append(list, strings.Join(extents, "x"))
	}
	return strings.Join(list, " ")
}

// errNoFormat is what a driver of this package says when it is offered other formats only.
var errNoFormat = errors.New(`this driver reads the format "graph", which was not offered`)
