package conform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/runtime/nn"
)

// axisOf is the axis that a node names, or the one by default.
func axisOf(n nn.Node, byDefault int64, rank int) int {
	return (int(n.Int("axis", byDefault)) + rank) % rank
}

// tileMarks repeats what there is of each axis.
func tileMarks(s *slicer, n nn.Node) ([]marks, error) {
	out := slices.Clone(s.have[n.In[0]])
	for a, m := range out {
		if m != nil {
			out[a] = slices.Repeat(m, s.shape(n.Out[0])[a]/s.shape(n.In[0])[a])
		}
	}
	return []marks{out}, nil
}

// squareMarks is for SpaceToDepth: a square of positions times the channels.
func squareMarks(s *slicer, n nn.Node) ([]marks, error) {
	x := s.have[n.In[0]]
	out := make(marks, len(x))
	if x[1] != nil {
		out[1] = slices.Repeat(x[1], s.shape(n.Out[0])[1]/s.shape(n.In[0])[1])
	}
	return []marks{out}, nil
}

// argumentMarks is for ArgMax and ArgMin: the axis that is looked through is there in full.
func argumentMarks(s *slicer, n nn.Node) ([]marks, error) {
	x := slices.Clone(s.have[n.In[0]])
	k := axisOf(n, 0, len(x))
	if x[k] != nil {
		return nil, fmt.Errorf("axis %d is cut, and a position in it is the result", k)
	}
	if n.Int("keepdims", 1) == 0 {
		x = slices.Delete(x, k, k+1)
	}
	return []marks{x}, nil
}

// sortedMarks is for TopK.
func sortedMarks(s *slicer, n nn.Node) ([]marks, error) {
	x := s.have[n.In[0]]
	if k := axisOf(n, -1, len(x)); x[k] != nil {
		return nil, fmt.Errorf("axis %d is cut, and it is sorted", k)
	}
	return []marks{x, x}, nil
}

// elementsMarks is for GatherElements, whose result has the indices' shape, and for ScatterElements.
func elementsMarks(s *slicer, n nn.Node) ([]marks, error) {
	x, index := s.have[n.In[0]], s.have[n.In[1]]
	out := slices.Clone(x)
	k := axisOf(n, 0, len(x))
	if x[k] != nil {
		return nil, fmt.Errorf("axis %d is cut, and its positions are asked for by number", k)
	}
	for a := range out {
		if s.shape(n.In[0])[a] == s.shape(n.In[1])[a] {
			out[a] = both(x[a], index[a])
		}
	}
	return []marks{out}, nil
}

// placesMarks is for GatherND and ScatterND.
func placesMarks(s *slicer, n nn.Node) ([]marks, error) {
	x, index := s.have[n.In[0]], s.shape(n.In[1])
	batch := int(n.Int("batch_dims", 0))
	end := batch + index[len(index)-1]
	if !x[batch:end].whole() {
		return nil, fmt.Errorf("an axis of %v is cut, and its positions are asked for by number", x)
	}
	if n.Type == "ScatterND" {
		return []marks{x}, nil
	}
	return []marks{append(make(marks, len(index)-1), x[end:]...)}, nil
}

// placeMarks is for OneHot: the new axis has all places.
func placeMarks(s *slicer, n nn.Node) ([]marks, error) {
	rank := len(s.shape(n.Out[0]))
	return []marks{slices.Insert(slices.Clone(s.have[n.In[0]]), axisOf(n, -1, rank), []bool(nil))}, nil
}

// sampledMarks is for GridSample: channels stay.
func sampledMarks(s *slicer, n nn.Node) ([]marks, error) {
	out := make(marks, len(s.shape(n.Out[0])))
	out[1] = s.have[n.In[0]][1]
	return []marks{out}, nil
}

// letterMarks is for an Einsum without ellipsis.
func letterMarks(s *slicer, n nn.Node) ([]marks, error) {
	a, _ := n.Attr("equation")
	in, out, _ := strings.Cut(strings.ReplaceAll(a.String, " ", ""), "->")
	have := map[rune][]bool{}
	for k, term := range strings.Split(in, ",") {
		for i, r := range term {
			have[r] = both(have[r], s.have[n.In[k]][i])
		}
	}
	m := marks{}
	for _, r := range out {
		m = append(m, have[r])
	}
	return []marks{m}, nil
}
