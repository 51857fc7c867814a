package cli

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/autotailor/autotailor/internal/release"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// info is the result of `info`.
type info struct {
	Package       string         `json:"package"`
	Title         string         `json:"title,omitempty"`
	Model         string         `json:"model"`
	SHA256        string         `json:"sha256"`
	Opset         int            `json:"opset"`
	Digest        string         `json:"digest"`
	Modifications int            `json:"modifications"`
	Raw           string         `json:"variants_raw"`
	Distinct      string         `json:"variants_distinct"`
	Operators     map[string]int `json:"operators"` // distinct, by rule set
	Coverage      coverage       `json:"coverage"`
	Uncounted     uncounted      `json:"uncounted"`
	Choices       []choice       `json:"choices"`
	Stages        []stage        `json:"stages"`
	SubNet        *subNet        `json:"subnet,omitempty"`
}

type coverage struct {
	Params float64 `json:"params"`
	MACs   float64 `json:"macs"`
}

type choice struct {
	Name   string   `json:"name"`
	Kind   string   `json:"kind"`
	Values []string `json:"values"`
}

type stage struct {
	Index  int      `json:"index"`
	Width  int      `json:"width"`
	Blocks []string `json:"blocks"`
}

// subNet describes one SubNet.
type subNet struct {
	Text      string `json:"text"`
	MACs      int64  `json:"macs"`
	Params    int64  `json:"params"`
	Operators int    `json:"operators"`
}

func runInfo(c *call) error {
	text := c.flags.String("subnet", "", "describe this SubNet too, as `choices`")
	if err := c.parse(); err != nil {
		return err
	}
	n := c.net
	i := info{
		Package: n.Package, Title: n.Title, Model: n.Source.File, SHA256: n.Source.SHA256, Opset: n.Source.Opset, Digest: n.Digest,
		Modifications: n.Modifications, Raw: n.Raw, Distinct: space.Count(n.Choices).String(), Operators: map[string]int{},
		Coverage: coverage{n.Coverage.Params, n.Coverage.MACs}, Uncounted: uncountedOf(n), Choices: []choice{}, Stages: []stage{},
	}
	for _, r := range n.Rules {
		i.Operators[r.Name] = distinct(r.Sites)
	}
	for _, x := range n.Choices {
		i.Choices = append(i.Choices, choice{x.Name, x.Kind, x.Values})
	}
	for _, s := range n.Stages {
		i.Stages = append(i.Stages, stage{s.Index, s.Width, append([]string{}, s.Blocks...)})
	}
	if *text != "" {
		g, err := c.genes(*text)
		if err != nil {
			return err
		}
		if i.SubNet, err = c.describe(g); err != nil {
			return err
		}
	}
	if *c.json {
		return c.print(i)
	}
	return c.printInfo(&i)
}

// uncounted are the operators that counts of MACs leave out.
type uncounted []supernet.Uncounted

func uncountedOf(n *supernet.Net) uncounted { return append(uncounted{}, n.Uncounted...) }

// note is a line for people below a total, "" if the total leaves nothing out.
func (u uncounted) note() string {
	if len(u) == 0 {
		return ""
	}
	return "not counted: " + supernet.NotCounted(u) + "\n"
}

func distinct(sites []supernet.Site) int {
	seen := map[supernet.ID]bool{}
	for _, s := range sites {
		for _, id := range s.Ops {
			seen[id] = true
		}
	}
	return len(seen)
}

func (c *call) describe(g space.Genes) (*subNet, error) {
	macs, err := c.net.MACs()
	if err != nil {
		return nil, err
	}
	params, err := c.net.Params()
	if err != nil {
		return nil, err
	}
	graph, err := c.net.Record(g)
	if err != nil {
		return nil, err
	}
	return &subNet{space.Format(c.net.Choices, g), macs.At(g), params.At(g), len(graph.Nodes)}, nil
}

func (c *call) printInfo(i *info) error {
	w := tabwriter.NewWriter(c.out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "package\t%s\n", i.Package)
	if i.Title != "" {
		fmt.Fprintf(w, "title\t%s\n", i.Title)
	}
	fmt.Fprintf(w, "model\t%s, opset %d, sha256 %.12s\n", i.Model, i.Opset, i.SHA256)
	fmt.Fprintf(w, "SubNets\t%s as configured, %s distinct (%d modifications)\n", i.Raw, i.Distinct, i.Modifications)
	for _, r := range c.net.Rules {
		fmt.Fprintf(w, "operators\t%d distinct under rules %q\n", i.Operators[r.Name], r.Name)
	}
	fmt.Fprintf(w, "elastic\t%.1f %% of parameters, %.1f %% of MACs\n", 100*i.Coverage.Params, 100*i.Coverage.MACs)
	if len(i.Uncounted) > 0 {
		fmt.Fprintf(w, "not counted\t%s\n", supernet.NotCounted(i.Uncounted))
	}
	fmt.Fprintf(w, "\nstage\twidth\tblocks\tchoices\n")
	for _, s := range i.Stages {
		fmt.Fprintf(w, "%d\t%d\t%s\t%s\n", s.Index, s.Width, blocks(s.Blocks), stageChoices(i.Choices, s.Index))
	}
	fmt.Fprintf(w, "all\t\t\t%s\n", strings.Join(netChoices(i.Choices), "; "))
	if s := i.SubNet; s != nil {
		fmt.Fprintf(w, "\nSubNet\t%s\nMACs\t%d\nparameters\t%d\noperators\t%d\n", s.Text, s.MACs, s.Params, s.Operators)
	}
	return w.Flush()
}

// blocks counts neighbours of one type: "3 InvertedResidual".
func blocks(names []string) string {
	var parts []string
	for k := 0; k < len(names); {
		n := 1
		for k+n < len(names) && names[k+n] == names[k] {
			n++
		}
		parts = append(parts, fmt.Sprintf("%d %s", n, names[k]))
		k += n
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}

func stageChoices(cs []choice, index int) string {
	var parts []string
	for _, x := range cs {
		if text := x.Kind + " " + strings.Join(x.Values, " "); strings.HasPrefix(x.Name, fmt.Sprintf("stage%d.", index)) && !slices.Contains(parts, text) {
			parts = append(parts, text)
		}
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, "; ")
}

func netChoices(cs []choice) []string {
	var parts []string
	for _, x := range cs {
		if !strings.Contains(x.Name, ".") {
			parts = append(parts, x.Kind+" "+strings.Join(x.Values, " "))
		}
	}
	return parts
}

func runVersion(c *call) error {
	if err := c.parse(); err != nil {
		return err
	}
	if *c.json {
		return c.print(map[string]string{"package": c.net.Package, "digest": c.net.Digest, "runtime": release.Version, "go": runtime.Version()})
	}
	_, err := fmt.Fprintf(c.out, "%s, digest %.12s, autotailor runtime %s, %s\n", c.net.Package, c.net.Digest, release.Version, runtime.Version())
	return err
}
