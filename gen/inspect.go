package gen

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/runtime/model"
	runtime "github.com/autotailor/autotailor/runtime/supernet"
)

// Report is what `autotailor inspect` tells; its JSON form is for scripts.
type Report struct {
	Model            string         `json:"model"`
	Modifications    int            `json:"modifications"`
	VariantsRaw      *big.Int       `json:"variants_raw"`
	VariantsDistinct *big.Int       `json:"variants_distinct"`
	UniqueOps        map[string]int `json:"unique_ops"`       // by kind, unfused
	UniqueOpsTotal   map[string]int `json:"unique_ops_total"` // by fusion rule set
	Coverage         Coverage       `json:"coverage"`
	Smallest         Coverage       `json:"smallest"`  // what the smallest SubNet keeps at full resolution
	Unowned          []Free         `json:"unowned"`   // axes that could change, and belong to no choice
	Uncounted        []Uncounted    `json:"uncounted"` // operators whose MACs are not known
	Frozen           []Frozen       `json:"frozen"`
	Warnings         []string       `json:"warnings"`           // settings without effect
	Folded           int            `json:"folded_batch_norms"` // convolutions that probably have a BatchNorm in their weights
	Choices          []Choice       `json:"choices"`
	Stages           []Stage        `json:"stages"`
	Proof            *model.Proof   `json:"proof"`
	TimingsMS        Milliseconds   `json:"timings_ms"`
}

// Coverage is a share of parameters and of multiply-accumulates. Which is the elastic one, supernet.Coverage says.
type Coverage struct {
	Params float64 `json:"params"`
	MACs   float64 `json:"macs"`
}

// Uncounted is an operator that no count of MACs has.
type Uncounted = runtime.Uncounted

// Frozen is an axis that stays fixed.
type Frozen struct {
	Tensor string `json:"tensor"`
	Axis   int    `json:"axis"`
	Size   int    `json:"size"`
	Node   string `json:"node"`
	Why    string `json:"why"`
}

// Free is an axis that could change, and that no choice of the config moves.
type Free struct {
	Tensor string `json:"tensor"`
	Axis   int    `json:"axis"`
	Size   int    `json:"size"`
	Node   string `json:"node"` // that has the tensor
}

// Choice is an elastic choice.
type Choice struct {
	Name       string    `json:"name"`
	Kind       string    `json:"kind"`
	Candidates []float64 `json:"candidates"` // the original's first
}

// Stage is a stage of the SuperNet.
type Stage struct {
	Index  int     `json:"index"`
	Width  int     `json:"width"`
	Blocks []Block `json:"blocks"`
}

// Block is a block of a stage.
type Block struct {
	Type      string   `json:"type"` // as the paper calls it; "" when no template knows it
	Name      string   `json:"name"` // as the config and Go call it
	Skippable bool     `json:"skippable"`
	Choices   []string `json:"choices"`
}

// Milliseconds are the durations of the compiler's parts.
type Milliseconds struct {
	Read      float64 `json:"read"`
	Compile   float64 `json:"compile"`
	Enumerate float64 `json:"enumerate"`
	Total     float64 `json:"total"`
}

// folded counts the convolutions that probably have a BatchNorm in their weights.
func folded(g *ir.Graph) int {
	return operators.FoldedBatchNorms(func(yield func(string, int) bool) {
		for _, n := range g.Nodes {
			if !yield(n.Op, len(n.In)) {
				return
			}
		}
	})
}

// Inspect reports on a compiled SuperNet.
func (c *Compiled) Inspect() (*Report, error) {
	coverage, err := c.Net.Coverage()
	if err != nil {
		return nil, err
	}
	smallest, err := c.Net.Smallest()
	if err != nil {
		return nil, err
	}
	r := &Report{
		Model: c.Source.File, Modifications: c.Net.Modifications, VariantsRaw: c.Net.Raw, VariantsDistinct: c.Net.Distinct(),
		Folded: folded(c.Net.Graph), UniqueOps: map[string]int{}, UniqueOpsTotal: map[string]int{}, Coverage: Coverage(coverage), Smallest: Coverage(smallest),
		Unowned: []Free{}, Uncounted: []Uncounted{}, Frozen: []Frozen{}, Warnings: append([]string{}, c.Net.Warnings...), Choices: []Choice{}, Stages: []Stage{},
		TimingsMS: Milliseconds{ms(c.Timings.Read), ms(c.Timings.Compile), ms(c.Timings.Enumerate), ms(c.Timings.Total)},
	}
	for k, rules := range c.Ops.Rules {
		seen := map[int]bool{}
		for _, s := range rules.Sites {
			for _, id := range s.Ops {
				if !seen[id] && k == 0 {
					r.UniqueOps[c.Ops.Ops[id].Kind]++
				}
				seen[id] = true
			}
		}
		r.UniqueOpsTotal[rules.Name] = len(seen)
	}
	for _, f := range c.Net.Unowned {
		r.Unowned = append(r.Unowned, Free{f.Value, f.Axis, f.Size, f.Node})
	}
	for _, u := range c.Net.Uncounted() {
		r.Uncounted = append(r.Uncounted, Uncounted(u))
	}
	for _, f := range c.Net.Frozen {
		r.Frozen = append(r.Frozen, Frozen{f.Value, f.Axis, f.Size, f.Node, f.Why})
	}
	for _, x := range c.Net.Choices {
		r.Choices = append(r.Choices, Choice{x.Name, string(x.Kind), x.Candidates})
	}
	for _, s := range c.Net.Stages {
		r.Stages = append(r.Stages, c.stage(s))
	}
	return r, nil
}

func (c *Compiled) stage(s *supernet.Stage) Stage {
	out := Stage{Index: s.Index, Width: s.Width, Blocks: []Block{}}
	for _, b := range s.Blocks() {
		v := Block{Type: b.Type, Name: b.GoName, Skippable: b.Skippable, Choices: []string{}}
		for _, g := range b.Choices {
			v.Choices = append(v.Choices, c.Net.Choices[g].Name)
		}
		out.Blocks = append(out.Blocks, v)
	}
	return out
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// Text writes the report for people.
func (r *Report) Text(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "model\t%s\n", r.Model)
	fmt.Fprintf(t, "SubNets\t%v as configured, %v distinct (%d modifications)\n", r.VariantsRaw, r.VariantsDistinct, r.Modifications)
	fmt.Fprintf(t, "elastic\t%.2f %% of parameters, %.2f %% of MACs\n", 100*r.Coverage.Params, 100*r.Coverage.MACs)
	fmt.Fprintf(t, "smallest\tkeeps %.2f %% of parameters, %.2f %% of MACs at full resolution\n", 100*r.Smallest.Params, 100*r.Smallest.MACs)
	if r.Folded > 0 {
		fmt.Fprintf(t, "BatchNorm\tprobably folded into %d convolutions, see the note of `autotailor init`\n", r.Folded)
	}
	if len(r.Uncounted) > 0 {
		fmt.Fprintf(t, "not counted\t%s\n", runtime.NotCounted(r.Uncounted))
	}
	if r.Proof != nil {
		fmt.Fprintf(t, "proof\t%s\n", r.Proof)
	}
	fmt.Fprintf(t, "time\tread %.0f ms, compile %.0f ms, enumerate %.0f ms\n", r.TimingsMS.Read, r.TimingsMS.Compile, r.TimingsMS.Enumerate)
	fmt.Fprintf(t, "\nstage\twidth\tblocks\tchoices\n")
	for _, s := range r.Stages {
		fmt.Fprintf(t, "%d\t%d\t%s\t%s\n", s.Index, s.Width, s.blocks(), r.stageChoices(s.Index))
	}
	fmt.Fprintf(t, "\nunique operators\t\n")
	kinds := make([]string, 0, len(r.UniqueOps))
	for k := range r.UniqueOps {
		kinds = append(kinds, k)
	}
	slices.SortFunc(kinds, func(a, b string) int { return cmp.Or(r.UniqueOps[b]-r.UniqueOps[a], strings.Compare(a, b)) })
	for _, k := range kinds {
		fmt.Fprintf(t, "  %s\t%d\n", k, r.UniqueOps[k])
	}
	for _, name := range sortedKeys(r.UniqueOpsTotal) {
		fmt.Fprintf(t, "  all, rules %q\t%d\n", name, r.UniqueOpsTotal[name])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	return r.frozen(w)
}

func sortedKeys(m map[string]int) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func (s Stage) blocks() string {
	var parts []string
	for _, b := range s.Blocks {
		parts = append(parts, cmp.Or(b.Name, b.Type, "Block"))
	}
	return cmp.Or(strings.Join(parts, " "), "-")
}

func (r *Report) stageChoices(index int) string {
	var parts []string
	for _, c := range r.Choices {
		if strings.HasPrefix(c.Name, fmt.Sprintf("stage%d.", index)) {
			text := c.Kind
			for _, v := range c.Candidates {
				text += " " + view.Text(v)
			}
			if !slices.Contains(parts, text) {
				parts = append(parts, text)
			}
		}
	}
	return cmp.Or(strings.Join(parts, "; "), "-")
}

// maxListed is how many axes the text lists of each sort.
const maxListed = 20

// frozen lists the axes that no choice moves: first those that one could.
func (r *Report) frozen(w io.Writer) error {
	var free, frozen []string
	for _, f := range r.Unowned {
		free = append(free, fmt.Sprintf("%s axis %d (%d): node %s", f.Tensor, f.Axis, f.Size, f.Node))
	}
	for _, f := range r.Frozen {
		why := f.Why
		if f.Node != "" {
			why = "node " + f.Node + ": " + why
		}
		frozen = append(frozen, fmt.Sprintf("%s axis %d (%d): %s", f.Tensor, f.Axis, f.Size, why))
	}
	return errors.Join(list(w, "free axes without a choice", free), list(w, "frozen axes", frozen))
}

// list writes the first lines of a list.
func list(w io.Writer, title string, lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	if _, err := fmt.Fprintf(w, "\n%s (%d)\n", title, len(lines)); err != nil {
		return err
	}
	for k, l := range lines {
		if k == maxListed {
			_, err := fmt.Fprintf(w, "  and %d more; --json lists all\n", len(lines)-k)
			return err
		}
		if _, err := fmt.Fprintf(w, "  %s\n", l); err != nil {
			return err
		}
	}
	return nil
}
