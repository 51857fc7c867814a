package main

import (
	"bufio"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/engine/embedded"
	"github.com/autotailor/autotailor/runtime/engine/ort"
	"github.com/autotailor/autotailor/runtime/nn"
)

//go:embed torch.py
var script []byte

// picture is a batch of the network's inputs.
func picture(g *nn.Graph, batch int) nn.Tensor {
	s := g.Values[g.Inputs[0]].Shape.Bind(batch)
	v := make([]float32, s.Count())
	for i := range v {
		v[i] = float32(math.Sin(float64(i)))
	}
	return nn.FromFloat32s(s, v)
}

func openOurs(o options, g *nn.Graph, w nn.Weights) ([]*runner, error) {
	e := embedded.New(embedded.Options{Threads: o.threads})
	s, err := e.Compile(g, w)
	if err != nil {
		return nil, err
	}
	params, err := trainables(g, w)
	if err != nil {
		return nil, err
	}
	in := picture(g, o.batch)
	solver := &sgd{params: params, velocity: map[string][]float32{}}
	return []*runner{
		{field: "train", run: repeated(func() error { return trainStep(e, g, params, in, solver) })},
		{field: "infer", run: repeated(func() error { _, err := s.Run(in); return err }), close: s.Close},
	}, nil
}

func repeated(f func() error) func(n int) (time.Duration, error) {
	return func(n int) (time.Duration, error) {
		start := time.Now()
		for range n {
			if err := f(); err != nil {
				return 0, err
			}
		}
		return time.Since(start), nil
	}
}

// trainables takes the parameters of g from w.
func trainables(g *nn.Graph, w nn.Weights) (engine.Params, error) {
	params := engine.Params{}
	for _, n := range g.Nodes {
		for k, v := range n.In {
			p := g.Values[v].Param
			if p == nil || n.Type == "BatchNormalization" && k > 2 {
				continue
			}
			x, err := w.Tensor(p.Source())
			if err != nil {
				return nil, err
			}
			params[p.Name] = &engine.Trainable{Shape: x.Shape, Value: x.Float32s(), Grad: make([]float32, x.Shape.Count())}
		}
	}
	return params, nil
}

// trainStep is forward, cross entropy, backward and solver: as a tuner does it, with a plan of its own.
func trainStep(e engine.Trainer, g *nn.Graph, p engine.Params, in nn.Tensor, solver *sgd) error {
	t, err := e.Train(g, p)
	if err != nil {
		return err
	}
	out, err := t.Forward(in)
	if err != nil {
		return err
	}
	y := out[0].Float32s()
	batch := in.Shape[0]
	classes := len(y) / batch
	for i := range batch {
		row, sum := y[i*classes:(i+1)*classes], 0.0
		for _, v := range row {
			sum += math.Exp(float64(v))
		}
		for k, v := range row {
			if row[k] = float32(math.Exp(float64(v)) / sum / float64(batch)); k == i%classes {
				row[k] -= 1 / float32(batch)
			}
		}
	}
	if err := t.Backward(nn.FromFloat32s(out[0].Shape, y)); err != nil {
		return err
	}
	solver.step()
	return t.Close()
}

// sgd is gradient descent with momentum, tensors beside each other as the tuner has them.
type sgd struct {
	params   engine.Params
	velocity map[string][]float32
}

func (s *sgd) step() {
	var all sync.WaitGroup
	for name, p := range s.params {
		v := s.velocity[name]
		if v == nil {
			v = make([]float32, len(p.Value))
			s.velocity[name] = v
		}
		all.Go(func() {
			for i, g := range p.Grad {
				v[i] = 0.9*v[i] + g
				p.Value[i] -= 1e-4 * v[i]
			}
			clear(p.Grad)
		})
	}
	all.Wait()
}

func openORT(o options, g *nn.Graph, w nn.Weights) ([]*runner, error) {
	lib, err := ort.Find()
	if err != nil {
		return nil, err
	}
	e, err := ort.New(lib, ort.Options{Threads: o.threads})
	if err != nil {
		return nil, err
	}
	s, err := e.Compile(g, w)
	if err != nil {
		return nil, err
	}
	in := picture(g, o.batch)
	return []*runner{{field: "ort_infer", run: repeated(func() error { _, err := s.Run(in); return err }), close: s.Close}}, nil
}

// described is what torch.py reads.
type described struct {
	Input, Output string
	InputShape    nn.Shape
	Classes       int
	Params        []describedParam
	Nodes         []describedNode
}

type describedParam struct {
	Key       string
	Shape     nn.Shape
	Statistic bool
}

type describedNode struct {
	Type  string
	In    []string
	Out   string
	Attrs map[string]any
}

func describe(g *nn.Graph, batch int) described {
	key := func(v nn.Value) string { return fmt.Sprintf("v%d", v) }
	d := described{Input: key(g.Inputs[0]), Output: key(g.Outputs[0]), InputShape: g.Values[g.Inputs[0]].Shape.Bind(batch)}
	d.Classes = g.Values[g.Outputs[0]].Shape[1]
	seen := map[nn.Value]bool{}
	for _, n := range g.Nodes {
		node := describedNode{Type: n.Type, Out: key(n.Out[0]), Attrs: map[string]any{}}
		for k, v := range n.In {
			node.In = append(node.In, key(v))
			if g.Values[v].Param != nil && !seen[v] {
				seen[v] = true
				d.Params = append(d.Params, describedParam{key(v), g.Values[v].Shape, n.Type == "BatchNormalization" && k > 2})
			}
		}
		for _, a := range n.Attrs {
			switch a.Kind {
			case nn.AttrInt:
				node.Attrs[a.Name] = a.Int
			case nn.AttrInts:
				node.Attrs[a.Name] = a.Ints
			case nn.AttrFloat:
				node.Attrs[a.Name] = a.Float
			}
		}
		d.Nodes = append(d.Nodes, node)
	}
	return d
}

// openTorch starts PyTorch twice, once for each memory format.
func openTorch(o options, g *nn.Graph, _ nn.Weights) ([]*runner, error) {
	dir, err := os.MkdirTemp("", "enginebench")
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(describe(g, o.batch))
	if err != nil {
		return nil, err
	}
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "graph.json"), text, 0o600), os.WriteFile(filepath.Join(dir, "torch_bench.py"), script, 0o600)); err != nil {
		return nil, err
	}
	var out []*runner
	for _, format := range []string{"nchw", "nhwc"} {
		p, err := start(o.python, filepath.Join(dir, "torch_bench.py"), filepath.Join(dir, "graph.json"), strconv.Itoa(o.threads), format)
		if err != nil {
			return out, errors.Join(err, os.RemoveAll(dir))
		}
		out = append(out, &runner{field: "torch_train", run: p.asked("train")}, &runner{field: "torch_infer", run: p.asked("infer"), close: p.close})
	}
	out[0].close = func() error { return os.RemoveAll(dir) }
	return out, nil
}

// process is a running torch.py.
type process struct {
	cmd *exec.Cmd
	in  *bufio.Writer
	out *bufio.Scanner
	end func() error
}

func start(name string, args ...string) (*process, error) {
	cmd := exec.Command(name, args...)
	for _, v := range os.Environ() { // what other libraries on this machine are told must not slow PyTorch down
		if !strings.HasPrefix(v, "OPENBLAS_") && !strings.HasPrefix(v, "OMP_") && !strings.HasPrefix(v, "ONEDNN_") && !strings.HasPrefix(v, "DNNL_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	// Without this, glibc gives large tensors back to the system after every use, and PyTorch's time is that of page faults.
	cmd.Env = append(cmd.Env, "MALLOC_MMAP_MAX_=0", "MALLOC_TRIM_THRESHOLD_=1000000000000", "MALLOC_TOP_PAD_=1000000000")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	said := &strings.Builder{}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	p := &process{cmd: cmd, in: bufio.NewWriter(in), out: bufio.NewScanner(out), end: in.Close}
	if !p.out.Scan() || !strings.HasPrefix(p.out.Text(), "ready") {
		_ = cmd.Wait()
		lines := strings.Split(strings.TrimSpace(said.String()), "\n")
		return nil, fmt.Errorf("%s does not run PyTorch (Debian: python3-torch): %s", name, lines[len(lines)-1])
	}
	return p, nil
}

// asked returns a function that lets the process run n iterations.
func (p *process) asked(what string) func(n int) (time.Duration, error) {
	return func(n int) (time.Duration, error) {
		fmt.Fprintln(p.in, what, n)
		if err := p.in.Flush(); err != nil {
			return 0, err
		}
		if !p.out.Scan() {
			return 0, fmt.Errorf("PyTorch ended early: %w", p.out.Err())
		}
		s, err := strconv.ParseFloat(p.out.Text(), 64)
		return time.Duration(s * float64(time.Second)), err
	}
}

func (p *process) close() error { return errors.Join(p.end(), p.cmd.Wait()) }
