package sensitivity

import (
	"cmp"
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// Run counts for the original and every single modification, into the file at path. What the file has already is not counted
// again, so that an interrupted run goes on where it was. Of a probe only what comes after the original's unchanged part is run, see trunk.
func (e *Evaluator) Run(ctx context.Context, path string) (*accuracy.Table, error) {
	original, err := e.record(make(space.Genes, len(e.Net.Choices)))
	if err != nil {
		return nil, err
	}
	if _, err := e.judge(original); err != nil { // before a file is begun
		return nil, err
	}
	j, t, err := accuracy.OpenJournal(path, e.Net, e.Header())
	if err != nil {
		return nil, err
	}
	start := time.Now()
	trunk, missing, err := e.plan(t.Missing(e.Net))
	if err != nil {
		return t, errors.Join(err, j.Close())
	}
	for k, g := range missing {
		count, err := trunk.count(ctx, g)
		if err == nil {
			err = j.Add(g, count)
		}
		if err != nil {
			return t, errors.Join(err, j.Close())
		}
		if e.Options.Progress != nil {
			e.Options.Progress(k+1, len(missing), time.Since(start))
		}
	}
	if err := j.Close(); err != nil {
		return t, err
	}
	return t, t.WriteFile(path, e.Net)
}

// trunk runs the original once for all probes. A probe begins like the original; it is cut at the last value from which all the rest is computed and
// before which nothing differs, and what the original computes for that value, for every sample, is kept. Probes are counted in the order of
// their cuts, so that only one value is kept at a time and the original goes on from there.
type trunk struct {
	e     *Evaluator
	graph *nn.Graph      // the original
	hands []nn.Value     // see handed
	cuts  map[string]int // by genes
	stops []int          // cuts of all probes, ascending. It stops at each whatever is missing: a run that was interrupted computes the same bits

	at                   int      // nodes that have run
	value                nn.Value // that is kept; the input at first
	samples, calibration nn.Inputs
	before               map[string]nn.Tensor // statistics of the nodes that have run
}

// plan returns the trunk of all probes, and the missing ones in the order in which it counts them.
func (e *Evaluator) plan(missing []space.Genes) (*trunk, []space.Genes, error) {
	if len(missing) == 0 {
		return nil, nil, nil
	}
	graph, err := e.record(make(space.Genes, len(e.Net.Choices)))
	if err != nil {
		return nil, nil, err
	}
	t := &trunk{e: e, graph: graph, hands: handed(graph), cuts: map[string]int{}, before: map[string]nn.Tensor{}}
	if len(graph.Inputs) != 1 || len(graph.Outputs) != 1 { // nothing can be kept: probes run whole
		return t, missing, nil
	}
	t.value, t.samples = graph.Inputs[0], e.batches(e.Samples, graph)
	t.calibration = e.calibration(graph)
	for _, g := range append(space.Probes(e.Net.Choices), make(space.Genes, len(e.Net.Choices))) {
		probe, err := e.record(g)
		if err != nil {
			return nil, nil, err
		}
		at := t.cut(probe)
		t.cuts[string(g)] = at
		t.stops = append(t.stops, at)
	}
	slices.Sort(t.stops)
	t.stops = slices.Compact(t.stops)
	slices.SortStableFunc(missing, func(g, h space.Genes) int { return cmp.Compare(t.cuts[string(g)], t.cuts[string(h)]) })
	return t, missing, nil
}

// count is Evaluator.Count. The cut of g is not before that of the one before.
func (t *trunk) count(ctx context.Context, g space.Genes) (int, error) {
	at := t.cuts[string(g)]
	if at == 0 {
		return t.e.Count(ctx, g)
	}
	graph, err := t.e.record(g)
	if err != nil {
		return 0, err
	}
	for _, stop := range t.stops {
		if stop > t.at && stop <= at {
			if err := t.advance(ctx, stop); err != nil {
				return 0, err
			}
		}
	}
	rest := graph.Part(at, len(graph.Nodes), t.value, graph.Outputs[0])
	w, err := t.e.recalibrate(ctx, rest, t.e.Weights, t.calibration, nil)
	if err == nil {
		err = t.e.tell(g, rest, w, t.before)
	}
	if err != nil {
		return 0, err
	}
	j, err := t.e.judge(graph)
	if err != nil {
		return 0, err
	}
	return t.e.count(ctx, rest, w, j, t.samples, t.e.batch(graph))
}

// advance runs the original from the value that is kept to the one after the given number of nodes, which is kept then.
func (t *trunk) advance(ctx context.Context, to int) error {
	part := t.graph.Part(t.at, to, t.value, t.hands[to])
	var samples, calibration []nn.Tensor
	w, err := t.e.recalibrate(ctx, part, t.e.Weights, t.calibration, func(out []nn.Tensor) { calibration = append(calibration, clone(out[0])) })
	if err == nil && t.e.recalibrates() {
		err = statistics(t.before, part, w)
	}
	if err != nil {
		return err
	}
	keep := func(out []nn.Tensor) error {
		samples = append(samples, clone(out[0]))
		return nil
	}
	if err := t.e.run(ctx, part, w, t.samples, keep); err != nil {
		return err
	}
	t.at, t.value = to, t.hands[to]
	t.samples, t.calibration = nn.Batches(slices.Values(samples)).Inputs(), nn.Batches(slices.Values(calibration)).Inputs()
	return nil
}

func clone(t nn.Tensor) nn.Tensor {
	return nn.FromFloat32s(slices.Clone(t.Shape), slices.Clone(t.Float32s()))
}

// cut returns the number of nodes before the cut of a probe, 0 where it has none: another resolution changes all.
func (t *trunk) cut(probe *nn.Graph) int {
	if !same(t.graph, probe, t.graph.Inputs, probe.Inputs) {
		return 0
	}
	n := 0
	for most := min(len(t.graph.Nodes), len(probe.Nodes)) - 1; n < most; n++ { // the last node is always run
		a, b := t.graph.Nodes[n], probe.Nodes[n]
		if !reflect.DeepEqual(a, b) || !same(t.graph, probe, a.In, b.In) || !same(t.graph, probe, a.Out, b.Out) {
			break
		}
	}
	hands := handed(probe)
	for ; n > 0; n-- {
		if v := t.hands[n]; v != nn.None && v == hands[n] && t.keeps(v) {
			return n
		}
	}
	return 0
}

// same tells whether values mean the same in two networks.
func same(g, h *nn.Graph, a, b []nn.Value) bool {
	return slices.EqualFunc(a, b, func(v, w nn.Value) bool { return reflect.DeepEqual(g.Values[v], h.Values[w]) })
}

// keeps tells whether a value can be kept: it has a row for each sample, and there is memory for those of all samples.
func (t *trunk) keeps(v nn.Value) bool {
	i, batch := t.graph.Values[v], t.graph.Values[t.graph.Inputs[0]].Shape[0]
	if i.Type != nn.Float32 || len(i.Shape) == 0 || i.Shape[0] != batch || i.Shape[1:].Open() {
		return false
	}
	samples := t.e.Samples.Len()
	if t.e.recalibrates() {
		samples += t.e.Options.Calibration.Len()
	}
	return 4*i.Shape[1:].Elements()*int64(samples) <= int64(cmp.Or(t.e.Options.Keep, 1<<30))
}

// handed lists, for each number of nodes, the one value that they and the input hand on to the rest of the network; None where there are several.
func handed(g *nn.Graph) []nn.Value {
	last := make([]int, len(g.Values)) // of each value: the nodes up to its last reader
	for i, n := range g.Nodes {
		for _, v := range n.In {
			last[v] = i + 1
		}
	}
	for _, v := range g.Outputs {
		last[v] = len(g.Nodes) + 1
	}
	ends := make([]int, len(g.Nodes)+2) // by number of nodes: values that nothing after them reads
	sums := make([]nn.Value, len(g.Nodes)+2)
	count, sum := 0, nn.Value(0) // of the values that are handed on
	begin := func(v nn.Value, at int) {
		if v != nn.None && last[v] > at {
			count, sum = count+1, sum+v
			ends[last[v]]++
			sums[last[v]] += v
		}
	}
	for _, v := range g.Inputs {
		begin(v, 0)
	}
	hands := make([]nn.Value, len(g.Nodes)+1)
	for n := 1; n <= len(g.Nodes); n++ {
		for _, v := range g.Nodes[n-1].Out {
			begin(v, n)
		}
		count, sum = count-ends[n], sum-sums[n]
		if count == 1 {
			hands[n] = sum // of one
		}
	}
	return hands
}
