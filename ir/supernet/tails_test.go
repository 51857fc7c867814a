package supernet_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/autotailor/autotailor/ir/supernet"
)

// residuals is a stage of three residual blocks. before and after are activations, "" for none; tail is what ends each branch.
func residuals(before, tail, after string) string {
	text := "input x Nx3x8x8\nc = Conv x [8,3,1,1]\n"
	last, act := "c", func(name, op, in string) string {
		if op == "" {
			return in
		}
		words := strings.SplitN(op, " ", 2)
		text += fmt.Sprintf("%s = %s %s %s\n", name, words[0], in, strings.Join(words[1:], " "))
		return name
	}
	last = act("c1", before, last)
	for k := range 3 {
		text += fmt.Sprintf("a%d = Conv %s [16,8,1,1]\nr%d = Relu a%d\nb%d = Conv r%d [8,16,1,1]\n", k, last, k, k, k, k)
		branch := act(fmt.Sprint("t", k), tail, fmt.Sprint("b", k))
		text += fmt.Sprintf("v%d = Add %s %s\n", k, branch, last)
		last = act(fmt.Sprint("w", k), after, fmt.Sprint("v", k))
	}
	return text + fmt.Sprintf("y = Conv %s [4,8,1,1]\noutput y", last)
}

// TestTails: a block goes only where that is the original with zeroed weights. An activation after it goes with it if it changes nothing on the block's
// input, and stays otherwise; a branch that is not zero without weights keeps its block.
func TestTails(t *testing.T) {
	for _, c := range []struct {
		before, tail, after string
		removable, stays    bool // whether blocks can go, and whether the activation after the first is no part of it
	}{
		{"", "", "", true, false},
		{"Relu", "", "Relu", true, false},
		{"", "", "Relu", true, true},
		{"Sigmoid", "", "Relu", true, false},
		{"LeakyRelu", "", "LeakyRelu", true, true},
		{"LeakyRelu", "", "Relu", true, true},
		{"Relu", "", "Clip min=0.0 max=6.0", true, true},
		{"Clip min=0.0 max=6.0", "", "Clip min=0.0 max=6.0", true, false},
		{"Relu", "", "HardSwish", true, true},
		{"Relu", "Tanh", "Relu", true, false},
		{"Relu", "Mul [8,1,1]", "Relu", true, false},
		{"Relu", "Sigmoid", "Relu", false, false},
		{"", "Softplus", "", false, false},
		{"", "Exp", "", false, false},
		{"", "Add [1]", "", false, false},
		{"", "Add [8,1,1]", "", true, false},
		{"", "Clip min=0.5 max=6.0", "", false, false},
	} {
		name := fmt.Sprintf("%q before, %q at the branch's end, %q after", c.before, c.tail, c.after)
		net := compile(t, residuals(c.before, c.tail, c.after), "var.stage_vars.reduce_depth = [-1, 0]")
		depth := slices.IndexFunc(net.Choices, func(c supernet.Choice) bool { return c.Kind == supernet.Depth })
		if (depth >= 0) != c.removable {
			t.Errorf("%s: choices %q", name, summary(net))
		}
		if said := strings.Contains(strings.Join(net.Warnings, "\n"), "would still add something, by node "); said == c.removable {
			t.Errorf("%s: warnings %q", name, net.Warnings)
		}
		if depth < 0 {
			continue
		}
		kept := slices.ContainsFunc(net.Nodes, func(o *supernet.Op) bool { return o.Node.Name == "w0" && o.Block == nil })
		if kept != c.stays {
			t.Errorf("%s: the first activation stands beside its block: %v, want %v", name, kept, c.stays)
		}
	}
}
