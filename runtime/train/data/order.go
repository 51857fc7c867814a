package data

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"slices"
)

// drawn groups n samples by class, each class in a random order, but alike wherever the data are: that of the SHA-256 of their names. PyTorch's
// tools do the same. There may be millions of samples.
func drawn(n int, class func(i int) int32, name func(i int) []byte) map[int32][]int {
	members, keys := map[int32][]int{}, make([][sha256.Size]byte, n)
	for i := range n {
		keys[i] = sha256.Sum256(name(i))
		members[class(i)] = append(members[class(i)], i)
	}
	for _, own := range members {
		slices.SortFunc(own, func(a, b int) int {
			return cmp.Or(bytes.Compare(keys[a][:], keys[b][:]), bytes.Compare(name(a), name(b)))
		})
	}
	return members
}

// share is a split of samples that have none, as drawn: the first fifth of each class for the test, the rest for training.
func share(classes map[int32][]int, split string) {
	for class, own := range classes {
		n := len(own) / 5
		if split == "test" {
			classes[class] = own[:n]
		} else {
			classes[class] = own[n:]
		}
	}
}

// mixed orders samples so that each run of them has every class in proportion: the k-th of the n samples of a class, as drawn, stands at
// (k + 1/2) / n of the whole. Data are often sorted by class, and commands take the first samples, or the last ones.
func mixed(classes map[int32][]int) []int {
	type placed struct {
		at    int
		class int32
		place float64
	}
	var order []placed
	for class, own := range classes {
		for k, at := range own {
			order = append(order, placed{at, class, float64(2*k+1) / float64(2*len(own))})
		}
	}
	slices.SortFunc(order, func(a, b placed) int { return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.class, b.class)) })
	out := make([]int, len(order))
	for k, p := range order {
		out[k] = p.at
	}
	return out
}
