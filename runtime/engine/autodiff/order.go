package autodiff

import (
	"slices"

	"github.com/autotailor/autotailor/runtime/nn"
)

// plain is the order of a row-major tensor of the given rank.
func plain(rank int) []int {
	o := make([]int, rank)
	for i := range o {
		o[i] = i
	}
	return o
}

// channelsLast is the order of images: axis 1 comes last.
func channelsLast(rank int) []int {
	o := plain(rank)
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

// arrange returns a shape in memory order.
func arrange(s nn.Shape, order []int) nn.Shape {
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
