package supernet

import (
	"slices"

	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
)

// parseBlocks replaces items of the flow by blocks where a template recognises them (paper, section 4.1.3, step 2). chains names the chain templates to try.
// nil tries all.
func parseBlocks(f *Flow, templates []Template, chains []string) []Item {
	var out []Item
	r := &ranges{f, map[ir.ValueID]span{}}
	for i := 0; i < len(f.Items); {
		t, m, ok := firstMatch(f, i, templates, chains)
		if !ok {
			out = append(out, f.Items[i])
			i++
			continue
		}
		end := i + m.Items
		skippable := !slices.ContainsFunc(f.Items[i:end], func(part Item) bool { return !isSkip(f, part) && m.Grows == 0 })
		for end < len(f.Items) && isActivation(f, f.Items[end]) && f.Follows(end) {
			if skippable && r.changes(f.Node(f.Items[end].Nodes[0]), f.Items[i].In[0]) {
				break // without the block its input still has to go through the activation
			}
			end++
		}
		it := join(f.Items[i:end])
		it.Block = &Block{
			Type: t.Name, GoName: m.GoName, Doc: m.Doc, Roles: m.Roles,
			widens: m.Widens, inner: m.Inner, kernels: m.Kernels, scores: m.Scores, mix: m.Mix, grows: m.Grows,
			Skippable: skippable, parts: f.Items[i : i+m.Items],
		}
		out = append(out, it)
		i = end
	}
	return out
}

func firstMatch(f *Flow, i int, templates []Template, chains []string) (Template, Match, bool) {
	for _, t := range templates {
		if t.Chain && chains != nil && !contains(chains, t.Name) {
			continue
		}
		if m, ok := t.Match(f, i); ok {
			return t, m, true
		}
	}
	return Template{}, Match{}, false
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

// Follows tells whether item i reads nothing of the main flow but the results of the item before it.
func (f *Flow) Follows(i int) bool {
	it := f.Items[i]
	return i > 0 && len(f.Items[i-1].Out) > 0 && len(it.In) > 0 && it.In[0] == f.Items[i-1].Out[0] && len(f.users[it.In[0]]) == f.reads(it)
}

// reads counts how often the nodes of an item read a value of the main flow.
func (f *Flow) reads(it Item) int {
	n := 0
	for _, u := range f.users[it.In[0]] {
		if slices.Contains(it.Nodes, u) {
			n++
		}
	}
	return n
}

// join makes one item of consecutive items. Each must follow the one before it.
func join(items []Item) Item {
	it := Item{In: items[0].In, Out: items[len(items)-1].Out}
	for k, p := range items {
		it.Nodes = append(it.Nodes, p.Nodes...)
		if k == 0 {
			continue
		}
		it.Out = append(slices.Clip(it.Out), items[k-1].Out[1:]...)
		for _, id := range p.In[1:] {
			if !slices.Contains(it.In, id) {
				it.In = append(slices.Clip(it.In), id)
			}
		}
	}
	return it
}

// isActivation tells whether an item is a single element-wise function without parameters: it belongs to the block before.
func isActivation(f *Flow, it Item) bool {
	if len(it.Nodes) != 1 {
		return false
	}
	n := f.Node(it.Nodes[0])
	o, _ := operators.Lookup(n.Domain, n.Op)
	return o.Activation
}

// isSkip tells whether an item is x + f(x). If it is removed, its input replaces its output. BootstrapNAS (arXiv 2112.10878) finds elastic depth by the same
// test. The caller checks that the extents are equal.
func isSkip(f *Flow, it Item) bool {
	_, short, ok := f.Branches(it)
	return ok && len(short) == 0
}

// divide puts items into stages. A new stage starts where the output's width, rank or last extent changes. This is the authors' rule, to which their index
// lists refer.
func divide(f *Flow, items []Item, p *plain) []*Stage {
	var stages []*Stage
	places := map[*Stage]int{} // blocks so far
	last := p.key(f.Graph.Inputs)
	var at ir.ValueID  // the last value of the main flow
	var waiting []Item // items beside the main flow, before the first stage
	for _, it := range items {
		if it.Beside && len(stages) == 0 {
			waiting = append(waiting, it)
			continue
		}
		k := p.key(it.Out)
		jumps := at != 0 && !slices.Contains(it.In, at) // from an encoder to the start of its decoder
		grows := dense(stages, it)
		if !it.Beside && (len(stages) == 0 || k != last || jumps) && !grows {
			stages = append(stages, &Stage{Index: len(stages), Width: k.width, Items: waiting})
			last, waiting = k, nil
		}
		s := stages[len(stages)-1]
		if grows {
			s.Width, last = k.width, k
		}
		if it.Block != nil {
			it.Block.Place = places[s]
			places[s]++
		}
		s.Items = append(s.Items, it)
		if !it.Beside && len(it.Out) > 0 {
			at = it.Out[0]
		}
	}
	for _, s := range stages {
		for k, it := range s.Items {
			if it.Block != nil {
				it.Block.Stage, it.Block.Item = s.Index, k
			}
		}
	}
	return stages
}

// end lists the results of the stage's last item on the main flow.
func (s *Stage) end() []ir.ValueID {
	for _, it := range slices.Backward(s.Items) {
		if !it.Beside {
			return it.Out
		}
	}
	return nil
}

type stageKey struct{ width, rank, last int }

// key describes the first of the values.
func (p *plain) key(ids []ir.ValueID) stageKey {
	if len(ids) == 0 || p.sizes[ids[0]] == nil {
		return stageKey{}
	}
	s := p.sizes[ids[0]]
	k := stageKey{rank: len(s)}
	if len(s) > 0 {
		k.last = s[len(s)-1]
	}
	if len(s) > 1 {
		k.width = s[channelAxis(len(s), p.signals[ids[0]])]
	}
	if len(s) == 3 && !p.signals[ids[0]] {
		k.last = s[1]
	}
	return k
}

// Blocks returns the stage's blocks in order.
func (s *Stage) Blocks() []*Block {
	var out []*Block
	for _, it := range s.Items {
		if it.Block != nil {
			out = append(out, it.Block)
		}
	}
	return out
}

// dense tells whether an item is a layer of a dense network, which adds channels to those of the layer before it. Consecutive dense layers are one stage.
func dense(stages []*Stage, it Item) bool {
	if len(stages) == 0 || it.Block == nil || it.Block.grows == 0 {
		return false
	}
	items := stages[len(stages)-1].Items
	before := items[len(items)-1].Block
	return before != nil && before.grows > 0
}
