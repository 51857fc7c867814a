package op

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/testgraph"
)

// infer infers the shapes of a graph whose open extents are the batch.
func infer(t *testing.T, text string) (*ir.Graph, [][]dim.Dim, error) {
	t.Helper()
	g, err := testgraph.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	bind := map[ir.ValueID][]dim.Dim{}
	for _, id := range g.Inputs {
		for _, d := range g.Values[id].Shape {
			e := dim.Const(d.Size)
			if d.Size < 0 {
				e = dim.Batch()
			}
			bind[id] = append(bind[id], e)
		}
	}
	shapes, err := InferGraph(g, bind, nil)
	return g, shapes, err
}

// text writes shapes as "Nx3x32x32"; several results are separated by spaces.
func text(shapes ...[]dim.Dim) string {
	var all []string
	for _, s := range shapes {
		var parts []string
		for _, d := range s {
			n, fixed := d.IsConst()
			switch {
			case fixed:
				parts = append(parts, fmt.Sprint(n))
			case d.Equal(dim.Batch()):
				parts = append(parts, "N")
			default:
				parts = append(parts, d.String())
			}
		}
		if s == nil {
			parts = []string{"unknown"}
		} else if len(s) == 0 {
			parts = []string{"scalar"}
		}
		all = append(all, strings.Join(parts, "x"))
	}
	return strings.Join(all, " ")
}

// cases has at least one case for every operator of the table: the last node is the operator.
var cases = []struct{ graph, want string }{
	{"input x Nx3x9x9\ny = Conv x [8,3,3,3]", "Nx8x7x7"},
	{"input x Nx6x9x9\ny = Conv x [8,3,3,3] [8] group=2 strides=2,1 pads=1,0,1,2 dilations=1,2", "Nx8x5x7"},
	{"input x Nx3x9x8\ny = Conv x [8,3,3,3] auto_pad=SAME_UPPER strides=2,2", "Nx8x5x4"},
	{"input x Nx3x9x8\ny = Conv x [8,3,3,3] auto_pad=VALID strides=2,2", "Nx8x4x3"},
	{"input x Nx3x9\ny = Conv x [8,3,3]", "Nx8x7"},
	{"input x Nx3x5x6x7\ny = Conv x [8,3,1,2,3]", "Nx8x5x5x5"},
	{"input x Nx3x9x9\ny = ConvTranspose x [3,8,3,3]", "Nx8x11x11"},
	{"input x Nx4x5x6\ny = ConvTranspose x [4,3,3,2] group=2 strides=2,3 pads=1,0,1,0 output_padding=1,1 dilations=2,1", "Nx6x12x18"},
	{"input x Nx3x9x9\ny = ConvTranspose x [3,8,3,3] strides=2,2 auto_pad=SAME_UPPER", "Nx8x18x18"},
	{"input x Nx3x3x3\ny = ConvTranspose x [3,2,3,3] strides=3,2 output_shape=10,8", "Nx2x10x8"},
	{"input x Nx20\ny = Gemm x [20,5] [5]", "Nx5"},
	{"input x 20x4\ny = Gemm x [5,20] transA=1 transB=1", "4x5"},
	{"input x Nx7x20\ny = MatMul x [20,5]", "Nx7x5"},
	{"input x Nx4x7x20\ninput z 4x20x3\ny = MatMul x z", "Nx4x7x3"},
	{"input x Nx20\ny = MatMul x [20]", "N"},
	{"input x 20\ny = MatMul x [3,20,4]", "3x4"},
	{"input x Nx3x9x9\ny = MaxPool x kernel_shape=3,3 strides=2,2 pads=1,1,1,1", "Nx3x5x5"},
	{"input x Nx3x9x9\ny, i = MaxPool x kernel_shape=2,2", "Nx3x8x8 Nx3x8x8"},
	{"input x Nx3x4x4\ny = AveragePool x kernel_shape=3,3 strides=2,2 ceil_mode=1", "Nx3x2x2"},
	{"input x Nx3x4x4\ny = MaxPool x kernel_shape=1,1 strides=3,3 pads=0,0,1,1 ceil_mode=1", "Nx3x2x2"},
	{"input x Nx3x10\ny = LpPool x kernel_shape=4 strides=3", "Nx3x3"},
	{"input x Nx3x9x9\ny = GlobalAveragePool x", "Nx3x1x1"},
	{"input x Nx3x9\ny = GlobalMaxPool x", "Nx3x1"},
	{"input x Nx3x9x4\ny = GlobalLpPool x", "Nx3x1x1"},
	{"input x Nx3x4x4\nm, i = MaxPool x kernel_shape=2,2 strides=2,2\ny = MaxUnpool m i kernel_shape=2,2 strides=2,2", "Nx3x4x4"},
	{"input x 1x3x4x4\nm, i = MaxPool x kernel_shape=2,2 strides=2,2\ny = MaxUnpool m i {1,3,5,5} kernel_shape=2,2 strides=2,2", "1x3x5x5"},
	{"input x Nx3x9x9\ny = BatchNormalization x [3] [3] [3] [3]", "Nx3x9x9"},
	{"input x Nx9x20\ny = LayerNormalization x [20] [20]", "Nx9x20"},
	{"input x Nx9x20\ny, m, v = LayerNormalization x [20] axis=-1", "Nx9x20 Nx9x1 Nx9x1"},
	{"input x Nx3x9x9\ny = InstanceNormalization x [3] [3]", "Nx3x9x9"},
	{"input x Nx5\ny = Softmax x", "Nx5"},
	{"input x Nx5\ny = LogSoftmax x axis=1", "Nx5"},
	{"input x Nx3x4x5\ny = Flatten x", "Nx60"},
	{"input x 2x3x4x5\ny = Flatten x axis=-1", "24x5"},
	{"input x 2x3\ny = Flatten x axis=0", "1x6"},
	{"input x Nx12x5\ny = Reshape x {0,3,-1,5}", "Nx3x4x5"},
	{"input x Nx12\ny = Reshape x {-1,3,4}", "Nx3x4"},
	{"input x 2x12\ny = Reshape x {3,8} allowzero=1", "3x8"},
	{"input x Nx3x1x1\ny = Squeeze x {2,-1}", "Nx3"},
	{"input x 1x3x1\ny = Squeeze x", "3"},
	{"input x Nx3\ny = Squeeze x axes=1", "operands"},
	{"input x Nx3\ny = Unsqueeze x {0,-1}", "1xNx3x1"},
	{"input x Nx3\ny = Unsqueeze x axes=2,3", "Nx3x1x1"},
	{"input x Nx3x4\ny = Transpose x", "4x3xN"},
	{"input x Nx3x4\ny = Transpose x perm=0,2,1", "Nx4x3"},
	{"input x Nx3x4\ny = Concat x x x axis=-2", "Nx9x4"},
	{"input x Nx6\na, b = Split x {4,2} axis=1", "Nx4 Nx2"},
	{"input x Nx7\na, b, c = Split x axis=-1", "Nx3 Nx3 Nx1"},
	{"input x Nx6\na, b = Split x axis=1 split=1,5", "Nx1 Nx5"},
	{"input x Nx3x4\ny = Gather x {0,2} axis=1", "Nx2x4"},
	{"input x Nx3x4\nconst i i64 2x2\ny = Gather x i axis=-1", "Nx3x2x2"},
	{"input x Nx3x9x6\ny = Resize x {} {} {1,3,18,9}", "Nx3x18x9"},
	{"input x Nx3x9x6\ny = Upsample x {}", "unknown"},
	{"input x Nx9x9\ny = Slice x {1,0} {-1,100} {1,2} {1,4}", "Nx7x3"},
	{"input x Nx9\ny = Slice x {-1} {-100} {1} {-2}", "Nx5"},
	{"input x 2x3x4\ns = Shape x : i64\nb = Slice s {0} {0} {0} : i64\na = Slice s {2} {3} {0} : i64\nt = Concat b {6} a axis=0 : i64\ny = Reshape x t", "6x4"},
	{"input x Nx1x4\ny = Expand x {1,3,1}", "Nx3x4"},
	{"input x Nx1x4\nconst c f32 4\ny = Expand c {-1,2,1}", "Nx2x4"},
	{"input x 1x1x4\nconst c f32 4\ny = Expand c {-1,2,1}", "1x2x4"}, // no input has an open batch
	{"input x Nx3x4\ny = Pad x {0,1,2,0,0,3}", "Nx4x9"},
	{"input x Nx3x4\ny = Pad x {2,1,3,0} _ {-1,1}", "Nx4x9"},
	{"input x Nx8\ny, i = TopK x {3}", "Nx3 Nx3"},
	{"input x Nx8x4\ny = ArgMax x axis=1", "Nx1x4"},
	{"input x Nx8x4\ny = ArgMin x axis=-1 keepdims=0", "Nx8"},
	{"input x 5xNx8\ny, h, c = LSTM x [1,16,8] [1,16,4]", "5x1xNx4 1xNx4 1xNx4"},
	{"input x 5xNx8\ny = GRU x [2,12,8] [2,12,4]", "5x2xNx4"},
	{"input x 5xNx8\ny = RNN x [1,4,8] [1,4,4]", "5x1xNx4"},
	{"input x Nx3x4\ny = Tile x {1,2,3}", "Nx6x12"},
	{"input x Nx8\ninput i Nx3\ny = GatherElements x i axis=1", "Nx3"},
	{"input x 5x6x7\ninput i 4x2\ny = GatherND x i", "4x7"},
	{"input x Nx8\ninput i 4x1\ny = ScatterND x i [4,8]", "Nx8"},
	{"input x Nx8\ninput i Nx3\ny = ScatterElements x i [1,3]", "Nx8"},
	{"input x Nx8\ny = CumSum x {1}", "Nx8"},
	{"input x Nx8x8\ny = Trilu x", "Nx8x8"},
	{"input b 1x16x4\ninput s 1x2x16\ny = NonMaxSuppression b s {3}", "6x3"},
	{"input x Nx3x8x8\ninput g Nx4x5x2\ny = GridSample x g", "Nx3x4x5"},
	{"input x Nx3x8x8\ninput r 6x4\ninput i 6\ny = RoiAlign x r i output_height=2 output_width=5", "6x3x2x5"},
	{"input x 2x3x4\ny = NonZero x", "3x24"},
	{"input x Nx3\ny = Size x", "scalar"},
	{"input x Nx8x4x6\ny = DepthToSpace x blocksize=2", "Nx2x8x12"},
	{"input x Nx3x8x6\ny = SpaceToDepth x blocksize=2", "Nx12x4x3"},
	{"input x Nx3x4\ny = ConstantOfShape {2,3}", "2x3"},
	{"input x Nx3x4\nconst s f32 scalar\ny = Pow x s", "Nx3x4"},
	{"input x Nx3x4\ny = Shape x : i64", "3"},
	{"input x 2x3x4x5\ns = Shape x start=1 end=-1 : i64\ny = ConstantOfShape s", "3x4"},
	{"input x 2x3x4x5\ny = Shape x start=-3 : i64", "3"},
	{"input x Nx3x4x5\ny = ReduceMean x axes=2,-1", "Nx3x1x1"},
	{"input x Nx3x4x5\ny = ReduceSum x {1} keepdims=0", "Nx4x5"},
	{"input x 2x3\ny = ReduceMax x keepdims=0", "scalar"},
	{"input x 2x3\ny = ReduceMax x noop_with_empty_axes=1", "2x3"},
	{"input c Nx1\ninput x Nx3\ny = Where c x [1]", "Nx3"},
	{"input x Nx3\ny = Cast x to=1", "Nx3"},
	{"input x Nx3\ny = Identity x", "Nx3"},
	{"input x Nx3\ny = Clip x [] []", "Nx3"},
	{"input x Nx3x1x1\ninput z 5x6\ny = Mul x z", "Nx3x5x6"},
	{"input x Nx3x8x8\ny = PRelu x [3,1,1]", "Nx3x8x8"},
	{"input x Nx3\ny = Sum x x [1,3]", "Nx3"},
	{"input x Nx3\ny = Dropout x", "Nx3"},
	{"input x Nx3\ny = Hardmax x", "Nx3"},
	{"input x Nx3x4x4\ny = MeanVarianceNormalization x", "Nx3x4x4"},
	{"input x Nx3x4x4\ny = LRN x size=3", "Nx3x4x4"},
	{"input x Nx6x5x5\ny = GroupNormalization x [6] [6] num_groups=3", "Nx6x5x5"},
	{"input x Nx6x5x5\ny = GroupNormalization x [3] [3] num_groups=3", "Nx6x5x5"},
	{"input x Nx6x5x5\ny = GroupNormalization x [6] [6] num_groups=4", "operands"},
	{"input x Nx6x5x5\ny = GroupNormalization x [2] [2] num_groups=3", "operands"},
	{"input x Nx7x12\ny = RMSNormalization x [12]", "Nx7x12"},
	{"input x Nx7x12\ny = RMSNormalization x [11]", "operands"},
	{"input x Nx7x12\ninput k Nx9x6\ninput v Nx9x4\ny = Attention x k v q_num_heads=4 kv_num_heads=2", "Nx7x8"},
	{"input x Nx7x12\ninput k Nx9x6\ny = Attention x k k q_num_heads=4 kv_num_heads=3", "operands"},
	{"input x Nx4x7x3\ninput k Nx4x9x3\ninput v Nx4x9x5\ny = Attention x k v", "Nx4x7x5"},
	{"input x Nx7x12\ny = RotaryEmbedding x [9,2] [9,2] num_heads=3", "Nx7x12"},
	{"input x Nx3\ny = LpNormalization x", "Nx3"},
	{"input x Nx3\ny = CumSum x {1}", "Nx3"},
	{"input x Nx3x4\ny = ArgMax x axis=-1 : i64", "Nx3x1"},
	{"input x Nx3x4\ny = ArgMin x axis=1 keepdims=0 : i64", "Nx4"},
	{"input x 2x3\ny = Tile x {2,3}", "4x9"},
	{"input x Nx8x3x4\ny = DepthToSpace x blocksize=2", "Nx2x6x8"},
	{"input x Nx2x6x8\ny = SpaceToDepth x blocksize=2", "Nx8x3x4"},
	{"input x 5x6\ny = GatherElements x {0,1} axis=0", "2"},
	{"input x 5x6x7\ny = GatherND x {0,1}", "7"},
	{"input x 5x6\ny = ScatterElements x {0} [1]", "5x6"},
	{"input x 5x6\ny = Scatter x {0} [1]", "5x6"},
	{"input x 5x6\ny = ScatterND x {0} [6]", "5x6"},
	{"input x Nx9\ny = TopK x {3}", "Nx3"},
	{"input x Nx40x1\ny = STFT x {4} [16]", "Nx7x9x2"},
	{"input x Nx40\ny = STFT x {4} [16] {16} onesided=0", "Nx7x16x2"},
	{"input x Nx10x1\ny = DFT x onesided=1", "Nx6x2"},
	{"input x Nx3x10x2\ny = DFT x {8} axis=2", "Nx3x8x2"},
	{"input x 4x5\ny = OneHot x {7} [2] axis=1", "4x7x5"},
	{"input x 4x4\ny = EyeLike x", "4x4"},
	{"input x N\ny = Range {2} {11} {3} : i64", "3"},
	{"input x 2x3\ny = Size x : i64", "scalar"},
	{"input x Nx3x4\ninput z Nx4x5\ny = Einsum x z equation=bij,bjk->bki", "Nx5x3"},
	{"input x 2x3x4\ninput z 4x2\ny = Einsum x z equation=...j,ji", "2x3x2"},
	{"input x 7x2x3\ny = LSTM x [1,20,3] [1,20,5]", "7x1x2x5"},
	{"input x 7x2x3\ny = GRU x [2,15,3] [2,15,5]", "7x2x2x5"},
	{"input x 7x2x3\ny = RNN x [1,5,3] [1,5,5]", "7x1x2x5"},
	{"input x Nx3x9x9\ninput o Nx18x9x9\ny = DeformConv x [8,3,3,3] o pads=1,1,1,1", "Nx8x9x9"},
	{"input x Nx3x9x9\ny = QLinearConv x [] [] [8,3,3,3] [8] [8] [] [] [8]", "Nx8x7x7"},
	{"input x Nx3x9x9\ny = QLinearConv x [] [] [8,3,3,3] [8] [8] [] [] [7]", "operands"},
	{"input x Nx7x20\ny = QLinearMatMul x [] [] [20,5] [] [] [] []", "Nx7x5"},
	{"input x Nx3x9x9\ny = ConvInteger x [8,3,3,3] []", "Nx8x7x7"},
	{"input x Nx7x20\ny = MatMulInteger x [20,5] []", "Nx7x5"},
	{"input x Nx7\ny, s, z = DynamicQuantizeLinear x", "Nx7 scalar scalar"},
	{"input x Nx7x12\ny = SimplifiedLayerNormalization x [12]", "Nx7x12"},
	{"input x Nx3x16x16\ny = com.microsoft.FusedConv x [8,3,3,3] [8] activation=Relu strides=2,2 pads=1,1,1,1", "Nx8x8x8"},
	{"input x Nx20\ny = com.microsoft.FusedGemm x [5,20] [5] transB=1 activation=Relu", "Nx5"},
	{"input x Nx20x7\ny = com.microsoft.FusedMatMul x [5,20] transA=1 transB=1", "Nx7x5"},
	{"input x Nx20x7\ny = com.microsoft.FusedMatMul x [5,20] transBatchA=1", "unknown"},
	{"input x Nx7x32\ny = com.microsoft.MatMulNBits x [5,1,16] [5] K=32 N=5 bits=4 block_size=32", "Nx7x5"},
	{"input x Nx20\ny = com.microsoft.QGemm x [] [] [5,20] [] [] [5] transB=1", "Nx5"},
	{"input x Nx20\ny = com.microsoft.DynamicQuantizeMatMul x [20,5] [5]", "Nx5"},
	{"input x Nx20\ny = com.microsoft.MatMulIntegerToFloat x [20,5] [] []", "Nx5"},
	{"input x 5xNx8\ny, h, c = com.microsoft.DynamicQuantizeLSTM x [1,8,16] [1,4,16] _ _ _ _ _ [] [] [] []", "5x1xNx4 1xNx4 1xNx4"},
	{"input x Nx7x12\ny, p = com.microsoft.Attention x [12,36] [36] num_heads=3", "Nx7x12 2xNx3x7x4"},
	{"input x Nx7x12\ny = com.microsoft.Attention x [12,28] [28] num_heads=2 qkv_hidden_sizes=8,8,12", "Nx7x12"},
	{"input x Nx7x12\ninput p 2xNx3x5x4\ny, q = com.microsoft.QAttention x [12,36] [36] [] [] _ [] [] p num_heads=3", "Nx7x12 2xNx3x12x4"},
	{"input q Nx7x12\ninput v Nx9x6\ny = com.microsoft.MultiHeadAttention q q v num_heads=3", "Nx7x6"},
	{"input q Nx7x3x3x4\ny = com.microsoft.MultiHeadAttention q num_heads=3", "Nx7x12"},
	{"input q Nx7x12\ninput k Nx3x9x4\ny = com.microsoft.MultiHeadAttention q k k num_heads=3", "Nx7x12"},
	{"input q Nx7x16\ninput k Nx7x8\ny = com.microsoft.GroupQueryAttention q k k num_heads=4 kv_num_heads=2", "Nx7x16"},
	{"input x Nx8\ninput r Nx4\ny = com.microsoft.MoE x r [4,6,8] [4,6] [4,8,6] k=2", "Nx8"},
	{"input q Nx7x32\ny = com.microsoft.GroupQueryAttention q num_heads=4 kv_num_heads=2", "Nx7x16"},
	{"input x Nx7x16\ny = com.microsoft.RotaryEmbedding x [1] [9,2] [9,2]", "Nx7x16"},
	{"input i Nx7\ny, m, e = com.microsoft.EmbedLayerNormalization i i [99,8] [7,8] [2,8] [8] [8]", "Nx7x8 N Nx7x8"},
	{"input x Nx7x8\ny, m, v, s = com.microsoft.SkipLayerNormalization x x [8] [8]", "Nx7x8 Nx7x1 Nx7x1 Nx7x8"},
	{"input x Nx7x8\ny = com.microsoft.SkipSimplifiedLayerNormalization x x [8]", "Nx7x8"},
	{"input x Nx7x8\ny = com.microsoft.QLinearSoftmax x [] [] [] []", "Nx7x8"},
	{"input x Nx3x8x8\ny = com.microsoft.QLinearAveragePool x [] [] [] [] kernel_shape=2,2 strides=2,2", "Nx3x4x4"},
	{"input x Nx3x8x8\ny = com.microsoft.QLinearGlobalAveragePool x [] [] [] []", "Nx3x1x1"},
	{"input x Nx8x8x3\ny = com.microsoft.QLinearGlobalAveragePool x [] [] [] [] channels_last=1", "unknown"},
	{"input x Nx3x8x8\ny = com.microsoft.QLinearConcat [] [] x [] [] x [] [] axis=1", "Nx6x8x8"},
}

// TestShapes infers each case; an entry of the table without a case fails, as does a case of an operator that the table does not have.
func TestShapes(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range elementwise(cases) {
		g, shapes, err := infer(t, strings.ReplaceAll(c.graph, " scalar", " x"))
		n := g.Nodes[len(g.Nodes)-1]
		seen[operators.Qualified(n.Domain, n.Op)] = true
		if _, ok := Lookup(n.Domain, n.Op); !ok {
			t.Errorf("the table has no %s", n.Op)
		}
		if c.want == "operands" {
			if err == nil {
				t.Errorf("%s\naccepted", c.graph)
			}
			continue
		}
		var out [][]dim.Dim
		for _, id := range n.Out {
			out = append(out, shapes[id])
		}
		if got := text(out...); err != nil || got != c.want {
			t.Errorf("%s\ngives %s, want %s (%v)", c.graph, got, c.want, err)
		}
	}
	for key := range table {
		if name := operators.Qualified(key.domain, key.name); !seen[name] {
			t.Errorf("no case for %s", name)
		}
	}
}

// elementwise adds a case for every operator whose class says what it does to shapes.
func elementwise(list []struct{ graph, want string }) []struct{ graph, want string } {
	list = slices.Clone(list)
	for _, o := range operators.All() {
		switch {
		case o.Class == operators.Unary, o.Like && o.Domain == "":
			list = append(list, struct{ graph, want string }{"input x Nx3\ny = " + o.Qualified() + " x" + scalesOf(o, 1), "Nx3"})
		case o.Class == operators.Broadcast && o.Name != "Where":
			list = append(list, struct{ graph, want string }{"input x Nx3x1\ninput z 4\ny = " + o.Qualified() + between(o), "Nx3x4"})
		case o.Class == operators.Reduction && !strings.HasPrefix(o.Name, "Arg"):
			list = append(list, struct{ graph, want string }{"input x Nx3x4\ny = " + o.Name + " x {-1} keepdims=0", "Nx3"})
		}
	}
	return list
}

// scalesOf are the operands of quantised forms that must be there, from number k on.
func scalesOf(o operators.Operator, k int) string {
	return strings.Repeat(" []", max(0, o.Required()-k))
}

// between are the operands of an element-wise operator of two, with scales and zero points between them where it is quantised.
func between(o operators.Operator) string {
	if !strings.HasPrefix(o.Name, "QLinear") {
		return " x z"
	}
	return " x [] [] z [] [] [] []"
}

// TestRefusals: operands that do not fit are an error that names the node, never a panic or a shape.
func TestRefusals(t *testing.T) {
	for _, c := range []string{
		"input x Nx3x9x9\ny = Conv x [8,4,3,3]",
		"input x Nx3x9x9\ny = Conv x [8,3,3]",
		"input x Nx3x2x2\ny = Conv x [8,3,3,3]",
		"input x Nx3x2x2\ny = Conv x [8,3,3,3] strides=0,0",
		"input x Nx3x2x2\ny = Conv x",
		"input x Nx20\ny = Gemm x [21,5]",
		"input x Nx20\ny = Gemm x",
		"input x Nx7x20\ny = MatMul x [21,5]",
		"input x Nx7x20\ny = MatMul x",
		"input x Nx3x2x2\ny = MaxPool x kernel_shape=3,3",
		"input x Nx3x2x2\ny = MaxPool x kernel_shape=3",
		"input x Nx3x4x5\ny = Flatten x axis=9",
		"input x Nx3x4x5\ny = Flatten x axis=-9",
		"input x Nx12\ny = Reshape x {0,5}",
		"input x Nx12\ny = Reshape x {0,0,12}",
		"input x Nx12\ny = Reshape x {-1,-1}",
		"input x Nx12\ny = Reshape x {-1,5}",
		"input x Nx12\ny = Reshape x",
		"input x Nx12\ny = Squeeze x {7}",
		"input x Nx12\ny = Squeeze x {1}",
		"input x Nx12\ny = Unsqueeze x {7}",
		"input x Nx12\ny = Transpose x perm=0,5",
		"input x Nx12\ny = Transpose x perm=0",
		"input x Nx12\ny = Transpose x perm=1,1",
		"input x Nx12\ny = Concat x x axis=4",
		"input x Nx12\ninput z Nx12x1\ny = Concat x z axis=1",
		"input x Nx12x3\ninput z Nx12x1\ny = Concat x z axis=1",
		"input x Nx6\na, b = Split x {4,3} axis=1",
		"input x Nx6\na, b, c = Split x {4,2} axis=1",
		"input x Nx6\na, b = Split x axis=5",
		"input x Nx6\ny = ReduceMean x axes=5",
		"input x Nx3\ninput z 4\ny = Add x z",
		"input x Nx3\ny = Add x",
		"input x 3\ny = BatchNormalization x [3] [3] [3] [3]",
		"input x Nx4\ny = BatchNormalization x [3] [3] [3] [3]",
		"input x Nx4\ny = LayerNormalization x [3]",
		"input x 5xNx3\ny = LSTM x [1,16,4] [1,16,4]",
		"input x 5xNx3\ny = com.microsoft.DynamicQuantizeLSTM x [1,4,16] [1,4,16] _ _ _ _ _ [] [] [] []",
		"input x Nx3x4x4\ny = LRN x size=0",
		"input x Nx3\ny = Einsum x equation=i7->i",
		"input x Nx3\ny = Einsum x equation=i..->i",
		"input x Nx3\ny = Einsum x equation=ij->ik",
		"input x Nx3\ny = Einsum x equation=ijk->ik",
		"input x Nx3\ny = Einsum x x equation=ij->i",
		"input x Nx3\ninput z Nx4\ny = Einsum x z equation=ij,ij->i",
		"input x Nx4\ny = Gather x {1} axis=7",
		"input x Nx4\ny = Slice x {1} {2} {9}",
		"input x Nx4\ny = Slice x {3} {2} {1}",
		"input x Nx4\ny = Expand x {3}",
		"input x Nx4\ny = Pad x {0,0}",
		"input x Nx4\ny = Pad x {1,1} _ {2}",
		"input x Nx4\ny = Pad x {1,1} _ {1,1}",
	} {
		_, shapes, err := infer(t, c)
		if err == nil {
			t.Errorf("%s\naccepted: %s", c, text(shapes[len(shapes)-1]))
			continue
		}
		if !strings.Contains(err.Error(), `node "`) {
			t.Errorf("%s\n%v does not name the node", c, err)
		}
	}
}

// TestMACs compares with loops over every product of an output element.
func TestMACs(t *testing.T) {
	for _, c := range []struct {
		graph string
		want  int
	}{
		{"input x Nx6x9x9\ny = Conv x [8,3,3,3] group=2 strides=2,2", convolve(1, 6, 9, 9, 8, 3, 2, 2)},
		{"input x 1x6x9x9\ny = Conv x [6,1,3,3] [6] group=6", convolve(1, 6, 9, 9, 6, 3, 1, 6)},
		{"input x 2x6x9x9\ny = Conv x [4,6,1,1]", convolve(2, 6, 9, 9, 4, 1, 1, 1)},
		{"input x Nx20\ny = Gemm x [20,5] [5]", products(1, 5, 20)},
		{"input x Nx20\ny = Gemm x [5,20] transB=1", products(1, 5, 20)},
		{"input x 20x7\ny = Gemm x [20,5] transA=1", products(7, 5, 20)},
		{"input x Nx7x20\ny = MatMul x [20,5]", products(7, 5, 20)},
		{"input x Nx4x7x3\ninput k Nx4x9x3\ninput v Nx4x9x5\ny = Attention x k v", 4*products(7, 9, 3) + 4*products(7, 9, 5)},
		{"input x Nx4x7x20\ninput z Nx4x20x3\ny = MatMul x z", 4 * products(7, 3, 20)},
		{"input x 4x7x20\ninput z 20x3\ny = MatMul x z", 4 * products(7, 3, 20)},
		{"input x Nx20\ny = MatMul x [20]", products(1, 1, 20)},
		{"input x Nx20\ny = Relu x", 0},
		{"input x 7xNx20\ny = MatMul x [20,5]", products(7, 5, 20)},
		{"input x Nx4x5x5\ny = ConvTranspose x [4,3,2,2] strides=2,2", 25 * products(1, 3*4, 4)},
		{"input x Nx4x5x5\ny = ConvTranspose x [4,3,2,2] strides=2,2 group=2", 25 * products(1, 3*4, 4)},
		{"input x Nx6x9x9\ny = QLinearConv x [] [] [8,3,3,3] [8] [8] [] [] [8] group=2 strides=2,2", convolve(1, 6, 9, 9, 8, 3, 2, 2)},
		{"input x Nx6x9x9\ny = ConvInteger x [4,6,1,1]", convolve(1, 6, 9, 9, 4, 1, 1, 1)},
		{"input x Nx7x20\ny = QLinearMatMul x [] [] [20,5] [] [] [] []", products(7, 5, 20)},
		{"input x Nx6x9x9\ny = com.microsoft.FusedConv x [8,3,3,3] [8] group=2 strides=2,2 activation=Relu", convolve(1, 6, 9, 9, 8, 3, 2, 2)},
		{"input x Nx20x7\ny = com.microsoft.FusedMatMul x [5,20] transA=1 transB=1", products(7, 5, 20)},
		{"input x Nx7x32\ny = com.microsoft.MatMulNBits x [5,1,16] [5] K=32 N=5", products(7, 5, 32)},
		{"input x 7xNx8\ny = LSTM x [2,16,8] [2,16,4]", 7 * 2 * (products(1, 16, 8) + products(1, 16, 4))},
		{"input x 7xNx8\n_, h = GRU x [1,12,8] [1,12,4]", 7 * (products(1, 12, 8) + products(1, 12, 4))},
		{"input x Nx7x8\ny = RNN x [1,4,8] [1,4,4] layout=1", 7 * (products(1, 4, 8) + products(1, 4, 4))},
		{"input x Nx7x12\ny = com.microsoft.Attention x [12,36] [36] num_heads=3", products(7, 36, 12) + 3*2*products(7, 7, 4)},
		{"input q Nx7x12\ninput k Nx9x12\ninput v Nx9x6\ny = com.microsoft.MultiHeadAttention q k v num_heads=3", 3 * (products(7, 9, 4) + products(7, 9, 2))},
		{"input x Nx8\ninput r Nx4\ny = com.microsoft.MoE x r [4,6,8] [4,6] [4,8,6] k=2", 2 * 2 * products(1, 6, 8)},
		{"input q Nx7x16\ninput k Nx7x8\ny = com.microsoft.GroupQueryAttention q k k num_heads=4 kv_num_heads=2", 4 * 2 * products(7, 7, 4)},
		{"input x Nx3x4\ninput z Nx4x5\ny = Einsum x z equation=bij,bjk->bki", products(3, 5, 4)},
		{"input x Nx3\ninput z Nx4\ny = Einsum x z equation=bi,bj->bij", 0},
		{"input x Nx3\ninput z Nx4\ny = Einsum x z [4,5] equation=bi,bj,jk->bik", products(3, 4, 5)},
		{"input x Nx3x4\ny = Einsum x [4,5] [5,6] equation=...j,jk,kl->...l", products(3, 5, 4) + products(3, 6, 5)},
		{"input x Nx3x4\ny = com.microsoft.SkipLayerNormalization x x [4]", 0},
	} {
		g, shapes, err := infer(t, c.graph)
		if err != nil {
			t.Fatal(err)
		}
		m, _, err := MACs(g.Nodes[len(g.Nodes)-1], shapes, nil)
		if n := m.At(nil); err != nil || n != c.want {
			t.Errorf("%s\nhas %v MACs, want %d (%v)", c.graph, m, c.want, err)
		}
	}
}

// convolve counts the multiplications of a square convolution one by one.
func convolve(batch, in, h, w, out, k, stride, group int) int {
	n := 0
	for range batch * out {
		for y := 0; y+k <= h; y += stride {
			for x := 0; x+k <= w; x += stride {
				for range in / group * k * k {
					n++
				}
			}
		}
	}
	return n
}

func products(m, n, k int) int {
	count := 0
	for range m * n {
		for range k {
			count++
		}
	}
	return count
}

// TestShapesUnderChoices: inference on tables equals inference at every combination of choices.
func TestShapesUnderChoices(t *testing.T) {
	const body = `
c = Conv x w group=2 strides=2,2 pads=1,1,1,1
p = MaxPool c kernel_shape=3,3 strides=2,2 ceil_mode=1
q = AveragePool p kernel_shape=2,2 auto_pad=SAME_UPPER
k = Concat p q axis=1
f = Flatten k
g = GlobalAveragePool k
r = ReduceMean k axes=2,3 keepdims=0
u = Mul k g
`
	g, err := testgraph.Parse("input x Nx4x32x32\nconst w f32 12x2x3x3" + body)
	if err != nil {
		t.Fatal(err)
	}
	side := dim.Var(0, []int{32, 30, 29, 17})
	width := dim.Var(1, []int{12, 8, 2})
	w := g.Nodes[0].In[1]
	at := func(side, width dim.Dim) [][]dim.Dim {
		shapes, err := InferGraph(g, map[ir.ValueID][]dim.Dim{
			g.Inputs[0]: {dim.Batch(), dim.Const(4), side, side},
			w:           {width, dim.Const(2), dim.Const(3), dim.Const(3)},
		}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return shapes
	}
	tables := at(side, width)
	genes := make([]uint8, 2)
	dim.Enumerate([]dim.Choice{0, 1}, []uint8{4, 3}, genes, func() {
		plain := at(dim.Const(side.At(genes)), dim.Const(width.At(genes)))
		for id, s := range tables {
			for k, d := range s {
				if d.IsBatch() != plain[id][k].IsBatch() || d.At(genes) != plain[id][k].At(nil) {
					t.Errorf("%s: axis %d is %v, at %v it is %v", g.Values[id].Name, k, d, genes, plain[id][k])
				}
			}
		}
	})
}

// TestShapeArithmetic: a target shape that a graph computes from its own extents follows the choices.
func TestShapeArithmetic(t *testing.T) {
	_, shapes, err := infer(t, `
input x Nx8x6x6
s = Shape x : i64
n = Slice s {0} {1} {0} : i64
h = Slice s {2} {3} {0} : i64
a = Gather s {3} : i64
d = Div h {2} : i64
m = Mul a {2} : i64
k = Concat n {-1} d m axis=0 : i64
c = Cast k to=7 : i64
y = Reshape x c
`)
	if err != nil {
		t.Fatal(err)
	}
	if got := text(shapes[len(shapes)-1]); got != "Nx8x3x12" {
		t.Errorf("the shape is %s", got)
	}
}

// TestUnknownPartsOfShapes: a list of which one part is computed from data is not taken for the rest of it; repeated and cut lists are known.
func TestUnknownPartsOfShapes(t *testing.T) {
	_, _, err := infer(t, `
input v 1 i64
k = Concat {4} v {6} axis=0 : i64
z = ConstantOfShape k
`)
	if err == nil || !strings.Contains(err.Error(), "computed at run time") {
		t.Errorf("a shape with an unknown part: %v", err)
	}
	_, shapes, err := infer(t, `
input x 1x8x6x6
s = Shape x : i64
c = Gather s {1} : i64
e = Expand c {4} : i64
a, b = Split e {1,3} axis=0 : i64
k = Concat a {2} b axis=0 : i64
z = ConstantOfShape k
`)
	if err != nil {
		t.Fatal(err)
	}
	if got := text(shapes[len(shapes)-1]); got != "8x2x8x8x8" {
		t.Errorf("the shape is %s", got)
	}
}

// TestListsComputedAtRunTime: nothing is guessed where axes or parts are operands whose elements nobody knows.
func TestListsComputedAtRunTime(t *testing.T) {
	for _, line := range []string{"ReduceSum x a", "ReduceSum x a keepdims=0", "Squeeze x a", "Unsqueeze x a", "Split x a axis=0"} {
		_, shapes, err := infer(t, "input x 1x8x6x6\ninput a 1 i64\ny = "+line)
		if got := text(shapes[len(shapes)-1]); err != nil || got != "unknown" {
			t.Errorf("%s: the shape is %s, %v", line, got, err)
		}
	}
}

// TestUnknownOperators: what they make is what the model declares, while nothing moves; a table's rule is not asked about shapes that nobody knows.
func TestUnknownOperators(t *testing.T) {
	g, shapes, err := infer(t, "input x Nx3\ny = com.example.Magic x\nz = com.example.Source\nw = Relu z")
	if err != nil {
		t.Fatal(err)
	}
	if got := text(shapes[g.Nodes[0].Out[0]], shapes[g.Nodes[1].Out[0]], shapes[g.Nodes[2].Out[0]]); got != "unknown unknown unknown" {
		t.Error(got)
	}
	g.Values[g.Nodes[0].Out[0]].Shape = ir.Shape{{Size: -1}, {Size: 4}}
	moving := dim.Var(0, []int{3, 2})
	_, err = InferGraph(g, map[ir.ValueID][]dim.Dim{g.Inputs[0]: {dim.Batch(), moving}}, nil)
	if err == nil || !strings.Contains(err.Error(), `node "y" (Magic): there is no rule for what com.example.Magic makes`) {
		t.Errorf("an operand that moves: %v", err)
	}
	g.Values[g.Nodes[1].Out[0]].Shape = ir.Shape{{Size: 5}}
	shapes, err = InferGraph(g, map[ir.ValueID][]dim.Dim{g.Inputs[0]: {dim.Batch(), dim.Const(3)}}, nil)
	if got := text(shapes[g.Nodes[2].Out[0]]); err != nil || got != "5" {
		t.Error(got, err)
	}
}

// TestKeyAttrs: attributes at their default do not tell operators apart, others do.
func TestKeyAttrs(t *testing.T) {
	g, err := testgraph.Parse(`
input x Nx4x9x9
a = Conv x [4,4,3,3]
b = Conv x [4,4,3,3] group=1 strides=1,1 pads=0,0,0,0 dilations=1,1 auto_pad=NOTSET
c = Conv x [4,4,3,3] group=1 strides=1,2 pads=0,0,1,0
d = Gemm x x alpha=1.0 beta=1.0 transA=0 transB=1
e = Gemm x x alpha=0.5
`)
	if err != nil {
		t.Fatal(err)
	}
	for k, want := range []string{"[{kernel_shape 3,3}]", "[]", "[{strides 1,2} {pads 0,0,1,0}]", "[{transB 1}]", "[{alpha 0.5}]"} {
		if k == 0 {
			g.Nodes[0].Set(ir.Attr{Name: "kernel_shape", Kind: ir.AttrInts, Ints: []int64{3, 3}})
		}
		if got := fmt.Sprint(KeyAttrs(g.Nodes[k])); got != want {
			t.Errorf("%s: %s, want %s", g.Nodes[k].Name, got, want)
		}
	}
}

// TestTypes: element types follow operands, contradictions are reported, all of them.
func TestTypes(t *testing.T) {
	g, err := testgraph.Parse(`
input x Nx3
input h Nx3 f16
a = Add x h
s = Shape x : f32
m = MatMul h h : f16
l = Less x x : bool
`)
	if err != nil {
		t.Fatal(err)
	}
	g.Values[g.Nodes[2].Out[0]].Type = ir.Undefined
	err = Types(g)
	if err == nil || !strings.Contains(err.Error(), `node "a" (Add)`) || !strings.Contains(err.Error(), `node "s" (Shape)`) || strings.Contains(err.Error(), `"l"`) {
		t.Error(err)
	}
	if got := g.Values[g.Nodes[2].Out[0]].Type; got != ir.Float16 {
		t.Errorf("a product of f16 is %v", got)
	}
}

// TestTypesOfConstants: what is made of a Constant has its element type, also where the model declares none.
func TestTypesOfConstants(t *testing.T) {
	g, err := testgraph.Parse("input i Nx3 i64\nk = Constant value_ints=4\nv = Constant value_ints=0,1\no = OneHot i k v")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range g.Nodes {
		g.Values[n.Out[0]].Type = ir.Undefined
	}
	if err := Types(g); err != nil {
		t.Fatal(err)
	}
	for _, n := range g.Nodes {
		if got := g.Values[n.Out[0]].Type; got != ir.Int64 {
			t.Errorf("%s makes %v", n.Name, got)
		}
	}
}

// TestResults: also of those that a model leaves out.
func TestResults(t *testing.T) {
	g, shapes, err := infer(t, "input x 5x1x4\ny = GRU x [1,9,4] [1,9,3]")
	if err != nil {
		t.Fatal(err)
	}
	n := g.Nodes[0]
	n.Out = []ir.ValueID{0, n.Out[0]}
	got := Results(g, n, shapes)
	if s := text(got[0].Shape, got[1].Shape); s != "5x1x1x3 1x1x3" || got[0].Type != ir.Float32 {
		t.Errorf("results have shapes %s and type %v", s, got[0].Type)
	}
	n.Op = "Strange"
	if got := Results(g, n, shapes); got[0].Shape != nil {
		t.Errorf("an unknown operator's result has the shape %v", got[0].Shape)
	}
}

// TestExceptionsAreOperators: the rules here are those of operators that the table has, and each of its operators without a rule is known.
func TestExceptionsAreOperators(t *testing.T) {
	for name := range exceptions {
		if _, ok := operators.Lookup(operators.Split(name)); !ok {
			t.Errorf("package operators has no %s", name)
		}
	}
	for _, o := range operators.All() {
		_, ok := Lookup(o.Domain, o.Name)
		if carried := o.Class == operators.Control || o.Name == "Constant"; ok == carried {
			t.Errorf("%s: has a shape rule: %v", o.Name, ok)
		}
	}
}
