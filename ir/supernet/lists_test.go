package supernet_test

import (
	"slices"
	"testing"
)

// TestListsByName: a list can be stated for all blocks, for those of our name, or for those of the paper's, with our word or the paper's.
func TestListsByName(t *testing.T) {
	const skip = "var.stage_vars.DepthwiseResidual_skipped = [0]\n"
	want := summary(compileModel(t, committed("mobilenetv3"), `
var.block_vars.BottleneckResidualBlock = { kernel_size = [3, 5, 7], expand_ratio = [3, 4, 6] }
var.block_vars.BottleneckBlock = { kernel_size = [3, 5, 7], expand_ratio = [3, 4, 6] }`))
	for _, text := range []string{
		skip + "var.block_vars = { kernel = [3, 5, 7], expand = [3, 4, 6] }",
		"var.block_vars.InvertedResidual = { kernel = [3, 5, 7], expand = [3, 4, 6] }",
		skip + "var.block_vars.InvertedResidual.kernel_size = [3, 5, 7]\nvar.block_vars.kernel = [3]\nvar.block_vars.expand_ratio = [3, 4, 6]",
		"var.block_vars.BottleneckBlock = { kernel = [3, 5, 7], expand = [3, 4, 6] }\nvar.block_vars.BottleneckResidualBlock = { kernel = [3, 5, 7], expand = [3, 4, 6] }",
	} {
		net := compileModel(t, committed("mobilenetv3"), text)
		if got := summary(net); !slices.Equal(got, want) {
			t.Errorf("%s: the choices are\n%q\nwant\n%q", text, got, want)
		}
	}
}

// TestScopeOfLists: a choice knows whose list it has, and whether all of it is legal.
func TestScopeOfLists(t *testing.T) {
	net := compileModel(t, committed("mobilenetv3"), "var.block_vars.InvertedResidual.kernel = [3, 5, 7]\nvar.block_vars.BottleneckBlock.expand = [3, 6]\nvar.block_vars.expand = [3, 4, 6]")
	type scope struct {
		list, stated string
		whole        bool
	}
	got := map[string]scope{}
	for _, c := range net.Choices {
		got[c.Name] = scope{c.List, c.Stated, c.Whole}
	}
	for name, want := range map[string]scope{
		"stage0.0.kernel": {"InvertedResidual", "InvertedResidual", true},  // a window of 7
		"stage1.0.kernel": {"InvertedResidual", "InvertedResidual", false}, // of 5
		"stage1.0.expand": {"InvertedResidual", "BottleneckBlock", true},   // without a skip connection
		"stage1.1.expand": {"", "", true},
	} {
		if got[name] != want {
			t.Errorf("%s: %+v, want %+v", name, got[name], want)
		}
	}
}
