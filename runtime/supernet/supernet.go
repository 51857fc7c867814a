// Package supernet is the untyped view of a generated package, which the tools work on:
// profile, search, sensitivity, tune, export and the command line.
package supernet

import (
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/space"
)

// Net describes a generated SuperNet package. Generated packages have one, unexported and constant;
// nobody writes to it.
type Net struct {
	Package       string // Go package name
	Title         string
	Source        Source
	Digest        string // of the operator table and its sites: the LUT schema
	Choices       []space.Choice
	Stages        []Stage
	Ops           []Op
	Rules         []Rules                           // sites for every fusion rule set; the first is "none"
	Build         func(genes []uint8, b nn.Builder) // describes the SubNet of genes to b
	Groups        []Group                           // what choices cut together
	Coverage      Coverage
	Uncounted     []Uncounted // operators that MACs leaves out
	Raw           string      // number of SubNets as configured, an integer in decimal
	Modifications int         // number of candidates over all choices, as the paper counts them
}

// Source is the model that the package was generated from.
type Source struct {
	File   string // base name
	SHA256 string
	Opset  int
}

// Stage is one stage of the net, for reports.
type Stage struct {
	Index  int
	Name   string
	Blocks []string // type names
	// Elastic are the indices in Blocks of those that have choices, in the order of SubNet texts; nil where text and Blocks agree.
	Elastic []int
	Width   int // output channels
}

// Rules are the sites under one fusion rule set.
type Rules struct {
	Name     string
	Patterns []string // the rules, as internal/fusion parses them
	Sites    []Site
}

// ID is the index of an Op in its package's table.
type ID = uint32

// Site is one place of the network and the operator that runs there, as a function of choices.
type Site struct {
	Name string     // source node
	Deps []uint8    // genes that the operator depends on, slowest first; each varies over its whole cardinality
	Live space.Need // when the place exists at all
	Ops  []ID       // dense table over Deps, the last gene fastest
	// Shared are positions among the operator's Params of weights that another site counts, which is there whenever this one is.
	Shared []int
}

// Coverage tells which shares of the parameters and MACs some choice can change.
type Coverage struct {
	Params, MACs float64
}
