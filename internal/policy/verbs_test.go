package policy

import (
	"go/types"
	"testing"

	"golang.org/x/tools/go/packages"
)

// TestVerbsAreUsed: the feature and the three verbs of each level of TailorIR are what the compiler itself calls. A method that only tests call
// would be a facade.
func TestVerbsAreUsed(t *testing.T) {
	list, err := packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedFiles | packages.NeedSyntax | packages.NeedTypes |
		packages.NeedTypesInfo | packages.NeedImports | packages.NeedExportFile, Dir: "../.."}, "./ir/supernet", "./ir/unique", "./gen/view", "./gen")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, p := range list {
		for _, e := range p.Errors {
			t.Fatal(e)
		}
		for _, o := range p.TypesInfo.Uses {
			if f, ok := o.(*types.Func); ok {
				used[f.FullName()] = true
			}
		}
	}
	for _, level := range []string{"Op", "Block", "Stage", "Net"} {
		for _, verb := range []string{"Feature", "Transform", "Update", "Build"} {
			if name := "(*" + module + "/ir/supernet." + level + ")." + verb; !used[name] {
				t.Errorf("the compiler never calls %s", name)
			}
		}
	}
}
