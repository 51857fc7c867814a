package conform

import (
	"cmp"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/internal/needs"
	"github.com/autotailor/autotailor/internal/onnxpb"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/onnx"
	"github.com/autotailor/autotailor/ir/op"
	"github.com/autotailor/autotailor/ir/pass"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
)

var update = flag.Bool("update", false, "rewrite testdata/onnx_backend.txt, keeping its reasons")

// backendData is where Debian's package libonnx-testdata puts the ONNX project's backend test data.
const backendData = "/usr/share/libonnx-testdata/data"

// backendList is the committed list of cases that do not pass: case, how far it gets, reason.
const backendList = "testdata/onnx_backend.txt"

// stage is how far a case gets.
type stage int

const (
	reading stage = iota // is not read
	shaping              // is read; shapes are not inferred or not those expected
	running              // shapes are right; the embedded engine does not claim it or is wrong
	passing
)

var stageNames = []string{"read", "shapes", "engine", "pass"}

// stopped is a case's end before passing.
type stopped struct {
	stage
	reason string
}

// TestONNXBackend runs every case of the ONNX project's backend test data through reader, passes, shape inference and the embedded
// engine. Those that do not pass are listed in a file with the stage they get to; a case that gets further than the list says, or
// less far, is an error. AUTOTAILOR_ONNX_TESTDATA names the folder, AUTOTAILOR_ONNX_TESTDATA_REQUIRED makes its absence a failure.
func TestONNXBackend(t *testing.T) {
	needs.Time(t)
	root := cmp.Or(os.Getenv("AUTOTAILOR_ONNX_TESTDATA"), backendData)
	cases, err := filepath.Glob(filepath.Join(root, "*", "test_*", "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) == 0 {
		if os.Getenv("AUTOTAILOR_ONNX_TESTDATA_REQUIRED") != "" {
			t.Fatalf("no cases in %s: install Debian's libonnx-testdata", root)
		}
		t.Skipf("no cases in %s: install Debian's libonnx-testdata, or set AUTOTAILOR_ONNX_TESTDATA", root)
	}
	listed := readBackendList(t)
	found, counts := map[string]stopped{}, map[string][4]int{}
	for _, path := range cases {
		dir := filepath.Dir(path)
		group := filepath.Base(filepath.Dir(dir))
		name := group + "/" + filepath.Base(dir)
		got := backendCase(dir)
		n := counts[group]
		n[got.stage]++
		counts[group] = n
		want, known := listed[name]
		if !known {
			want.stage = passing
		}
		if got.stage != passing {
			found[name] = stopped{got.stage, cmp.Or(map[bool]string{true: want.reason}[got.stage == want.stage], got.reason)}
		}
		switch {
		case *update || got.stage == want.stage:
		case got.stage > want.stage:
			t.Errorf("%s gets to %q, the list says %q (%s); run with -update", name, stageNames[got.stage], stageNames[want.stage], want.reason)
		default:
			t.Errorf("%s: %s: %s", name, stageNames[got.stage], got.reason)
		}
	}
	for _, group := range slices.Sorted(maps.Keys(counts)) {
		n := counts[group]
		t.Logf("%-18s %4d cases: %4d pass, %4d stop at the engine, %3d at shapes, %3d at reading", group, n[0]+n[1]+n[2]+n[3], n[passing], n[running], n[shaping], n[reading])
	}
	if *update {
		writeBackendList(t, found)
	}
}

func readBackendList(t *testing.T) map[string]stopped {
	data, err := os.ReadFile(backendList)
	if err != nil && !(*update && errors.Is(err, os.ErrNotExist)) {
		t.Fatal(err)
	}
	out, last := map[string]stopped{}, ""
	for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		if strings.HasPrefix(line, "#") || line == "" {
			continue
		}
		f := strings.SplitN(line, "\t", 3)
		at := -1
		if len(f) == 3 {
			at = slices.Index(stageNames[:passing], f[1])
		}
		if at < 0 || f[2] == "" || f[0] <= last {
			t.Fatalf("%s:%d: want sorted lines of case, stage and reason, with tabs between", backendList, i+1)
		}
		out[f[0]], last = stopped{stage(at), f[2]}, f[0]
	}
	return out
}

func writeBackendList(t *testing.T, found map[string]stopped) {
	var b strings.Builder
	b.WriteString("# Cases of the ONNX project's backend test data that do not pass: case, stage that stops it, reason.\n" +
		"# go test ./internal/conform -run ONNXBackend -update rewrites this file and keeps the reasons of cases that stop where they did; remove a line for a fresh one.\n")
	for _, name := range slices.Sorted(maps.Keys(found)) {
		fmt.Fprintf(&b, "%s\t%s\t%s\n", name, stageNames[found[name].stage], found[name].reason)
	}
	if err := os.WriteFile(backendList, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

// backendCase runs one case. Networks have parameters where these cases have inputs, so all inputs but the first are made constants;
// where that does not do, the case runs as it stands.
func backendCase(dir string) (got stopped) {
	defer func() {
		if r := recover(); r != nil {
			got = stopped{-1, fmt.Sprintf("panic: %v", r)}
		}
	}()
	data, err := os.ReadFile(filepath.Join(dir, "model.onnx"))
	if err != nil {
		return stopped{-1, err.Error()}
	}
	if _, err := onnx.Decode(data, dir); err != nil {
		return stopped{reading, oneLine(err)}
	}
	var best stopped
	for _, live := range []int{1, math.MaxInt} {
		c, err := newBackendRun(dir, data, live)
		if err != nil {
			return stopped{reading, oneLine(err)}
		}
		if got := c.run(); live == 1 || got.stage > best.stage {
			best = got
		}
		if best.stage == passing {
			break
		}
	}
	return best
}

// backendRun is a case with some of its inputs made constants.
type backendRun struct {
	model   []byte
	in, out []nn.Tensor
}

func newBackendRun(dir string, data []byte, live int) (*backendRun, error) {
	var m onnxpb.ModelProto
	if err := proto.Unmarshal(data, &m); err != nil {
		return nil, err
	}
	c := &backendRun{}
	inputs, err := protos(dir, "input", len(m.Graph.Input))
	if err != nil {
		return nil, err
	}
	outputs, err := protos(dir, "output", len(m.Graph.Output))
	if err != nil {
		return nil, err
	}
	var kept []*onnxpb.ValueInfoProto
	for k, p := range inputs {
		if k < live {
			kept = append(kept, m.Graph.Input[k])
			continue
		}
		p.Name = m.Graph.Input[k].Name
		m.Graph.Initializer = append(m.Graph.Initializer, p)
	}
	m.Graph.Input = append(kept, m.Graph.Input[len(inputs):]...)
	if c.in, err = tensors(inputs[:len(kept)]); err != nil {
		return nil, err
	}
	if c.out, err = tensors(outputs); err != nil {
		return nil, err
	}
	c.model, err = proto.Marshal(&m)
	return c, err
}

// protos reads a case's tensors. Values that the model has as initializers have no file.
func protos(dir, kind string, n int) ([]*onnxpb.TensorProto, error) {
	var out []*onnxpb.TensorProto
	for k := range n {
		data, err := os.ReadFile(filepath.Join(dir, "test_data_set_0", fmt.Sprintf("%s_%d.pb", kind, k)))
		if errors.Is(err, os.ErrNotExist) && kind == "input" {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		var p onnxpb.TensorProto
		if err := proto.Unmarshal(data, &p); err != nil || p.GetDataType() == 0 {
			return nil, fmt.Errorf("the case's %s %d is not a tensor", kind, k)
		}
		out = append(out, &p)
	}
	return out, nil
}

func tensors(list []*onnxpb.TensorProto) ([]nn.Tensor, error) {
	m := onnxpb.ModelProto{Graph: &onnxpb.GraphProto{}}
	for k, p := range list {
		p = proto.Clone(p).(*onnxpb.TensorProto)
		p.Name = proto.String(fmt.Sprint(k))
		m.Graph.Initializer = append(m.Graph.Initializer, p)
	}
	data, err := proto.Marshal(&m)
	if err != nil {
		return nil, err
	}
	f, err := onnxfile.Parse(data)
	if err != nil {
		return nil, err
	}
	out := make([]nn.Tensor, len(list))
	for k := range list {
		if out[k], err = f.Tensor(fmt.Sprint(k)); err != nil {
			return nil, fmt.Errorf("element type %v is not carried", list[k].GetDataType())
		}
	}
	return out, nil
}

func (c *backendRun) run() stopped {
	if err := c.shapes(); err != nil {
		return stopped{shaping, oneLine(err)}
	}
	if err := c.execute(); err != nil {
		return stopped{running, oneLine(err)}
	}
	return stopped{stage: passing}
}

// shapes infers shapes from those of the inputs alone: what the model declares of its results is not looked at.
func (c *backendRun) shapes() error {
	g, err := onnx.Decode(c.model, "")
	if err != nil {
		return err
	}
	bind := map[ir.ValueID][]dim.Dim{}
	for k, id := range g.Inputs[:min(len(g.Inputs), len(c.in))] {
		bind[id] = make([]dim.Dim, len(c.in[k].Shape))
		for a, n := range c.in[k].Shape {
			bind[id][a] = dim.Const(n)
		}
	}
	for _, id := range g.Outputs {
		if g.Values[id].Const == nil {
			g.Values[id].Shape = nil
		}
	}
	if err := pass.Canonicalise(g, pass.Options{}); err != nil {
		return err
	}
	for _, n := range g.Nodes {
		if _, ok := op.Lookup(n.Domain, n.Op); !ok {
			return fmt.Errorf("operator %s is bypassed", n.Op)
		}
	}
	vals, err := op.Infer(g, op.Rules{Bind: bind})
	if err != nil {
		return err
	}
	for k, want := range c.out {
		if id := g.Outputs[k]; !sameShape(vals[id].Shape, want.Shape) {
			return fmt.Errorf("output %d is inferred as %v, it is %v", k, vals[id].Shape, want.Shape)
		}
	}
	return nil
}

func sameShape(got []dim.Dim, want nn.Shape) bool {
	return got != nil && slices.EqualFunc(got, want, func(d dim.Dim, n int) bool {
		v, fixed := d.IsConst()
		return fixed && v == n
	})
}

// runFile runs a model file that is in memory on the embedded engine.
func runFile(model []byte, in ...nn.Tensor) ([]nn.Tensor, error) {
	g, err := gen.ParseNetwork(model)
	if err != nil {
		return nil, err
	}
	w, err := onnxfile.Parse(model)
	if err != nil {
		return nil, err
	}
	return engine.Once(embedded.New(embedded.Options{}))(g, w, in)
}

func (c *backendRun) execute() error {
	out, err := runFile(c.model, c.in...)
	if err != nil {
		return err
	}
	for k, want := range c.out {
		if out[k].Type != want.Type || !slices.Equal(out[k].Shape, want.Shape) {
			return fmt.Errorf("output %d is of type %d and shape %v, it should be of type %d and shape %v", k, out[k].Type, out[k].Shape, want.Type, want.Shape)
		}
		if err := near(out[k], want); err != nil {
			return fmt.Errorf("output %d: %w", k, err)
		}
	}
	return nil
}

// near compares float32 tensors within 1e-4 of each element, others bit for bit.
func near(got, want nn.Tensor) error {
	if want.Type != nn.Float32 {
		if !slices.Equal(got.Raw, want.Raw) {
			return errors.New("elements differ")
		}
		return nil
	}
	g, w := got.Float32s(), want.Float32s()
	for i := range w {
		x, y := float64(g[i]), float64(w[i])
		if x != y && !(math.Abs(x-y) <= 1e-6+1e-4*math.Abs(y)) && !(math.IsNaN(x) && math.IsNaN(y)) {
			return fmt.Errorf("element %d is %g, it should be %g", i, x, y)
		}
	}
	return nil
}

// oneLine is an error's first line, without what differs from machine to machine.
func oneLine(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return strings.ReplaceAll(line, "\t", " ")
}
