package ncnn

import "slices"

// wiring is a list of layers in which patterns are looked for.
type wiring struct {
	layers []Layer
	dead   []bool
	maker  map[string]int // layer that writes a blob
	reader map[string]int // the only layer that reads a blob
}

func wire(layers []Layer) *wiring {
	w := &wiring{layers, make([]bool, len(layers)), map[string]int{}, map[string]int{}}
	n := readers(layers)
	for i, l := range layers {
		for _, b := range l.Out {
			w.maker[b] = i
		}
		for _, b := range l.In {
			if n[b] == 1 {
				w.reader[b] = i
			}
		}
	}
	return w
}

// rest returns the layers that are left.
func (w *wiring) rest() []Layer {
	var out []Layer
	for i, l := range w.layers {
		if !w.dead[i] {
			out = append(out, l)
		}
	}
	return out
}

// from returns the layer that writes a blob, if it is of the type and the blob has one reader.
func (w *wiring) from(blob, layer string) (int, bool) {
	i, ok := w.maker[blob]
	_, sole := w.reader[blob]
	return i, ok && sole && w.layers[i].Type == layer
}

// to returns the only reader of a blob, if it is of the type.
func (w *wiring) to(blob, layer string) (int, bool) {
	i, ok := w.reader[blob]
	return i, ok && w.layers[i].Type == layer
}

// scaled follows a blob through a product with a number.
func (w *wiring) scaled(blob string, scale *float32, used *[]int) string {
	i, ok := w.from(blob, "BinaryOp")
	if l := &w.layers[i]; ok && l.int(0, 0) == 2 && l.int(1, 0) != 0 && len(l.In) == 1 {
		*scale *= l.float(2, 0)
		*used = append(*used, i)
		return l.In[0]
	}
	return blob
}

// attend makes one layer of each attention: MultiHeadAttention where all heads have the same dimension and the projections belong to
// it, else SDPA. What matches neither stays as it is.
func attend(layers []Layer) []Layer {
	w := wire(layers)
	for i := range layers {
		if layers[i].Type == "Softmax" && layers[i].int(0, 0) == 2 {
			w.sdpa(i)
		}
	}
	w = wire(w.rest())
	for i := range w.layers {
		if w.layers[i].Type == "SDPA" && len(w.layers[i].In) == 3 {
			w.multiHead(i)
		}
	}
	return w.rest()
}

// sdpa matches the matrix products around a Softmax over three axes.
func (w *wiring) sdpa(soft int) {
	last, ok := w.to(w.layers[soft].Out[0], "MatMul")
	if !ok || w.layers[last].In[0] != w.layers[soft].Out[0] || w.layers[last].int(0, 0) != 0 {
		return
	}
	blob, used, scale, mask := w.layers[soft].In[0], []int{soft}, float32(1), ""
	if i, ok := w.from(blob, "BinaryOp"); ok && w.layers[i].int(0, 0) == 0 && len(w.layers[i].In) == 2 {
		m, constant := w.from(w.layers[i].In[1], "MemoryData")
		if !constant || len(w.layers[m].dims(0)) != 3 {
			return
		}
		blob, mask, used = w.layers[i].In[0], w.layers[i].In[1], append(used, i)
	}
	blob = w.scaled(blob, &scale, &used)
	first, ok := w.from(blob, "MatMul")
	if !ok || w.layers[first].int(0, 0) != 0 {
		return
	}
	used = append(used, first)
	query := w.scaled(w.layers[first].In[0], &scale, &used)
	turned, ok := w.from(w.scaled(w.layers[first].In[1], &scale, &used), "Permute")
	if !ok || scale == 0 {
		return
	}
	key, ok := w.unturned(turned)
	if !ok {
		return
	}
	for _, i := range used {
		w.dead[i] = true
	}
	l := Layer{Type: "SDPA", Name: w.layers[last].Name, In: []string{query, key, w.layers[last].In[1]}, Out: w.layers[last].Out, Params: []Param{float(6, scale)}}
	if mask != "" {
		l.In = append(l.In, mask)
		l.set(integer(5, 1))
	}
	w.layers[last] = l
}

// unturned makes a Permute of three axes yield its result with the last two axes the other way round, and returns the blob.
func (w *wiring) unturned(i int) (string, bool) {
	l := &w.layers[i]
	number := l.int(0, 0)
	if number < 0 || number >= len(orders[3]) {
		return "", false
	}
	o := orders[3][number]
	swapped := slices.Index(orders[3], string([]byte{o[1], o[0], o[2]}))
	if swapped == 0 {
		w.dead[i] = true
		return l.In[0], true
	}
	l.set(integer(0, swapped))
	return l.Out[0], true
}

// headFirst is the order of Permute from tokens, heads, features to heads, tokens, features, and back.
const headFirst = 2

// part is where queries, keys or values come from.
type part struct {
	product, from, rows int // rows of the product's weights
	heads, tokens       int
	used                []int
}

// projection follows an operand of an SDPA back to the product that makes it.
func (w *wiring) projection(blob string) (p part, ok bool) {
	i, ok := w.from(blob, "Permute")
	if !ok || w.layers[i].int(0, 0) != headFirst {
		return p, false
	}
	k, ok := w.from(w.layers[i].In[0], "Reshape")
	s := w.layers[k].dims(-233)
	if !ok || len(s) != 3 {
		return p, false
	}
	p.used, p.tokens, p.heads, p.rows = []int{i, k}, s[0], s[1], s[1]*s[2]
	blob = w.layers[k].In[0]
	if m, ok := w.from(blob, "Slice"); ok && w.layers[m].int(1, 0) == 1 {
		for n, name := range w.layers[m].Out {
			if name == blob {
				break
			}
			p.from += w.layers[m].ints(0)[n]
		}
		p.used = append(p.used, m)
		blob = w.layers[m].In[0]
	}
	p.product, ok = w.from(blob, "InnerProduct")
	p.used = append(p.used, p.product)
	return p, ok && w.layers[p.product].int(9, 0) == 0
}

// multiHead matches an SDPA with its four projections.
func (w *wiring) multiHead(at int) {
	l := &w.layers[at]
	var parts [3]part
	var used []int
	for k := range parts {
		p, ok := w.projection(l.In[k])
		if !ok || k > 0 && (p.rows != parts[0].rows || p.heads != parts[0].heads || p.tokens != parts[0].tokens) {
			return
		}
		parts[k], used = p, append(used, p.used...)
	}
	back, ok := w.to(l.Out[0], "Permute")
	if !ok || w.layers[back].int(0, 0) != headFirst {
		return
	}
	flat, ok := w.to(w.layers[back].Out[0], "Reshape")
	if !ok || !slices.Equal(w.layers[flat].dims(-233), []int{parts[0].tokens, parts[0].rows}) {
		return
	}
	out, ok := w.to(w.layers[flat].Out[0], "InnerProduct")
	if !ok || w.layers[out].int(9, 0) != 0 {
		return
	}
	features := map[int]int{} // of each product, and how many of them are parts of this attention
	for _, p := range parts {
		features[p.product] += p.rows
	}
	input, inner, width := "", parts[0].rows, w.layers[out].int(0, 0)
	m := Layer{Type: "MultiHeadAttention", Name: w.layers[out].Name, Out: w.layers[out].Out}
	for _, p := range parts {
		q := &w.layers[p.product]
		if len(q.In) != 1 || input != "" && q.In[0] != input || features[p.product] != q.int(0, 0) || q.int(2, 0) != q.int(0, 0)*width {
			return
		}
		input = q.In[0]
		bias := make([]float32, inner)
		if len(q.Weights) > 1 {
			bias = q.Weights[1].Data[p.from : p.from+inner]
		}
		m.Weights = append(m.Weights, Weight{Data: q.Weights[0].Data[p.from*width : (p.from+inner)*width], Tagged: true}, Weight{Data: bias})
	}
	m.In = []string{input}
	m.Weights = append(m.Weights, w.layers[out].Weights...)
	if len(m.Weights) == 7 {
		m.Weights = append(m.Weights, Weight{Data: make([]float32, width)})
	}
	m.Params = []Param{integer(0, inner), integer(1, parts[0].heads), integer(2, inner*width), integer(3, width), integer(4, width), float(6, l.float(6, 0))}
	for _, i := range append(used, at, back, flat) {
		w.dead[i] = true
	}
	w.layers[out] = m
}
