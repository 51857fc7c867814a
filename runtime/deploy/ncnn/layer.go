package ncnn

import (
	"cmp"
	"slices"
)

// Model is a network as NCNN's files describe it.
type Model struct {
	Layers []Layer
	Notes  []string // comment lines after the last layer, which NCNN does not read
}

// Layer is one line of a .param file, with its part of the .bin file.
type Layer struct {
	Type, Name string
	In, Out    []string // blobs
	Params     []Param  // by ascending id
	Weights    []Weight
}

// Param is one setting of a layer. It is an integer, a float, or an array of one of them.
type Param struct {
	ID     int
	Ints   []int
	Floats []float32 // instead of Ints
	Array  bool
}

// Weight is one array of the .bin file.
type Weight struct {
	Data   []float32
	Tagged bool // stored with a tag that tells its precision, so it can be stored as float16
}

func integer(id, v int) Param           { return Param{ID: id, Ints: []int{v}} }
func integers(id int, v ...int) Param   { return Param{ID: id, Ints: v, Array: true} }
func float(id int, v float32) Param     { return Param{ID: id, Floats: []float32{v}} }
func floats(id int, v ...float32) Param { return Param{ID: id, Floats: v, Array: true} }

func (l *Layer) param(id int) (Param, bool) {
	for _, p := range l.Params {
		if p.ID == id {
			return p, true
		}
	}
	return Param{}, false
}

// set replaces parameters.
func (l *Layer) set(ps ...Param) {
	for _, p := range ps {
		l.Params = slices.DeleteFunc(l.Params, func(q Param) bool { return q.ID == p.ID })
		l.Params = append(l.Params, p)
	}
	slices.SortFunc(l.Params, func(a, b Param) int { return cmp.Compare(a.ID, b.ID) })
}

// int returns an integer parameter, def when it is left out or is no integer.
func (l *Layer) int(id, def int) int {
	if p, ok := l.param(id); ok && !p.Array && len(p.Ints) == 1 {
		return p.Ints[0]
	}
	return def
}

// float returns a float parameter, def when it is left out.
func (l *Layer) float(id int, def float32) float32 {
	p, ok := l.param(id)
	switch {
	case ok && !p.Array && len(p.Floats) == 1:
		return p.Floats[0]
	case ok && !p.Array && len(p.Ints) == 1:
		return float32(p.Ints[0])
	}
	return def
}

func (l *Layer) ints(id int) []int {
	p, _ := l.param(id)
	return p.Ints
}

// floats returns an array of floats.
func (l *Layer) floats(id int) []float32 {
	p, _ := l.param(id)
	return p.Floats
}

// dims returns the extents that ids 0 (w), 1 (h), 11 (d) and 2 (c) tell, outermost first. absent marks those that are not there.
func (l *Layer) dims(absent int) []int {
	w, h, d, c := l.int(0, absent), l.int(1, absent), l.int(11, absent), l.int(2, absent)
	switch {
	case d != absent:
		return []int{c, d, h, w}
	case c != absent:
		return []int{c, h, w}
	case h != absent:
		return []int{h, w}
	}
	return []int{w}
}

// shape is the reverse of dims, for one to four axes.
func shape(s []int) []Param {
	ids := [][]int{nil, {0}, {1, 0}, {2, 1, 0}, {2, 11, 1, 0}}[len(s)]
	out := make([]Param, len(s))
	for i, n := range s {
		out[i] = integer(ids[i], n)
	}
	return out
}

// count returns the number of elements of a shape.
func count(s []int) int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}
