package infer

import (
	"fmt"
	"math"

	"github.com/autotailor/autotailor/runtime/nn"
)

// Limits of what is taken for a network. They are far beyond any network of the field, and such that no sum or product of a rule overflows 64
// bits: a rule multiplies at most one extent and one step.
const (
	maxRank     = 32
	maxExtent   = math.MaxInt32 // of an axis, so that it is an int on every machine
	maxElements = 1 << 40       // of a tensor
	maxStep     = 1 << 30       // of a stride, a dilation, or the padding at one end of an axis
	maxKnown    = 64            // elements of tensors whose elements are followed
)

// extent returns v as the extent of an axis.
func extent(v int64) (int, error) {
	if v < 0 || v > maxExtent {
		return 0, fmt.Errorf("an axis would have the extent %d, want between 0 and %d", v, maxExtent)
	}
	return int(v), nil
}

// extents returns a list as a shape.
func extents(list []int64) (nn.Shape, error) {
	s := make(nn.Shape, len(list))
	for k, v := range list {
		n, err := extent(v)
		if err != nil {
			return nil, err
		}
		s[k] = n
	}
	return s, nil
}

// product is the number of elements of a shape, or of a part of one.
func product(s nn.Shape) (int64, error) {
	n := int64(1)
	for _, d := range s {
		if d > 0 && n > maxElements/int64(d) {
			return 0, fmt.Errorf("shape %v has more than %d elements", []int(s), int64(maxElements))
		}
		n *= int64(d)
	}
	return n, nil
}

// within checks a shape against the limits.
func within(s nn.Shape) error {
	if len(s) > maxRank {
		return fmt.Errorf("it has %d axes, more than %d", len(s), maxRank)
	}
	for _, d := range s {
		if d < 0 || d > maxExtent {
			return fmt.Errorf("shape %v has an extent that is not between 0 and %d", []int(s), maxExtent)
		}
	}
	_, err := product(s)
	return err
}

// plus and times are sums and products; ok is false where they overflow.
func plus(a, b int64) (v int64, ok bool) {
	v = a + b
	return v, (v > a) == (b > 0)
}

func times(a, b int64) (v int64, ok bool) {
	if a == 0 || b == 0 {
		return 0, true
	}
	v = a * b
	return v, v/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64)
}
