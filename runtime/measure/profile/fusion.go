package profile

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/internal/fusion"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/supernet"
)

// Sequence is a sequence of operators that a runtime was seen to run as one kernel while a table was measured, or in several kernels
// where the table's fusion rules say one.
type Sequence struct {
	Operators []string `json:"operators"`
	Count     int      `json:"count"` // places in all networks that were traced
	Joined    bool     `json:"joined"`
	Rules     bool     `json:"rules"` // the rules say that it is one kernel
}

// Differs tells whether the runtime does something else than the rules say.
func (s Sequence) Differs() bool { return s.Joined != s.Rules }

// apart stands between the operators of a sequence that ran in several kernels.
const apart = "/"

// text is a sequence as it stands in a table's header.
func sequenceText(operators []string, joined bool) string {
	if joined {
		return strings.Join(operators, " ")
	}
	return strings.Join(operators, " "+apart+" ")
}

// kernelText lists sequences with how often each was seen, most frequent ones first.
func kernelText(seen map[string]int) string {
	var list []string
	for text := range seen {
		list = append(list, text)
	}
	slices.SortFunc(list, func(a, b string) int { return cmp.Or(seen[b]-seen[a], strings.Compare(a, b)) })
	for i, text := range list {
		list[i] = fmt.Sprintf("%d %s", seen[text], text)
	}
	return strings.Join(list, "; ")
}

// Fusion returns what a table's header has about kernels; nothing when it was measured by a method that does not see them.
func Fusion(t *lut.Table, net *supernet.Net) ([]Sequence, error) {
	p, err := placesOf(net, t.Header.Rules)
	if err != nil {
		return nil, err
	}
	var out []Sequence
	for _, text := range strings.Split(t.Header.Kernels, "; ") {
		fields := strings.Fields(text)
		if len(fields) < 3 {
			continue
		}
		n, err := strconv.Atoi(fields[0])
		if err != nil {
			return nil, fmt.Errorf("latency table: kernels: %q does not begin with a count", text)
		}
		s := Sequence{Count: n, Joined: !slices.Contains(fields, apart)}
		s.Operators = slices.DeleteFunc(fields[1:], func(f string) bool { return f == apart })
		s.Rules = !s.Joined || oneKernel(p.rules, s.Operators)
		out = append(out, s)
	}
	return out, nil
}

// shapeOnly are operators that compute nothing; what becomes of them is no matter of fusion.
var shapeOnly = []string{"Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity", "Dropout"}

// oneKernel tells whether rules make one group of a sequence.
func oneKernel(rules fusion.Rules, operators []string) bool {
	operators = slices.DeleteFunc(slices.Clone(operators), func(t string) bool { return slices.Contains(shapeOnly, t) })
	var g fusion.Graph
	const other = 1000 // an operand from elsewhere
	for i, t := range operators {
		n := fusion.Node{Type: t, In: []int{i, -1}, Out: []int{i + 1}}
		if t == "Add" && (i == 0 || operators[i-1] != "MatMul") || t == "MatMul" && i > 0 {
			n.In[1] = other
		}
		if t == "MatMul" && i+1 < len(operators) && (operators[i+1] == "Mul" || operators[i+1] == "Div") {
			n.In[1] = other
		}
		g.Nodes = append(g.Nodes, n)
	}
	g.Outputs = []int{len(operators)}
	return len(operators) < 2 || len(rules.Groups(g)) == 1
}

// RulesHead begins every file of RulesFile.
const RulesHead = "# Kernels of "

// RulesFile is a fusion rule file with a table's rules and those sequences that its runtime was seen to join beyond them; "" when there is none.
func RulesFile(t *lut.Table, net *supernet.Net) (string, error) {
	list, err := Fusion(t, net)
	if err != nil {
		return "", err
	}
	p, err := placesOf(net, t.Header.Rules)
	if err != nil {
		return "", err
	}
	var more []string
	for _, s := range list {
		if s.Joined && !s.Rules {
			line := slices.DeleteFunc(slices.Clone(s.Operators), func(o string) bool { return slices.Contains(shapeOnly, o) || o == "BatchNormalization" })
			if text := strings.Join(line, " "); len(line) > 1 && !slices.Contains(more, text) {
				more = append(more, text)
			}
		}
	}
	if len(more) == 0 {
		return "", nil
	}
	head := fmt.Sprintf(RulesHead+"%s %s on %s, as `profile` saw them for %s.\n", t.Header.Engine, t.Header.Version, t.Header.Device, net.Package)
	return head + strings.Join(append(slices.Clone(p.rules.Lines), more...), "\n") + "\n", nil
}
