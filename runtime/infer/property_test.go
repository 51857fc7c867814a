package infer_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/runtime/infer"
	"github.com/autotailor/autotailor/runtime/nn"
)

// rounds is how many random applications each property is tried with.
const rounds = 3000

// TestWindowsAgainstBruteForce moves random windows over an axis by hand.
func TestWindowsAgainstBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range rounds {
		n, k, stride, dilation := 1+rng.IntN(12), 1+rng.IntN(5), 1+rng.IntN(4), 1+rng.IntN(3)
		before, behind, ceil := rng.IntN(4), rng.IntN(4), rng.IntN(2)
		want := 0
		for at := 0; ; at += stride {
			end := before + n + behind
			whole := at+(k-1)*dilation < end
			left := at-stride+(k-1)*dilation < end-1 // positions that the window before does not reach
			partly := ceil == 1 && want > 0 && left && at < before+n
			if !whole && !partly {
				break
			}
			want++
		}
		out, err := apply("MaxPool", 1, of(1, 2, n), ints("kernel_shape", int64(k)), ints("strides", int64(stride)), ints("dilations", int64(dilation)),
			ints("pads", int64(before), int64(behind)), num("ceil_mode", int64(ceil)))
		if (err == nil) != (want > 0) || err == nil && !slices.Equal(out[0].Shape, nn.Shape{1, 2, want}) {
			t.Fatalf("extent %d, window %d, stride %d, dilation %d, padding %d and %d, ceil %d: %v, %v; by hand %d", n, k, stride, dilation, before, behind, ceil, out, err, want)
		}
	}
}

// TestTransposedWindowsAgainstBruteForce: a transposed convolution reaches as far as its last element is scattered, less what is cropped.
func TestTransposedWindowsAgainstBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range rounds {
		n, k, stride, dilation := 1+rng.IntN(8), 1+rng.IntN(5), 1+rng.IntN(4), 1+rng.IntN(3)
		before, behind := rng.IntN(3), rng.IntN(3)
		last := 0
		for i := range n {
			for tap := range k {
				last = max(last, i*stride+tap*dilation)
			}
		}
		want := last + 1 - before - behind
		out, err := apply("ConvTranspose", 1, of(1, 2, n), of(2, 3, k), ints("strides", int64(stride)), ints("dilations", int64(dilation)), ints("pads", int64(before), int64(behind)))
		if (err == nil) != (want > 0) || err == nil && !slices.Equal(out[0].Shape, nn.Shape{1, 3, want}) {
			t.Fatalf("extent %d, window %d, stride %d, dilation %d, padding %d and %d: %v, %v; by hand %d", n, k, stride, dilation, before, behind, out, err, want)
		}
	}
}

// TestBroadcastsAgainstBruteForce: each axis of the result is that of an operand, and every operand's axis is 1 or the same.
func TestBroadcastsAgainstBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	for range rounds {
		var operands []any
		var shapes []nn.Shape
		rank := 0
		for range 1 + rng.IntN(4) {
			s := nn.Shape{}
			for range rng.IntN(5) {
				s = append(s, []int{1, 1, 2, 3, 0}[rng.IntN(5)])
			}
			shapes, operands, rank = append(shapes, s), append(operands, of(s...)), max(rank, len(s))
		}
		want, possible := make(nn.Shape, rank), true
		for behind := range rank {
			kinds := map[int]bool{}
			for _, s := range shapes {
				if behind < len(s) {
					kinds[s[len(s)-1-behind]] = true
				}
			}
			one := kinds[1]
			delete(kinds, 1)
			possible = possible && len(kinds) <= 1
			want[rank-1-behind] = 1
			for n := range kinds {
				want[rank-1-behind] = n
			}
			possible = possible && (one || len(kinds) == 1)
		}
		out, err := apply("Sum", 1, operands...)
		if (err == nil) != possible || possible && !slices.Equal(out[0].Shape, want) {
			t.Fatalf("%v: %v, %v; by hand %v, %v", shapes, out, err, want, possible)
		}
	}
}

// TestSlicesAgainstBruteForce walks from the start in steps, as long as the position is inside and before the end. As ONNX has it, and Python
// has not, a start before the first position is the first one in both directions.
func TestSlicesAgainstBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 4))
	for range rounds {
		n, start, end, step := rng.IntN(8), rng.IntN(24)-12, rng.IntN(24)-12, rng.IntN(9)-4
		if step == 0 {
			continue
		}
		at, stop := start, end
		if at < 0 {
			at += n
		}
		if stop < 0 {
			stop = max(stop+n, -1)
		}
		if at = max(at, 0); step < 0 {
			at = min(at, n-1)
		}
		want := []int64{}
		for ; at >= 0 && at < n && (step > 0 && at < stop || step < 0 && at > stop); at += step {
			want = append(want, int64(at))
		}
		positions := make([]int64, n)
		for i := range positions {
			positions[i] = int64(i)
		}
		out, err := apply("Slice", 1, list(positions...), list(int64(start)), list(int64(end)), list(0), list(int64(step)))
		if err != nil || !slices.Equal(out[0].Shape, nn.Shape{len(want)}) || !slices.Equal(out[0].Ints, want) {
			t.Fatalf("%d[%d:%d:%d]: %v with elements %v, %v; by hand %v", n, start, end, step, out, out[0].Ints, err, want)
		}
	}
}

// TestReshapesAgainstBruteForce tries every extent for the open one.
func TestReshapesAgainstBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 5))
	for range rounds {
		x := nn.Shape{}
		for range 1 + rng.IntN(3) {
			x = append(x, 1+rng.IntN(6))
		}
		target, open := []int64{}, -1
		for k := range 1 + rng.IntN(3) {
			switch {
			case open < 0 && rng.IntN(3) == 0:
				open, target = k, append(target, -1)
			default:
				target = append(target, int64(rng.IntN(7)))
			}
		}
		var found []nn.Shape
		for extent := 1; extent <= x.Count(); extent++ {
			s, ok := nn.Shape{}, true
			for k, n := range target {
				switch {
				case n == -1:
					n = int64(extent)
				case n == 0 && k >= len(x):
					ok = false
				case n == 0:
					n = int64(x[k])
				}
				s = append(s, int(n))
			}
			if ok && s.Count() == x.Count() {
				found = append(found, s)
			}
			if open < 0 {
				break
			}
		}
		out, err := apply("Reshape", 1, of(x...), list(target...))
		if (err == nil) != (len(found) == 1) || err == nil && !slices.Equal(out[0].Shape, found[0]) {
			t.Fatalf("%v to %v: %v, %v; by hand %v", x, target, out, err, found)
		}
	}
}

// TestReductionsAndTransposesAgainstBruteForce compares with what each axis becomes.
func TestReductionsAndTransposesAgainstBruteForce(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 6))
	for range rounds {
		rank := 1 + rng.IntN(5)
		x, perm := make(nn.Shape, rank), rng.Perm(rank)
		var axes, order []int64
		keep := rng.IntN(2)
		want, moved := nn.Shape{}, nn.Shape{}
		for a := range x {
			x[a] = 1 + rng.IntN(9)
		}
		for a, n := range x {
			order, moved = append(order, int64(perm[a])), append(moved, x[perm[a]])
			if rng.IntN(2) == 0 {
				axes = append(axes, int64(a-rank*rng.IntN(2)))
				n = 1
				if keep == 0 {
					continue
				}
			}
			want = append(want, n)
		}
		if axes != nil {
			if out, err := apply("ReduceMax", 1, of(x...), list(axes...), num("keepdims", int64(keep))); err != nil || !slices.Equal(out[0].Shape, want) {
				t.Fatalf("%v over %v: %v, %v; by hand %v", x, axes, out, err, want)
			}
		}
		if out, err := apply("Transpose", 1, of(x...), ints("perm", order...)); err != nil || !slices.Equal(out[0].Shape, moved) {
			t.Fatalf("%v by %v: %v, %v; by hand %v", x, order, out, err, moved)
		}
	}
}

// TestRandomAttributesAreAnswered: whatever a node says, the answer is shapes within the limits, or an error.
func TestRandomAttributesAreAnswered(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 7))
	data := make([]byte, 64)
	for range 5 * rounds {
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		answer(t, data)
	}
}

// FuzzNode is TestRandomAttributesAreAnswered for the fuzzer.
func FuzzNode(f *testing.F) {
	f.Add([]byte("a convolution, perhaps"))
	f.Fuzz(answer)
}

// answer makes a node of bytes and infers it.
func answer(t *testing.T, data []byte) {
	d := draw{data}
	n, in := d.node()
	out, err := infer.Node(n, in)
	var not *infer.Unknown
	if len(out) != len(n.Out) {
		t.Fatalf("%+v: %d results", n, len(out))
	}
	if err == nil || errors.As(err, &not) {
		for k, v := range out {
			bad := slices.ContainsFunc(v.Shape, func(e int) bool { return e < 0 })
			if !v.Unknown && (bad || v.Ints != nil && len(v.Ints) != v.Shape.Count()) {
				t.Fatalf("%+v of %v: result %d is %v with elements %v", n, in, k, v, v.Ints)
			}
		}
	}
	if err == nil && slices.ContainsFunc(out, func(v infer.Value) bool { return v.Unknown }) {
		t.Fatalf("%+v of %v: unknown without a reason", n, in)
	}
}
