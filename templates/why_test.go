package templates

import (
	"strings"
	"testing"

	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/ir/testgraph"
)

// TestWhyNames: the node that is named is the one that a change of it alone would mend.
func TestWhyNames(t *testing.T) {
	const head = "input x Nx8x8x8\ns = Conv x [8,8,1,1]\n"
	for _, c := range []struct{ form, graph, node, reason string }{
		{"BottleneckResidualBlock", "a = Conv s [4,8,3,3] pads=1,1,1,1\nb = Conv a [4,4,3,3] pads=1,1,1,1\nc = Conv b [8,4,1,1]\ny = Add c s", "a", "is a 3x3 convolution, the place wants a 1x1"},
		{"BottleneckResidualBlock", "a = Conv s [4,8,1,1]\nb = Conv a [4,4,1,1]\nc = Conv b [8,4,1,1]\ny = Add c s", "b", "is a 1x1 convolution, the place wants a kxk"},
		{"BottleneckResidualBlock", "a = Conv s [4,8,1,1]\nb = Conv a [8,4,3,3] pads=1,1,1,1\ny = Add b s", "y", "comes after 2 convolutions"},
		{"BottleneckResidualBlock", "a = Conv s [4,8,1,1]\nb = Conv a [8,4,3,3] pads=1,1,1,1\ny = Mul b s", "y", "ends the region with Mul"},
		{"SEResidualBlock", "a = Conv s [4,8,3,3] pads=1,1,1,1\nb = Conv a [8,4,1,1]\ny = Add b s", "a", "is a 3x3 convolution"},
		{"CNResidualBlock", "a = Conv s [8,8,7,7] pads=3,3,3,3\nb = Conv a [16,8,1,1]\nc = Conv b [8,16,1,1]\ny = Add c s", "a", "is not a depthwise"},
		{"FFNBlock", "a = Conv s [16,8,1,1]\nb = Conv a [8,16,1,1]\ny = Add b s", "a", "is a convolution"},
		{"AttentionBlock", "a = MatMul s [8,8]\nb = MatMul a [8,8]\ny = Add b s", "y", "comes after no Softmax"},
		{"MBBlock", "a = Conv s [8,8,3,3] pads=1,1,1,1\nb = Conv a [16,8,1,1]\ny = Relu b", "s", "is not a depthwise"},
		{"BottleneckBlock", "a = MaxPool s kernel_shape=2,2\nb = Conv a [8,8,1,1]\ny = Relu b", "a", "is MaxPool"},
		{"DenseLayerBlock", "a = Conv s [8,8,1,1]\ny = Concat a s axis=1", "y", "does not begin with"},
		{"DenseLayerBlock", "a = Relu s\ny = Concat s a axis=1", "y", "joins what no convolution made"},
		{"ResidualBlock", "y = Relu s", "s", "stands alone"},
	} {
		g, err := testgraph.Parse(head + c.graph + "\nz = Conv y [4,8,1,1]\noutput z")
		if err != nil {
			t.Fatal(err)
		}
		f := supernet.NewFlow(g)
		for _, m := range All() {
			if m.Name != c.form {
				continue
			}
			at := 0
			if m.Name != "MBBlock" && m.Name != "BottleneckBlock" && len(f.Items) > 2 && len(f.Items[1].Nodes) > 1 {
				at = 1
			}
			node, reason := m.Why(f, at)
			if node < 0 || f.Node(node).Name != c.node || !strings.HasPrefix(reason, c.reason) {
				t.Errorf("%s of\n%s\nnode %d: %s; want %s: %s", c.form, c.graph, node, reason, c.node, c.reason)
			}
		}
	}
}

// TestWhyAlways: where a template does not match, it says why; graphs are those of the other tests.
func TestWhyAlways(t *testing.T) {
	for _, graph := range []string{
		"input x Nx3x8x8\na = Conv x [8,3,1,1]\nb = Relu a\nc = GlobalAveragePool b\nd = Flatten c\ny = Gemm d [8,5]\noutput y",
		"input x Nx16x8\na = MatMul x [8,8]\nb = MatMul x [8,8]\nc = Transpose b perm=0,2,1\nd = MatMul a c\ne = Softmax d\nf = MatMul e x\ny = Add f x\nz = MatMul y [8,4]\noutput z",
		"input x Nx16x8\na = MatMul x [8,32]\nb = Relu a\nc = MatMul b [32,8]\ny = Add c x\nz = MatMul y [8,4]\noutput z",
	} {
		g, err := testgraph.Parse(graph)
		if err != nil {
			t.Fatal(err)
		}
		f := supernet.NewFlow(g)
		for i := range f.Items {
			for _, m := range All() {
				if _, ok := m.Match(f, i); ok {
					continue
				}
				if node, reason := m.Why(f, i); node < 0 || node >= len(g.Nodes) || reason == "" {
					t.Errorf("%s at item %d: node %d, reason %q", m.Name, i, node, reason)
				}
			}
		}
	}
}
