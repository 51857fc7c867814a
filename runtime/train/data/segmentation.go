package data

import (
	"fmt"

	"github.com/autotailor/autotailor/internal/quality"
	"github.com/autotailor/autotailor/runtime/nn"
)

// unknownPixel is what masks have, beside numbers below 0, where the class is not known.
const unknownPixel = 255

// Segmentation is the task of telling the class of each pixel: the first output has a map for each class, [batch, classes, height, width] or with
// classes last, or one map whose pixels are of class 1 where it is above 0. Targets are [height, width] classes for each sample; those below 0, and 255
// where there is no such class, are not known. Pixels of the target are judged, each by the position of the map that it lies in, so that maps may be
// smaller. The quality of a sample is the mean of its classes' intersection over union.
func Segmentation() Task {
	return Task{Name: "segmentation", Metric: Metric{"mean IoU", "mean over samples", false}, Logits: true, Fit: func(of Signature, s Samples) (*Judge, error) {
		out, err := floats(of)
		if err == nil && len(out.Shape) < 3 {
			err = fmt.Errorf("its output %q is %v, want maps such as [batch, classes, height, width]", out.Name, out.Shape)
		}
		if err == nil {
			err = targetsAre(s, nn.Int64, len(out.Shape)-1, "a class for each pixel")
		}
		if err != nil {
			return nil, err
		}
		t, err := s.Targets([]int{0})
		if err != nil {
			return nil, err
		}
		m := mapsOf(out.Shape[1:], t.Shape[1:])
		return labelled{output: out, maps: true, quality: m.quality, loss: m.loss, taught: m.taught}.judge(), nil
	}}
}

// grids say where classes lie in maps.
type grids struct {
	classes int
	last    bool // classes are the last axis
}

// mapsOf tells where classes are, from the shape of maps and the extents of targets: first, unless only the extents that are then left are not
// those of the targets, or of the same proportions.
func mapsOf(shape, target nn.Shape) grids {
	n := len(shape)
	alike := func(extents nn.Shape) bool {
		for k := range extents {
			if extents[k]*target[0] != extents[0]*target[k] {
				return false
			}
		}
		return true
	}
	if !alike(shape[1:]) && alike(shape[:n-1]) {
		return grids{shape[n-1], true}
	}
	return grids{shape[0], false}
}

// extents are those of the maps of one sample.
func (m grids) extents(shape nn.Shape) nn.Shape {
	if m.last {
		return shape[:len(shape)-1]
	}
	return shape[1:]
}

// nearest lists, for each position of a grid, the number of the position that lies there on another one: at (i+1/2)*from/to, rounded down.
func nearest(from, to nn.Shape) []int {
	out := []int{0}
	for k, n := range to {
		var next []int
		for _, base := range out {
			for i := range n {
				next = append(next, base*from[k]+min(from[k]-1, (2*i+1)*from[k]/(2*n)))
			}
		}
		out = next
	}
	return out
}

// at is the number of the score of a class at a position, of as many as there are.
func (m grids) at(position, class, positions int) int {
	if m.last {
		return position*m.classes + class
	}
	return class*positions + position
}

// rows returns the scores at the positions of a grid.
func (m grids) rows(values []float32, shape, grid nn.Shape) []float32 {
	extents := m.extents(shape)
	positions := extents.Count()
	list := nearest(extents, grid)
	out := make([]float32, 0, len(list)*m.classes)
	for _, p := range list {
		for c := range m.classes {
			out = append(out, values[m.at(p, c, positions)])
		}
	}
	return out
}

// add is the transpose of rows: it adds gradients with respect to rows to those with respect to maps.
func (m grids) add(grad, rows []float32, shape, grid nn.Shape) {
	extents := m.extents(shape)
	positions := extents.Count()
	for i, p := range nearest(extents, grid) {
		for c := range m.classes {
			grad[m.at(p, c, positions)] += rows[i*m.classes+c]
		}
	}
}

// labels are those of a target, -1 where the class is not known.
func (m grids) labels(s one) ([]int64, error) {
	classes := max(m.classes, 2)
	list := s.target.Int64s()
	if list == nil || len(s.target.Shape) != len(s.shape)-1 {
		return nil, fmt.Errorf("want a class for each pixel, int64; the data has %s", describe(s.target))
	}
	out := make([]int64, len(list))
	for i, y := range list {
		switch {
		case y < 0 || y == unknownPixel && classes <= unknownPixel:
			out[i] = -1
		case y >= int64(classes):
			return nil, fmt.Errorf("class %d is none of the %d that the network scores", y, classes)
		default:
			out[i] = y
		}
	}
	return out, nil
}

func (m grids) quality(s one) (float64, error) {
	labels, err := m.labels(s)
	if err != nil {
		return 0, err
	}
	rows := m.rows(s.values, s.shape, s.target.Shape)
	if m.classes > 1 {
		return quality.IoU(quality.Best(rows, m.classes), labels, m.classes), nil
	}
	predicted := make([]int, len(rows))
	for i, v := range rows {
		switch {
		case v != v:
			predicted[i] = -1
		case v > 0:
			predicted[i] = 1
		}
	}
	return quality.IoU(predicted, labels, 2), nil
}

func (m grids) loss(s one, r Recipe, scale float64, grad []float32) (float64, error) {
	labels, err := m.labels(s)
	if err != nil {
		return 0, err
	}
	rows := m.rows(s.values, s.shape, s.target.Shape)
	own, loss := make([]float32, len(rows)), 0.0
	if m.classes > 1 {
		loss = quality.CrossEntropy(rows, m.classes, labels, r.Smoothing, scale, own)
	} else {
		targets := make([]float32, len(labels))
		for i, y := range labels {
			targets[i] = float32(y)
		}
		loss = quality.Binary(rows, targets, scale, own)
	}
	m.add(grad, own, s.shape, s.target.Shape)
	return loss, nil
}

func (m grids) taught(s one, r Recipe, scale float64, grad []float32) float64 {
	grid := m.extents(s.taught)
	rows, teacher := m.rows(s.values, s.shape, grid), m.rows(s.teacher, s.taught, grid)
	own, loss := make([]float32, len(rows)), 0.0
	if m.classes > 1 {
		loss = quality.Divergence(rows, teacher, m.classes, r.Alpha, scale, own)
	} else {
		loss = quality.BinaryDivergence(rows, teacher, scale, own)
	}
	m.add(grad, own, s.shape, grid)
	return loss
}
