// Package dim has finite functions: extents that depend on a few choices.
//
// A Dim is a dense table over exactly the choices that it depends on, in normal form: a choice that
// never changes the value is not in it. Two Dims are equal when their tables are; all arithmetic is done on tables.
package dim

// Choice identifies a choice of the SuperNet: its gene.
type Choice = uint8

// Dim is an extent as a function of choices. The zero Dim is the constant 0. Dims are immutable.
type Dim struct {
	deps  []Choice // ascending
	cards []uint8  // number of candidates of each of deps
	vals  []int    // dense over deps, the last fastest; one value when deps is empty
}
