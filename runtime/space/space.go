// Package space describes search spaces: choices, genes and their canonical form.
package space

import "github.com/autotailor/autotailor/runtime/optable"

// Choice is one elastic choice of a SuperNet. Its gene indexes Values; 0 is the original model's value.
type Choice struct {
	Name   string       // such as "resolution", "stage3.width", "stage3.depth", "stage3.1.expand"
	Was    string       // its name in texts of version 1, "" when it is the same
	Kind   string       // such as "resolution", "width", "depth", "expand", "kernel"
	Values []string     // as they stand in the SubNet's text form, largest first
	Live   optable.Need // the choice means something only when this holds (its block is kept)
}
