package conform

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"

	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// TestNumbers: the export of the original has no more numbers than its file, with normalisations multiplied in or not, and no SubNet has more than the
// original. Tables that the model computes are left out. What the package's table says of parameters is what the recorded network has.
func TestNumbers(t *testing.T) {
	needs.Clone(t)
	needs.Time(t)
	paths := map[string]string{}
	for name, build := range allArchitectures() {
		paths[name] = zooModel(t, build)
	}
	files, err := filepath.Glob(filepath.Join("testdata", "strangers", "*.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range append(files, modelFiles(t)...) {
		paths[filepath.Base(f)] = f
	}
	for name, path := range paths {
		t.Run(name, func(t *testing.T) {
			c, p, w := opened(t, path)
			choices := choicesOf(c)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			rng := rand.New(rand.NewPCG(31, 31))
			most := [2]int{numbers(t, data), numbers(t, data)}
			for k := range 6 {
				genes := make(space.Genes, len(choices))
				if k > 0 {
					genes = space.Random(choices, rng)
				}
				g, _ := described(t, p, genes)
				for j, fold := range []bool{false, true} {
					m, err := onnxfile.Proto(g, w, onnxfile.WriteOptions{Opset: w.Opset, Fold: fold})
					if err != nil {
						t.Fatal(err)
					}
					n := count(m.GetGraph()) - computed(g)
					if n > most[j] {
						t.Errorf("%s has %d numbers, of %d; folded: %v", space.Format(choices, genes), n, most[j], fold)
					}
					if k == 0 {
						most[j] = n
					}
				}
				sameParams(t, p, genes, g)
			}
		})
	}
}

// numbers counts those of a model file.
func numbers(t *testing.T, data []byte) int {
	t.Helper()
	m, err := onnx.Unmarshal(data)
	if err != nil {
		t.Fatal(err)
	}
	return count(m.GetGraph())
}

// count counts the numbers of floating point that a graph holds.
func count(g *onnxpb.GraphProto) int {
	n := 0
	add := func(p *onnxpb.TensorProto) {
		if slices.Contains([]int32{1, 10, 11, 16}, p.GetDataType()) {
			n += elements(p)
		}
	}
	for _, i := range g.GetInitializer() {
		add(i)
	}
	for _, node := range g.GetNode() {
		for _, a := range node.GetAttribute() {
			if node.GetOpType() != "Constant" {
				continue
			}
			if a.GetT() != nil {
				add(a.GetT())
			}
			n += len(a.GetFloats())
			if a.GetName() == "value_float" {
				n++
			}
		}
	}
	return n
}

func elements(p *onnxpb.TensorProto) int {
	n := 1
	for _, d := range p.GetDims() {
		n *= int(d)
	}
	return n
}

// computed counts the numbers of a network's constants: the compiler writes down what models compute from constants.
func computed(g *nn.Graph) int {
	n := 0
	for _, i := range g.Values {
		if i.Const != nil && i.Type == nn.Float32 {
			n += i.Shape.Count()
		}
	}
	return n
}

// sameParams compares the parameters of a SubNet as the package's table adds them up with those of its recorded network.
func sameParams(t *testing.T, p *view.Package, genes space.Genes, g *nn.Graph) {
	t.Helper()
	net := &supernet.Net{Choices: p.Space(), Ops: p.Table.Ops}
	for _, r := range p.Table.Rules {
		net.Rules = append(net.Rules, r.Rules)
	}
	sum, err := net.Params()
	if err != nil {
		t.Fatal(err)
	}
	if table, network := sum.At(genes), supernet.Count(g).Params; table != network {
		t.Errorf("%v: %d parameters by the table, the network has %d", genes, table, network)
	}
}

// TestSharedParams: of networks that use weights several times the parameters are those of the file, each once.
func TestSharedParams(t *testing.T) {
	for _, name := range []string{"shared layers (universal)", "shared Transformer (ALBERT)", "tied autoencoder", "shared biases and numbers", "twins (siamese)"} {
		_, p, w := opened(t, zooModel(t, sharedArchitectures[name]))
		choices, rng := p.Space(), rand.New(rand.NewPCG(33, 33))
		for k := range 6 {
			genes := make(space.Genes, len(choices))
			if k > 0 {
				genes = space.Random(choices, rng)
			}
			g, _ := described(t, p, genes)
			m, err := onnxfile.Proto(g, w, onnxfile.WriteOptions{Opset: w.Opset})
			if err != nil {
				t.Fatal(err)
			}
			norms := 0 // a normalisation counts as a bias of its convolution
			for _, n := range g.Nodes {
				if n.Type == "BatchNormalization" {
					norms += 3 * g.Values[n.In[1]].Shape[0]
				}
			}
			if got, want := supernet.Count(g).Params, int64(count(m.GetGraph())-norms); got != want {
				t.Errorf("%s, %v: %d parameters, the file has %d", name, genes, got, want)
			}
		}
	}
}
