// Package space describes search spaces: choices, genes and their canonical form, and functions of genes: sums and maxima of small
// tables, each over a few genes.
package space

// Choice is one elastic choice of a SuperNet. Its gene indexes Values; 0 is the original model's value.
type Choice struct {
	Name   string   // such as "resolution", "stage3.width", "stage3.depth", "stage3.1.expand"
	Was    string   // its name in texts of version 1, "" when it is the same
	Kind   string   // such as "resolution", "width", "depth", "expand", "kernel"
	Values []string // as they stand in the SubNet's text form, largest first
	Live   Need     // the choice means something only when this holds (its block is kept)
}

// Need is a condition on one gene: it holds when genes[Gene] < Below. The zero Need always holds.
type Need struct {
	Gene, Below uint8
}
