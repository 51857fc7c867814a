package view

import (
	"strings"
	"testing"
)

// TestSummaries: a stage is described by its blocks or by its operators, and by what can be chosen in it.
func TestSummaries(t *testing.T) {
	_, p := compiled(t, models["bottlenecks"])
	var got []string
	for _, s := range p.Stages {
		got = append(got, s.Summary()+" | "+strings.Join(s.BlockNames(), " ")+" | "+p.ChoiceSummary(s))
	}
	want := []string{
		"Conv 3x3, Relu |  | width 1 0.5",
		"2 Bottleneck | Bottleneck Bottleneck | width 1 0.5; depth 2 1; expand 0.25 0.125",
		"2 InvertedResidual | InvertedResidual InvertedResidual | width 1 0.5; depth 2 1; kernel 5 3; expand 3 2 1; expand 3 0.25 0.125",
		"GlobalAveragePool |  | -",
		"Flatten |  | -",
		"Linear |  | -",
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("the stages are\n%s\nwant\n%s", g, w)
	}
}

// TestWhat: what comments call an operator.
func TestWhat(t *testing.T) {
	_, p := compiled(t, model{"input x Nx4x6x6\na = MaxPool x kernel_shape=2,2\nb = Tanh a\nc = LRN b size=3\nd = Softmax c\noutput d", "var.global_vars.resolution = [6]"})
	if s := p.Stages[0].Summary(); s != "MaxPool, Tanh, LRN, Softmax" {
		t.Error(s)
	}
}

// TestComments: no text of a model ends the comment that it stands in.
func TestComments(t *testing.T) {
	for in, want := range map[string]string{
		"conv1":                  "conv1",
		"a\nfunc main() {}":      "a func main() {}",
		"a\u2028b\ufeffc\x00d":   "a b c d",
		"a */ b":                 "a * / b",
		"  much \t\t space  ":    "much space",
		"bad \xff bytes":         "bad ? bytes",
		"*/*/":                   "* /* /",
		"/stages/stages.0/Conv_": "/stages/stages.0/Conv_",
	} {
		if got := Comment(in); got != want {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// TestPackageNames: a file's name makes a name that Go takes for a package.
func TestPackageNames(t *testing.T) {
	for in, want := range map[string]string{
		"resnet50.onnx": "resnet50", "Mobile-Net_V2.tuned.onnx": "mobilenetv2", "2fast.onnx": "net2fast", "main.onnx": "netmain", "func.onnx": "netfunc",
		"": "net", "日本.onnx": "net", "nn.onnx": "netnn", "documentation": "netdocumentation", "vendor": "netvendor", "init": "netinit", "any": "netany", "con": "netcon", "my_test": "mytest",
	} {
		if got := PackageName(in); got != want || CheckPackageName(got) != nil {
			t.Errorf("%q becomes %q, want %q", in, got, want)
		}
	}
}

// TestBadPackageNames: what Go or its command takes for something else is refused.
func TestBadPackageNames(t *testing.T) {
	for _, name := range []string{
		"", "main", "init", "documentation", "vendor", "testdata", "my_test", "_net", "Net", "2net", "a-b", "ünï", "func", "any", "nil", "string", "con", strings.Repeat("a", 101),
	} {
		if CheckPackageName(name) == nil {
			t.Errorf("%q is accepted", name)
		}
	}
	for _, name := range []string{"net", "resnet50", "my_net", "internal", "linux", "amd64", "search"} {
		if err := CheckPackageName(name); err != nil {
			t.Error(err)
		}
	}
}
