// Package view describes the content of the emitted files: a SuperNet with names resolved, blocks of one form grouped into classes, and every moving extent laid
// out as a table. It is plain data in the order of emission. Rendering makes no decisions.
package view

import (
	"errors"

	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/dim"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/runtime/nn"
	runtime "github.com/autotailor/autotailor/runtime/supernet"
)

// Package is a generated package.
type Package struct {
	Name      string // Go package name
	Title     string
	Config    string // base name of the config file
	Source    runtime.Source
	Inputs    []Input
	Outputs   []Output
	Choices   Choices
	Types     []*ChoiceType
	Blocks    []*BlockType
	Stages    []*Stage
	Classes   []*Class
	Sections  []*Section
	Table     Table
	Groups    []runtime.Group
	Data      Data
	Task      Task
	Coverage  runtime.Coverage
	Uncounted []runtime.Uncounted
	Raw       string // SubNets as configured
	Distinct  string // SubNets that differ
	Mods      int
	Digest    string // of choices, operators and sites
	// ModelPath is the path of the model file relative to the package's folder, with slashes; "" if there is no such path.
	ModelPath string
	Missing   []string // operators that the embedded engine lacks; with any, nothing can be proved

	net   *supernet.Net
	scope scope // package-level names that are not exported
}

// Task has the model's task and metric, "" for the defaults.
type Task struct {
	Name, Metric string
}

// Data says how data becomes the model's input.
type Data struct {
	Pad       int
	Resize    int // shorter side of pictures before their centre is taken; 0 means the side of the input
	Mean, Std []float64
	// Of rows (arrays, CSV, JSON lines, text): the field of targets, the token that fills short rows, the tokens of a sample, whether a CSV file has a header.
	Label        string
	Fill, Window int
	Header       string
}

// Input is a graph input.
type Input struct {
	Name  string
	Type  nn.DType
	Shape []dim.Dim
	Value ir.ValueID
	Live  supernet.Need // when the SubNet has it
}

// Output is a graph output.
type Output struct {
	Name  string
	Value ir.ValueID
	Live  supernet.Need // when the SubNet has it
}

// Stage is one stage of the net.
type Stage struct {
	Index   int
	Name    string // "stage3"
	Type    string // name of its struct, "" without choices
	Fields  []Field
	Elastic []*Block   // its blocks with choices, in order
	Array   *BlockType // type of all of Elastic when they agree
	Items   []*Item
	Width   int
}

// Field is a choice in a struct.
type Field struct {
	Name string
	Type *ChoiceType
	Gene int // in a Stage
}

// Item is a step of a stage: a block, or operators.
type Item struct {
	Body
	Nodes []int
	Block *Block
}

// Block is one block of the net.
type Block struct {
	GoName   string
	Template string
	Doc      string
	Stage    int
	Index    int // among its stage's Elastic, -1 when it has no choices
	Genes    []int
	Leader   *Block     // block of the same stage whose weights this block uses, and whose choices move it; nil if it has choices of its own
	Type     *BlockType // nil when no block of its name has choices
	Live     supernet.Need
	Class    *Class
	Instance *Instance
	lists    int // number of the config's lists that are for it
}

// New makes the view of a compiled net. Its operator table is filled in by AddTable.
func New(net *supernet.Net, name string) (*Package, error) {
	p := &Package{Name: name, net: net, scope: newScope()}
	t := newTranslator(net)
	if err := p.choices(net); err != nil {
		return nil, err
	}
	net.Build(&writer{p: p, t: t}, nil)
	if err := errors.Join(t.errs...); err != nil {
		return nil, err
	}
	p.groups(t)
	p.blockTypes()
	p.leaders()
	p.paths()
	p.classes()
	f := net.Feature()
	needs := net.Needs()
	for k, id := range net.Graph.Inputs {
		v := net.Graph.Values[id]
		p.Inputs = append(p.Inputs, Input{v.Name, v.Type, f.In[k], id, needs[id]})
	}
	for _, id := range net.Graph.Outputs {
		p.Outputs = append(p.Outputs, Output{net.Graph.Values[id].Name, id, needs[id]})
	}
	p.sections()
	return p, nil
}

// flow finds the values that cross the borders of sections.
func (p *Package) flow() {
	producer := map[ir.ValueID]int{}
	for _, in := range p.Inputs {
		producer[in.Value] = -1
	}
	for k, s := range p.Sections {
		for _, id := range s.values(func(it *Item) []ir.ValueID { return it.Out }) {
			producer[id] = k
		}
	}
	use := func(k int, id ir.ValueID) {
		from, ok := producer[id]
		if !ok || from == k {
			return
		}
		if k < len(p.Sections) {
			p.Sections[k].In = appendNew(p.Sections[k].In, id)
		}
		if from >= 0 {
			p.Sections[from].Out = appendNew(p.Sections[from].Out, id)
		}
	}
	for k, s := range p.Sections {
		for _, id := range s.values(func(it *Item) []ir.ValueID { return it.In }) {
			use(k, id)
		}
	}
	for _, out := range p.Outputs {
		use(len(p.Sections), out.Value)
	}
}

func (s *Section) values(of func(*Item) []ir.ValueID) []ir.ValueID {
	var out []ir.ValueID
	for _, st := range s.Stages {
		for _, it := range st.Items {
			out = append(out, of(it)...)
		}
	}
	return out
}

func appendNew[T comparable](list []T, v T) []T {
	for _, e := range list {
		if e == v {
			return list
		}
	}
	return append(list, v)
}
