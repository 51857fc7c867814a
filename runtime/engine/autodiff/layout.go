package autodiff

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Plain is the order of a row-major tensor of the given rank.
func Plain(rank int) []int {
	o := make([]int, rank)
	for i := range o {
		o[i] = i
	}
	return o
}

// ChannelsLast is the order of images: axis 1 comes last.
func ChannelsLast(rank int) []int {
	o := Plain(rank)
	if rank > 2 {
		copy(o[1:], o[2:])
		o[rank-1] = 1
	}
	return o
}

// sameOrder tells whether two orders put the elements of a tensor at the same places: axes of extent 1 do not matter.
func sameOrder(s nn.Shape, a, b []int) bool {
	for i, j := 0, 0; ; i, j = i+1, j+1 {
		for i < len(a) && s[a[i]] == 1 {
			i++
		}
		for j < len(b) && s[b[j]] == 1 {
			j++
		}
		if i == len(a) || j == len(b) {
			return i == len(a) && j == len(b)
		}
		if a[i] != b[j] {
			return false
		}
	}
}

// Arrange returns a shape in memory order.
func Arrange(s nn.Shape, order []int) nn.Shape {
	to := make(nn.Shape, len(order))
	for p, axis := range order {
		to[p] = s[axis]
	}
	return to
}

// moves returns the permutation of memory positions that leads from one order to another.
func moves(from, to []int) []int {
	m := make([]int, len(to))
	for i, axis := range to {
		m[i] = slices.Index(from, axis)
	}
	return m
}

// without is an order without the axes that are gone; the others are numbered anew.
func without(order []int, gone []bool) []int {
	var to []int
	for _, axis := range order {
		if gone[axis] {
			continue
		}
		at := axis
		for _, g := range gone[:axis] {
			if g {
				at--
			}
		}
		to = append(to, at)
	}
	return to
}

// At is s for a batch of b.
func At(s nn.Shape, b int) nn.Shape { return slices.Clone(s.Bind(b)) }

// Pairs lists which matrices of a broadcast product belong together.
func Pairs(x, y nn.Shape) (xat, yat []int) {
	rank := max(len(x), len(y))
	xat, yat = []int{0}, []int{0}
	xs, ys := 1, 1
	for i := 1; i <= rank; i++ {
		a, b := 1, 1
		if i <= len(x) {
			a = x[len(x)-i]
		}
		if i <= len(y) {
			b = y[len(y)-i]
		}
		var nx, ny []int
		for j := range max(a, b) {
			for k := range xat {
				nx = append(nx, xat[k]+min(j, a-1)*xs)
				ny = append(ny, yat[k]+min(j, b-1)*ys)
			}
		}
		xat, yat, xs, ys = nx, ny, xs*a, ys*b
	}
	return xat, yat
}
