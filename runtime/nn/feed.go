package nn

import (
	"hash/fnv"
	"math"
	"math/rand/v2"

	"github.com/autotailor/autotailor/internal/operators"
)

// Feed makes up inputs of a network, for profiling and tests. The zero Feed is the usual one.
type Feed struct {
	Weights Weights // the constants in them narrow the ranges of indices; may be nil
	Seed    uint64
	Flags   Flags
}

// Flags say which form the elements of masks have, the inputs that only switch things on and off.
type Flags uint8

// The forms of flags. No single form suits all networks: if a mask hides all of a row, the result may not be finite.
const (
	MixedFlags Flags = iota // ones, then zeros in the last third of each row
	OnesFlags
	ZerosFlags
)

// Inputs returns tensors for the inputs of g, which has no open axes. The tensors are the same in each call, and each has its input's element type. Inputs that pick
// positions of a tensor (token ids, positions, token types) are within that tensor's range.
func (f Feed) Inputs(g *Graph) []Tensor {
	spans := f.spans(g)
	out := make([]Tensor, len(g.Inputs))
	for i, v := range g.Inputs {
		out[i] = f.tensor(g.Values[v], spans[v])
	}
	return out
}

// tensor makes one input whose elements are in s. s is nil if any elements will do.
func (f Feed) tensor(i Info, s *span) Tensor {
	h := fnv.New64a()
	h.Write([]byte(i.Name))
	rng := rand.New(rand.NewPCG(h.Sum64(), f.Seed))
	numbers := make([]float64, i.Shape.Count())
	next := f.free(i, rng)
	if s != nil {
		next = func(int) float64 { return float64(s.low + rng.Int64N(s.high-s.low+1)) }
	}
	for k := range numbers {
		numbers[k] = next(k)
	}
	return FromNumbers(i.Type, i.Shape, numbers)
}

// few bounds the whole numbers of inputs with at most one axis. Such inputs are often steps, lengths or scales.
const few = 4

// free returns a function that makes the elements of an input without a range, by their positions.
func (f Feed) free(i Info, rng *rand.Rand) func(k int) float64 {
	rank := len(i.Shape)
	switch {
	case i.Type.Fractional():
		return func(int) float64 { return rng.NormFloat64() }
	case i.Type == Uint8 && rank > 2: // an image
		return func(int) float64 { return float64(rng.IntN(256)) }
	case i.Type == Int8 && rank > 2:
		return func(int) float64 { return float64(rng.IntN(256) - 128) }
	case i.Type != Bool && rank < 2:
		return func(int) float64 { return float64(1 + rng.IntN(few)) }
	}
	row := 1
	if rank > 0 {
		row = max(1, i.Shape[rank-1])
	}
	return func(k int) float64 {
		on := f.Flags == OnesFlags || f.Flags == MixedFlags && 3*(k%row) < 2*row
		if on {
			return 1
		}
		return 0
	}
}

// span is a range of whole numbers, both ends in it.
type span struct{ low, high int64 }

// widest is far beyond every index, and far from overflow.
const widest = math.MaxInt64 / 8

// both is the intersection of two spans, or s if that is empty.
func (s *span) both(t *span) *span {
	if s == nil || t == nil {
		if s == nil {
			return t
		}
		return s
	}
	if u := (span{max(s.low, t.low), min(s.high, t.high)}); u.low <= u.high {
		return &u
	}
	return s
}

// spans returns the ranges in which values of g must be, as far as they are known. It goes back from operators that pick positions to the values from which the
// positions are computed.
func (f Feed) spans(g *Graph) map[Value]*span {
	b := &bounds{graph: g, weights: f.Weights, spans: map[Value]*span{}}
	for k := len(g.Nodes) - 1; k >= 0; k-- {
		n := &g.Nodes[k]
		if rule := picking[operators.Qualified(n.Domain, n.Type)]; rule != nil {
			rule(b, n)
		}
		if len(n.Out) == 0 || b.spans[n.Out[0]] == nil {
			continue
		}
		if rule := carrying[n.Type]; rule != nil && n.Domain == "" {
			rule(b, n, *b.spans[n.Out[0]])
		}
	}
	return b.spans
}
