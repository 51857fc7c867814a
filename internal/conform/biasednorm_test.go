package conform

import (
	"bytes"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/runtime/command/cli"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// biased is a convolution with a bias and without a normalisation.
func (z *zoo) biased(x nn.Value, in, out, k, groups int) nn.Value {
	n := z.name("conv")
	return z.Conv(x, nn.Conv{
		Name: n, Weight: param(n+".weight", out, in/groups, k, k), Bias: param(n+".bias", out), Kernel: []int{k, k}, Pads: []int{k / 2, k / 2, k / 2, k / 2}, Groups: groups,
	})
}

// batchNorm normalises the second axis of x, which has width positions.
func (z *zoo) batchNorm(x nn.Value, width int) nn.Value {
	n := z.name("bn")
	return z.BatchNorm(x, nn.BatchNorm{
		Name: n, Scale: param(n+".weight", width), Bias: param(n+".bias", width), Mean: param(n+".running_mean", width), Var: param(n+".running_var", width), Epsilon: 1e-5,
	})
}

// biasedConv is a convolution with a bias, a normalisation and an activation.
func (z *zoo) biasedConv(x nn.Value, in, out, k, groups int) nn.Value {
	return z.Act(z.batchNorm(z.biased(x, in, out, k, groups), out), nn.Relu())
}

// biasedNorms are networks whose products have a bias and then a normalisation.
var biasedNorms = map[string]func(z *zoo){
	"convolutions": func(z *zoo) {
		x := z.biasedConv(z.image(16), 3, 16, 3, 1)
		for range 2 {
			y := z.biasedConv(z.biasedConv(x, 16, 32, 1, 1), 32, 32, 3, 32)
			x = z.Add(x, z.batchNorm(z.biased(y, 32, 16, 1, 1), 16))
		}
		z.head(z.biasedConv(x, 16, 32, 3, 1), 32)
	},
	"branches": func(z *zoo) { // a normalisation is not the node after its convolution
		x := z.conv(z.image(16), 3, 16, 3, 1, 1)
		a, b := z.biased(x, 16, 16, 3, 1), z.biased(x, 16, 16, 1, 1)
		z.head(z.Act(z.Add(z.batchNorm(a, 16), z.batchNorm(b, 16)), nn.Relu()), 16)
	},
	"two readers": func(z *zoo) { // the normalisation is an operator of its own
		x := z.biased(z.conv(z.image(16), 3, 16, 3, 1, 1), 16, 16, 3, 1)
		z.head(z.Add(x, z.Act(z.batchNorm(x, 16), nn.Relu())), 16)
	},
	"linear layers": func(z *zoo) {
		x := z.Flatten(z.Pool(z.conv(z.image(8), 3, 16, 3, 1, 1), nn.Pool{Name: "pool", Kind: nn.GlobalAverage}), 1)
		z.Output("logits", z.linear(z.Act(z.batchNorm(z.linear(x, 16, 64), 64), nn.Relu()), 64, 10))
	},
}

// TestBiasThenNormalisation: a product with a bias of its own and a normalisation behind it is one operator, which looks like the product alone. Such
// models can be searched, and parameters, multiply-accumulates and peak memory are what walking the networks, their exports and the engine's
// allocator count.
func TestBiasThenNormalisation(t *testing.T) {
	files := map[string]string{"convbias_bn": "testdata/cases/convbias_bn.onnx"}
	for name, build := range biasedNorms {
		files[name] = zooModel(t, build)
	}
	files["renormalised"] = renormalised(t)
	for name, file := range files {
		t.Run(name, func(t *testing.T) {
			_, p, w := opened(t, file)
			net := definition(t, p)
			searched(t, net)
			countedAlike(t, net, w)
		})
	}
}

// renormalised is a model without normalisations that `renormalise` gave some.
func renormalised(t *testing.T) string {
	t.Helper()
	plain, err := os.ReadFile(zooModel(t, func(z *zoo) {
		relu := func(x nn.Value) nn.Value { return z.Act(x, nn.Relu()) }
		x := relu(z.biased(z.image(16), 3, 16, 3, 1))
		x = z.Add(x, z.biased(relu(z.biased(x, 16, 32, 1, 1)), 32, 16, 1, 1))
		z.head(relu(z.biased(x, 16, 32, 3, 1)), 32)
	}))
	if err != nil {
		t.Fatal(err)
	}
	images := &data.Set{N: 16, Channels: 3, Height: 16, Width: 16, Pixels: make([]byte, 16*3*16*16), Labels: make([]int32, 16)}
	rng := rand.New(rand.NewPCG(4, 4))
	for i := range images.Pixels {
		images.Pixels[i] = byte(rng.IntN(256))
	}
	model, n, err := gen.Renormalise(plain, data.Source{Set: images})
	if err != nil || n == 0 {
		t.Fatalf("%d normalisations, %v", n, err)
	}
	path := filepath.Join(t.TempDir(), "renormalised.onnx")
	write(t, path, string(model))
	return path
}

// definition is what a generated package says of itself, without the package.
func definition(t *testing.T, p *view.Package) *supernet.Net {
	t.Helper()
	net := &supernet.Net{Package: p.Name, Source: p.Source, Digest: p.Digest, Ops: p.Table.Ops, Groups: p.Groups}
	for _, c := range p.Choices {
		x := space.Choice{Name: c.Name, Kind: c.Kind, Live: c.Live}
		for _, v := range c.Type.Values {
			x.Values = append(x.Values, v.Text)
		}
		net.Choices = append(net.Choices, x)
	}
	for _, r := range p.Table.Rules {
		net.Rules = append(net.Rules, r.Rules)
	}
	net.Build = func(genes []uint8, b nn.Builder) {
		if err := p.Describe(genes, b); err != nil {
			t.Error(err)
		}
	}
	return net
}

// searched runs the command `search`.
func searched(t *testing.T, net *supernet.Net) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "net.acc")
	if err := sensitivities(net, 5000).WriteFile(path, net); err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	args := []string{"search", "--accuracy", path, "--objective", "flops", "--max-memory", "1GB"}
	if code := cli.Run(t.Context(), net, args, io.Discard, &errs, cli.Options{}); code != 0 {
		t.Errorf("%v: exit code %d, %s", args, code, errs.String())
	}
}

// countedAlike compares the package's sums with walked networks, their exports and the engine's allocator.
func countedAlike(t *testing.T, net *supernet.Net, w *onnxfile.Model) {
	t.Helper()
	macs, err := net.MACs()
	if err != nil {
		t.Fatal(err)
	}
	peak, err := net.Peak()
	if err != nil {
		t.Fatal(err)
	}
	original, err := net.Original()
	if err != nil {
		t.Fatal(err)
	}
	e := embedded.New(embedded.Options{Threads: 1, Track: true})
	steps, err := e.Steps(original, w)
	if err != nil {
		t.Fatal(err)
	}
	exact, err := net.Activations(original, steps)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(9, 9))
	for k := range 20 {
		g := space.Random(net.Choices, rng)
		if k == 0 {
			clear(g)
		}
		graph, err := net.Record(g)
		if err != nil {
			t.Fatal(err)
		}
		text := space.Format(net.Choices, g)
		walked, stored := supernet.Count(graph), storedNumbers(t, graph, w)
		if m, p := macs.At(g), peak.Params.At(g); m != walked.MACs || p != walked.Params || p != stored {
			t.Errorf("%s: tables have %d MACs and %d parameters, the network %d and %d, its export %d parameters", text, m, p, walked.MACs, walked.Params, stored)
		}
		if got, want := exact.At(g), trackedPeak(t, e, graph, w); got != int64(want) {
			t.Errorf("%s: predicted %d bytes, the allocator counts %d", text, got, want)
		}
		if got, want := peak.Activations.At(g), worst(graph); got != want {
			t.Errorf("%s: the package predicts %d bytes, its network has %d", text, got, want)
		}
	}
}

// storedNumbers is how many floating-point numbers the export of a network has, normalisations folded.
func storedNumbers(t *testing.T, g *nn.Graph, w *onnxfile.Model) int64 {
	t.Helper()
	var file bytes.Buffer
	if err := onnxfile.Write(&file, g, w, onnxfile.WriteOptions{Opset: w.Opset, Fold: true}); err != nil {
		t.Fatal(err)
	}
	var m onnxpb.ModelProto
	if err := onnxpb.Unmarshal(file.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	var n int64
	for _, x := range m.Graph.Initializer {
		if nn.DType(x.GetDataType()) != nn.Float32 {
			continue
		}
		size := int64(1)
		for _, d := range x.Dims {
			size *= d
		}
		n += size
	}
	return n
}
