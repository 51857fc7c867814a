package ncnn

import (
	"fmt"
	"slices"
)

// activations numbers the layers that can be part of a convolution or matrix product.
var activations = map[string]int{"ReLU": 1, "Clip": 3, "Sigmoid": 4, "HardSwish": 6}

// fused are the layers that can have an activation.
var fused = []string{"Convolution", "ConvolutionDepthWise", "Deconvolution", "DeconvolutionDepthWise", "InnerProduct"}

// readers counts who reads a blob.
func readers(layers []Layer) map[string]int {
	n := map[string]int{}
	for _, l := range layers {
		for _, b := range l.In {
			n[b]++
		}
	}
	return n
}

// fuse makes activations part of the layer before them.
func fuse(layers []Layer) []Layer {
	n, maker := readers(layers), map[string]int{}
	var out []Layer
	for _, l := range layers {
		if t, ok := activations[l.Type]; ok && n[l.In[0]] == 1 {
			i, made := maker[l.In[0]]
			if made && slices.Contains(fused, out[i].Type) && out[i].int(9, 0) == 0 {
				if out[i].attach(t, &l); true {
					delete(maker, l.In[0])
					maker[l.Out[0]] = i
					continue
				}
			}
		}
		for _, b := range l.Out {
			maker[b] = len(out)
		}
		out = append(out, l)
	}
	return out
}

// attach makes a the activation of l.
func (l *Layer) attach(number int, a *Layer) {
	var values []float32
	for id := 0; ; id++ {
		if _, ok := a.param(id); !ok {
			break
		}
		values = append(values, a.float(id, 0))
	}
	if number == 1 && len(values) > 0 && values[0] != 0 {
		number = 2 // leaky
	} else if number == 1 {
		values = nil
	}
	l.set(integer(9, number))
	if len(values) > 0 {
		l.set(floats(10, values...))
	}
	l.Out = a.Out
}

// needed drops layers whose results nobody reads: one that was made for a reader which needs no layer in the end, such as a Slice that
// takes everything.
func needed(layers []Layer, results []string) []Layer {
	read := map[string]bool{}
	for _, r := range results {
		read[r] = true
	}
	var out []Layer
	for _, l := range slices.Backward(layers) {
		if l.Type != "Input" && !slices.ContainsFunc(l.Out, func(b string) bool { return read[b] }) {
			continue
		}
		for _, b := range l.In {
			read[b] = true
		}
		out = append(out, l)
	}
	slices.Reverse(out)
	return out
}

// split gives each reader of a blob a blob of its own.
func split(layers []Layer) []Layer {
	n, taken := readers(layers), map[string]bool{}
	for _, l := range layers {
		for _, b := range l.Out {
			taken[b] = true
		}
	}
	copies := map[string][]string{} // not yet read
	var out []Layer
	for _, l := range layers {
		l.In = slices.Clone(l.In)
		for i, b := range l.In {
			if c := copies[b]; len(c) > 0 {
				l.In[i], copies[b] = c[0], c[1:]
			}
		}
		out = append(out, l)
		for _, b := range l.Out {
			if n[b] < 2 {
				continue
			}
			s := Layer{Type: "Split", Name: b + "_split", In: []string{b}}
			for k := 0; len(s.Out) < n[b]; k++ {
				if name := fmt.Sprintf("%s_split_%d", b, k); !taken[name] {
					taken[name] = true
					s.Out = append(s.Out, name)
				}
			}
			copies[b] = slices.Clone(s.Out)
			out = append(out, s)
		}
	}
	return out
}
