package ort

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
)

// numbered returns g with node k called n<k>_ and its results t<k>_<j>. The library derives the names of its kernels from these: that of
// a node, of its result (with _nchwc behind it), or of the one of several nodes that it fuses. HardSwish is written as the two operators that
// the library replaces it by, which else would have names without number.
func numbered(g *nn.Graph) *nn.Graph {
	out := *g
	out.Values, out.Nodes = slices.Clone(g.Values), nil
	for k, n := range g.Nodes {
		n.Name = fmt.Sprintf("n%d_", k)
		for j, v := range n.Out {
			out.Values[v].Name = fmt.Sprintf("t%d_%d", k, j)
		}
		if n.Type == "HardSwish" && n.Domain == "" {
			x := out.Values[n.In[0]]
			x.Name, x.Param, x.Const = fmt.Sprintf("t%d_gate", k), nil, nil
			gate := nn.Value(len(out.Values))
			out.Values = append(out.Values, x)
			sixth := nn.Attr{Name: "alpha", Kind: nn.AttrFloat, Float: 1.0 / 6}
			out.Nodes = append(out.Nodes, nn.Node{Type: "HardSigmoid", Name: n.Name + "gate", Attrs: []nn.Attr{sixth}, In: n.In, Out: []nn.Value{gate}})
			n.Type, n.In = "Mul", []nn.Value{n.In[0], gate}
		}
		out.Nodes = append(out.Nodes, n)
	}
	return &out
}

// ran is a kernel of a profile.
type ran struct {
	name, kind, provider string
	times                []time.Duration
}

// tick is half of the profile's resolution: its durations are cut to whole microseconds.
const tick = time.Microsecond / 2

// parseProfile reads a profile and leaves out its first run, in which the shapes of results are learnt.
func parseProfile(data []byte) ([]ran, error) {
	var events []struct {
		Cat, Name string
		Dur       int64
		Args      struct {
			Type     string `json:"op_name"`
			Provider string
		}
	}
	if err := json.Unmarshal(data, &events); err != nil {
		return nil, fmt.Errorf("onnxruntime: profile: %w", err)
	}
	var list []ran
	at, run := 0, 0
	for _, ev := range events {
		if ev.Name == "model_run" {
			if run > 0 && at != len(list) {
				return nil, fmt.Errorf("onnxruntime: profile: run %d has %d kernels, the first %d", run, at, len(list))
			}
			at, run = 0, run+1
		}
		name, kernel := strings.CutSuffix(ev.Name, "_kernel_time")
		if ev.Cat != "Node" || !kernel {
			continue
		}
		switch {
		case run == 0:
			list = append(list, ran{name: name, kind: ev.Args.Type, provider: ev.Args.Provider})
		case at >= len(list) || list[at].name != name || ev.Dur < 0:
			return nil, fmt.Errorf("onnxruntime: profile: run %d differs from the first at kernel %q", run, name)
		default:
			list[at].times = append(list[at].times, time.Duration(ev.Dur)*time.Microsecond+tick)
		}
		at++
	}
	return list, nil
}

var number = regexp.MustCompile(`(?:^|[^a-zA-Z0-9])[nt](\d+)_`)

// nodeOf is the node that a kernel's name leads to, -1 for none.
func nodeOf(name string, nodes int) int {
	found := number.FindAllStringSubmatch(name, -1)
	if found == nil {
		return -1
	}
	k, err := strconv.Atoi(found[len(found)-1][1])
	if err != nil || k >= nodes {
		return -1
	}
	return k
}

// blocked marks the names of kernels that work on blocks of channels.
const blocked = "_nchwc"

// boundaries are the kernels without a node that change the layout: whether they belong to a kernel after them or before, and
// whether that is the nearest one that does not work on blocks. For such an operator, channels and neighbours alike say whether there is a change,
// so that it is a function of the operator's own shapes.
var boundaries = []struct {
	kind, prefix string
	step         int
	plain        bool
}{
	{kind: "ReorderOutput", step: 1, plain: true},
	{kind: "ReorderInput", step: -1, plain: true},
	{kind: "Reshape", prefix: "gemm_input_reshape", step: 1},
	{kind: "Reshape", prefix: "gemm_output_reshape", step: -1},
}

// attribute gives every kernel its node.
func attribute(g *nn.Graph, list []ran) []engine.Kernel {
	out := make([]engine.Kernel, len(list))
	has := make([]bool, len(g.Nodes))
	for i, r := range list {
		out[i] = engine.Kernel{Type: r.kind, Node: nodeOf(r.name, len(g.Nodes)), Times: r.times}
		if out[i].Node >= 0 {
			has[out[i].Node] = true
		}
	}
	named := func(i, step int, plain bool) int {
		for i += step; i >= 0 && i < len(list); i += step {
			if k := nodeOf(list[i].name, len(g.Nodes)); k >= 0 && !(plain && strings.Contains(list[i].name, blocked)) {
				return k
			}
		}
		return -1
	}
	for i, r := range list {
		k := &out[i]
		if k.Node >= 0 {
			continue
		}
		if k.Node = replaced(g, has, r.kind, named(i, -1, false)); k.Node >= 0 {
			has[k.Node] = true
			continue
		}
		k.Layout = true
		for _, b := range boundaries {
			if b.kind == r.kind && strings.HasPrefix(r.name, b.prefix) {
				k.Node = named(i, b.step, b.plain)
			}
		}
		if k.Node < 0 {
			k.Node = max(named(i, 1, false), named(i, -1, false), 0)
		}
	}
	return out
}

// replaced finds the node behind the given one that a fused kernel without a name of its own computes, such as the LayerNormalization of a
// SkipLayerNormalization: the first without a kernel whose type ends the kernel's.
func replaced(g *nn.Graph, has []bool, kind string, after int) int {
	for k := after + 1; k < len(g.Nodes); k++ {
		if t := g.Nodes[k].Type; !has[k] && kind != t && strings.HasSuffix(kind, t) {
			return k
		}
	}
	return -1
}
