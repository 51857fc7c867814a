package model

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/runtime/infer"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// A proof compares the SubNets of a package with the model that the package was generated from.
//
// A SubNet is recorded from the package's Build, and run. Its reference is the original, run from its file one operator at a time, at the SubNet's resolution and
// with the weights that the SubNet lacks set to zero. The reference uses no code of the compiler. Blocks that the SubNet lacks are bypassed only if their weights
// cannot be zero, or if zeros give NaN.
//
// If a cut axis is normalised or reduced, there is no such reference: the mean of fewer channels differs from the mean of channels of which some are zero. SubNets
// without a reference are counted.
//
// A proof also infers the shape of every value again, and compares parameters, multiply-accumulates and peak memory with the tables.

// ProofOptions say how a package is proved.
type ProofOptions struct {
	Runner Runner // runs networks on an engine
	// Reference runs the operators of the original. If it is nil, Runner does.
	Reference Runner
	Missing   func(g *nn.Graph) []string // lists the operators that the engine lacks; nil if it has all
	// Full proves more SubNets, however large the model is.
	Full bool
	More string // the flag for a full proof, such as "--full"
	// Check, unless it is nil, checks the recorded network of every SubNet.
	Check func(g space.Genes, net *nn.Graph) error
	// Bypass, unless it is nil, returns for the blocks that a SubNet lacks which value of the file replaces which: a block's input replaces its result, which is the
	// key. ok is false if the file has no such names. Unless all is set, it leaves out blocks whose weights can be zero.
	Bypass func(g space.Genes, all bool) (places map[string]string, ok bool)
	// After, unless it is nil, is called with the outcome for every SubNet, and with the number of SubNets.
	After func(g space.Genes, total int, compared bool, err error)
	// Stop, unless it is nil, tells whether to prove no further SubNet.
	Stop func() bool
}

// Proof is the result of a proof.
type Proof struct {
	Status   Status   `json:"status"`
	SubNets  int      `json:"subnets"`  // that were run
	Compared int      `json:"compared"` // that had a reference
	Missing  []string `json:"missing"`  // operators that the engine lacks
	Reasons  []string `json:"reasons"`  // why SubNets were not run, or not compared
	// Wrong lists the mistakes. The SubNet with the fewest changes comes first.
	Wrong []*Mistake `json:"wrong"`
}

// Unproved is the result if nothing was run. missing are the operators that the engine lacks.
func Unproved(missing []string) *Proof {
	r := &Proof{Status: NotRun, Missing: append([]string{}, missing...), Reasons: []string{}, Wrong: []*Mistake{}}
	if len(missing) > 0 {
		r.Status = NotProven
	}
	return r
}

// String is the proof in a line: "proven: 9 SubNets, 3 without a reference".
func (r *Proof) String() string {
	switch {
	case r.Status == Wrong:
		return fmt.Sprintf("wrong: %v", r.Wrong[0])
	case r.Status == NotRun:
		return string(NotRun)
	case r.Status == NotProven && r.SubNets == 0:
		return fmt.Sprintf("not proven: %s", r.Why())
	}
	text := fmt.Sprintf("%s: %d SubNets ran", r.Status, r.SubNets)
	if n := r.SubNets - r.Compared; n > 0 {
		text += fmt.Sprintf(", %d of them without a reference: %s", n, r.Why())
	}
	return text
}

// Why says in a line why the package is not proven: the operators that are missing, or other reasons.
func (r *Proof) Why() string {
	if len(r.Missing) > 0 {
		return strings.Join(r.Missing, ", ")
	}
	return strings.Join(r.Reasons, "; ")
}

// Status is the outcome of a proof.
type Status string

// The outcomes. A package with one mistake is wrong, even if other SubNets could not be proved.
const (
	Proven    Status = "proven"
	NotProven Status = "not proven" // no mistake is known, and something could not be run
	Wrong     Status = "wrong"
	NotRun    Status = "not run"
)

// Mistake is a SubNet that differs from its reference, or from the package's tables.
type Mistake struct {
	SubNet string      `json:"subnet"` // in text form
	What   string      `json:"what"`   // without figures that differ from machine to machine
	Genes  space.Genes `json:"-"`
	// Distance is the relative distance from the reference, 0 if the mistake is not about results.
	Distance float64 `json:"distance"`
}

// Error names the SubNet.
func (m *Mistake) Error() string { return fmt.Sprintf("SubNet %s: %s", m.SubNet, m.What) }

// Prover proves SubNets of one package with one set of weights.
type Prover struct {
	net     *supernet.Net
	weights *onnxfile.Model
	options ProofOptions
	model   *Original
	why     error // reason why the model cannot be run as it is
	unable  error // that the engine cannot run the original
	tables  *supernet.Tables
	bases   map[string]*nn.Graph // the original at each resolution
	stored  map[string]bool      // tensors of the file that the original's network uses
	flags   int                  // index of the form of masks with which the last SubNet's results were numbers
}

// NewProver prepares proofs of net with the weights of the model that it was generated from.
func NewProver(net *supernet.Net, weights *onnxfile.Model, o ProofOptions) (*Prover, error) {
	if o.Reference == nil {
		o.Reference = o.Runner
	}
	p := &Prover{net: net, weights: weights, options: o, bases: map[string]*nn.Graph{}, stored: map[string]bool{}}
	var err error
	if p.tables, err = net.Tables(); err != nil {
		return nil, err
	}
	p.model, p.why = NewOriginal(weights)
	for _, v := range p.tables.Original.Values {
		if v.Param != nil {
			p.stored[v.Param.Source()] = true
		}
	}
	return p, nil
}

// Run proves the package: the original, the smallest SubNet, one of each resolution, and random ones.
func (p *Prover) Run() *Proof {
	r := &Proof{Missing: []string{}, Reasons: []string{}, Wrong: []*Mistake{}}
	if why := p.tooMuch(); why != "" {
		r.Reasons = append(r.Reasons, why)
	} else if p.missing(r); len(r.Missing) == 0 {
		list := p.samples() // the first is the original
		for _, g := range list {
			if p.one(r, g, len(list)); p.unable != nil || p.options.Stop != nil && p.options.Stop() {
				break
			}
		}
	}
	if m := p.shared(); m != nil {
		r.Wrong = append(r.Wrong, m)
	}
	slices.SortStableFunc(r.Wrong, func(a, b *Mistake) int { return changes(a.Genes) - changes(b.Genes) })
	switch {
	case len(r.Wrong) > 0:
		r.Status = Wrong
	case len(r.Missing) > 0 || r.SubNets == 0 || r.Compared == 0:
		r.Status = NotProven
	default:
		r.Status = Proven
	}
	return r
}

// changes counts the choices that differ from the original.
func changes(g space.Genes) int {
	n := 0
	for _, v := range g {
		if v > 0 {
			n++
		}
	}
	return n
}

// one proves a SubNet and notes the outcome.
func (p *Prover) one(r *Proof, g space.Genes, total int) {
	compared, err := p.SubNet(g)
	var wrong *Mistake
	var not *unknown
	switch {
	case errors.As(err, &wrong):
		r.Wrong = append(r.Wrong, wrong)
	case errors.As(err, &not):
		if !slices.Contains(r.Reasons, not.Error()) {
			r.Reasons = append(r.Reasons, not.Error())
		}
	}
	if not == nil || not.ran {
		r.SubNets++
	}
	if compared {
		r.Compared++
	}
	if p.options.After != nil {
		p.options.After(g, total, compared, err)
	}
}

// unknown is the reason why a SubNet was not run, or not compared.
type unknown struct {
	why string
	ran bool
}

func (u *unknown) Error() string { return u.why }

func (p *Prover) mistake(g space.Genes, format string, args ...any) *Mistake {
	return &Mistake{SubNet: space.Format(p.net.Choices, g), What: fmt.Sprintf(format, args...), Genes: slices.Clone(g)}
}

// SubNet proves one SubNet. compared tells whether there was a reference. The error is a *Mistake if the SubNet is wrong.
func (p *Prover) SubNet(g space.Genes) (compared bool, err error) {
	graph, err := p.net.Record(g)
	if err != nil {
		return false, p.mistake(g, "it cannot be built: %v", err)
	}
	if p.options.Check != nil {
		if err := p.options.Check(g, graph); err != nil {
			return false, p.mistake(g, "%v", err)
		}
	}
	bound := graph.Bind(1)
	if err := infer.Graph(bound, p.weights); err != nil {
		return false, p.mistake(g, "%v", err)
	}
	if err := p.tables.SubNet(g, graph); err != nil {
		return false, p.mistake(g, "%v", err)
	}
	return p.results(g, bound)
}

// shared finds a tensor of the file that the network has as several parameters. They would be counted, cut and trained separately. Tensors whose elements
// are all equal are excepted: exporters share them by accident.
func (p *Prover) shared() *Mistake {
	original := make(space.Genes, len(p.net.Choices))
	of := map[string]string{}
	for _, v := range p.tables.Original.Values {
		if v.Param == nil || v.Type > nn.Float32 && v.Type < nn.Bool {
			continue // integers are shapes, indices and positions
		}
		source := v.Param.Source()
		if first, twice := of[source]; twice && first != v.Param.Name && !p.equal(source) { // a tensor that is also used transposed is one parameter
			return p.mistake(original, "tensor %q of the file is several parameters, such as %q and %q", source, first, v.Param.Name)
		}
		of[source] = v.Param.Name
	}
	return nil
}

// equal tells whether the elements of a tensor are all equal.
func (p *Prover) equal(name string) bool {
	t, err := p.weights.Tensor(name)
	if err != nil {
		return false
	}
	size := t.Type.Bytes()
	return size > 0 && len(t.Raw) >= size && bytes.Equal(t.Raw[size:], t.Raw[:len(t.Raw)-size])
}
