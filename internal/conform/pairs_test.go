package conform

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
)

// relative is a small LeViT: attention with a bias for every offset between two positions, at full and at half the density of queries.
// Its parameters are functions of what they stand for, so that the network for another resolution has the same ones.
type relative struct {
	*zoo
	form string // how an exporter writes the biases down: "gather", "gathernd", or "folded"
	w    nn.MapWeights
}

// offsets numbers the offsets between queries and keys of a square map in the order in which LeViT meets them.
func offsets(side, step int) (number map[[2]int]int64, index []int64) {
	number = map[[2]int]int64{}
	abs := func(v int) int { return max(v, -v) }
	for q := range (side + step - 1) / step * ((side + step - 1) / step) {
		for k := range side * side {
			columns := (side + step - 1) / step
			o := [2]int{abs(q/columns*step - k/side), abs(q%columns*step - k%side)}
			if _, ok := number[o]; !ok {
				number[o] = int64(len(number))
			}
			index = append(index, number[o])
		}
	}
	return number, index
}

func biasOf(head int, o [2]int) float32 { return float32(math.Sin(float64(7*head + 3*o[0] + 5*o[1]))) }

// bias is [heads, queries, keys].
func (r *relative) bias(name string, heads, side, step int) nn.Value {
	number, index := offsets(side, step)
	keys := side * side
	queries := len(index) / keys
	table := make([]float32, heads*len(number))
	pairs := make([]float32, 0, heads*len(index))
	for h := range heads {
		byNumber := make([]float32, len(number))
		for o, i := range number {
			byNumber[i] = biasOf(h, o)
			if r.form == "gathernd" {
				table[int(i)*heads+h] = byNumber[i]
			} else {
				table[h*len(number)+int(i)] = byNumber[i]
			}
		}
		for _, i := range index {
			pairs = append(pairs, byNumber[i])
		}
	}
	keep := func(p nn.Param, t nn.Tensor) nn.Value {
		r.w[p.Name] = t
		return r.Param(p)
	}
	if r.form == "folded" {
		s := nn.Shape{heads, queries, keys}
		return keep(param(name, s...), nn.FromFloat32s(s, pairs))
	}
	s := nn.Shape{queries, keys}
	idx := keep(nn.Param{Name: name + ".idx", Type: nn.Int64, Shape: s}, nn.FromInt64s(s, index))
	if r.form == "gather" {
		s = nn.Shape{heads, len(number)}
		return r.op("Gather", nn.Shape{heads, queries, keys}, []nn.Attr{intAttr("axis", 1)}, keep(param(name, s...), nn.FromFloat32s(s, table)), idx)
	}
	s = nn.Shape{len(number), heads}
	last := r.Op(nn.Op{Type: "Constant", Attrs: []nn.Attr{{Name: "value_ints", Kind: nn.AttrInts, Ints: []int64{-1}}}})[0]
	at := r.op("Unsqueeze", nn.Shape{queries, keys, 1}, nil, idx, last)
	y := r.op("GatherND", nn.Shape{queries, keys, heads}, nil, keep(param(name, s...), nn.FromFloat32s(s, table)), at)
	return r.Transpose(y, 2, 0, 1)
}

// attention is over a map of side by side positions of width channels; every step-th row and column of them asks.
func (r *relative) attend(name string, x nn.Value, side, step, width, heads int) nn.Value {
	rows := (side + step - 1) / step
	split := func(y nn.Value, tokens int) nn.Value {
		return r.Transpose(r.Reshape(y, nn.Shape{nn.Batch, tokens, heads, width / heads}), 0, 2, 1, 3)
	}
	from := x
	if step > 1 {
		list := func(v ...int64) nn.Value {
			return r.Op(nn.Op{Type: "Constant", Attrs: []nn.Attr{{Name: "value_ints", Kind: nn.AttrInts, Ints: v}}})[0]
		}
		y := r.Reshape(x, nn.Shape{nn.Batch, side, side, width})
		y = r.op("Slice", nn.Shape{nn.Batch, rows, rows, width}, nil, y, list(0, 0), list(math.MaxInt64, math.MaxInt64), list(1, 2), list(int64(step), int64(step)))
		from = r.Reshape(y, nn.Shape{nn.Batch, rows * rows, width})
	}
	q, k, v := split(r.linear(from, width, width), rows*rows), split(r.linear(x, width, width), side*side), split(r.linear(x, width, width), side*side)
	scores := r.Add(r.MatMul(q, r.Transpose(k, 0, 1, 3, 2)), r.bias(name, heads, side, step))
	y := r.MatMul(r.Softmax(scores, -1), v)
	return r.linear(r.Reshape(r.Transpose(y, 0, 2, 1, 3), nn.Shape{nn.Batch, rows * rows, width}), width, width)
}

func (r *relative) build(pixels int) {
	side := pixels / 4
	x := r.bare(r.image(pixels), 3, 32, 1, 4, 1)
	x = r.Transpose(r.Reshape(x, nn.Shape{nn.Batch, 32, side * side}), 0, 2, 1)
	x = r.Add(x, r.attend("near", x, side, 1, 32, 2))
	x = r.attend("half", x, side, 2, 32, 2)
	x = r.attend("quarter", x, (side+1)/2, 2, 32, 2)
	x = r.attend("one", x, (side+3)/4, 2, 32, 2) // the queries of the original are one position
	x = r.Add(x, r.linear(r.Act(r.linear(x, 32, 64), nn.HardSwish()), 64, 32))
	r.Output("logits", r.linear(r.Mean(x, false, 1), 32, 10))
}

func relativeModel(t *testing.T, form string, pixels int) string {
	t.Helper()
	own := nn.MapWeights{}
	g, err := nn.Record(func(b nn.Builder) { (&relative{&zoo{Builder: b}, form, own}).build(pixels) })
	if err != nil {
		t.Fatal(err)
	}
	w := made(g)
	for name, tensor := range own {
		w[name] = tensor
	}
	path := filepath.Join(t.TempDir(), "relative.onnx")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := onnxfile.Write(f, g, w, onnxfile.WriteOptions{Opset: 17}); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRelativeBiases: under another resolution, biases for pairs of positions are those of the pairs that are left, whichever form an
// exporter gave them. The network built for that resolution, with the same bias for the same offset, computes the same.
func TestRelativeBiases(t *testing.T) {
	needs.Time(t)
	e := runtimeEngine(t)
	for _, form := range []string{"gather", "gathernd", "folded"} {
		t.Run(form, func(t *testing.T) {
			path := relativeModel(t, form, 32)
			c, p, w := opened(t, path)
			choices := choicesOf(c)
			at := slices.IndexFunc(choices, func(x space.Choice) bool { return x.Kind == "resolution" })
			if at < 0 || len(choices[at].Values) < 4 {
				t.Fatalf("the resolution does not vary: %v", c.Net.Warnings)
			}
			for k, v := range choices[at].Values {
				var pixels int
				if _, err := fmt.Sscan(v, &pixels); err != nil {
					t.Fatal(err)
				}
				genes := make(space.Genes, len(choices))
				genes[at] = uint8(k)
				g, in := described(t, p, genes)
				out := filepath.Join(t.TempDir(), "subnet.onnx")
				exportGraph(t, out, g, w)
				if d := distance(evaluate(t, e, relativeModel(t, form, pixels), in...), evaluate(t, e, out, in...)); d > sameAsReference {
					t.Errorf("%d pixels: %g from the network built for them", pixels, d)
				}
			}
		})
		t.Run(form+" with other choices", func(t *testing.T) { anyModel(t, e, relativeModel(t, form, 32)) })
	}
}
