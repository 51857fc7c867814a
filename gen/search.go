package gen

import (
	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/view"
)

// The documentation of aliases has the fields of what they stand for, so that `go doc` of a user's package shows them; a test compares.
const (
	searchDoc = `
Search describes a search for the cheapest and best SubNets within limits. Its fields:

	LUT      *LUT            // of the device; without it latency and energy are unknown
	Accuracy *Accuracy       // without it all SubNets count as equally good
	Limits   Limits
	Against  model.Quantity  // the cost that quality is traded against; "" means latency, or MACs without LUT
	Options  search.Options  // bounds on the work; the zero Options suit everyday use`
	limitsDoc = `
Limits bound the SubNets of a search. A field that is 0 is no limit:

	Latency time.Duration // at most, for a run at batch 1
	Energy  float64       // at most, in millijoules for a run at batch 1
	Memory  int64         // at most, in bytes at the peak of a run at batch 1: parameters and activations
	MACs    int64         // at most, at batch 1
	Params  int64         // at most
	Quality float64       // at least, in the unit of Accuracy's metric; at most where lower values are better`
	pointDoc = `
Point is a SubNet with its predictions:

	SubNet  SubNet
	Latency time.Duration // 0 without a LUT
	Quality model.Quality // Value, and the Name, Unit and direction of its metric; unknown without Accuracy`
	frontDoc = `
Front returns the Pareto front of the SubNets within q's limits: Points, the cheapest first, and the Certificate, which says how exact
they are. Neighbours(s, n) lists the points around any SubNet. If no SubNet is within the limits, the error is a
*search.InfeasibleError, a *search.LimitsError or a *model.QualityError. It names the nearest SubNet.`
	bestDoc = `
Best returns the best SubNet within q's limits. If several are equally good, it returns the cheapest. Its errors are those of Front.`
	geneticDoc = `
Genetic returns the best SubNet that an evolutionary search finds within the limit on q's cost. It is the paper's search, for comparison.`
	randomDoc = `
Random draws the value of each choice uniformly and independently. Then it sets the choices of removed blocks to the original's,
so a given SubNet with few blocks is drawn more often than a given SubNet with all blocks.`
)

// searchFile writes search_gen.go: what finds SubNets.
func searchFile(f *jen.File, _ *view.Package) error {
	alias(f, "Search", searchDoc)
	doc(f, limitsDoc)
	f.Type().Id("Limits").Op("=").Add(qual("model", "Limits"))
	f.Line()
	alias(f, "Point", pointDoc)
	front := jen.Op("*").Add(qual("model", "Front")).Types(jen.Id("SubNet"))
	searches(f, "Front", frontDoc, front, nil)
	searches(f, "Best", bestDoc, jen.Id("Point"), nil)
	searches(f, "Genetic", geneticDoc, jen.Id("Point"), qual("search", "GeneticOptions"))
	doc(f, "Smallest returns the SubNet with the smallest value of every choice.")
	f.Func().Id("Smallest").Params().Id("SubNet").Block(jen.Return(jen.Id("net").Dot("Smallest").Call()))
	f.Line()
	doc(f, randomDoc)
	f.Func().Id("Random").Params(jen.Id("rng").Op("*").Qual("math/rand/v2", "Rand")).Id("SubNet").Block(jen.Return(jen.Id("net").Dot("Random").Call(jen.Id("rng"))))
	return nil
}

// searches writes a function that searches, with options where it has any.
func searches(f *jen.File, name, text string, result, options *jen.Statement) {
	params := []jen.Code{jen.Id("ctx").Qual("context", "Context"), jen.Id("q").Id("Search")}
	args := []jen.Code{jen.Id("ctx"), jen.Id("q")}
	if options != nil {
		params, args = append(params, jen.Id("o").Add(options)), append(args, jen.Id("o"))
	}
	doc(f, text)
	f.Func().Id(name).Params(params...).Params(result, jen.Error()).Block(jen.Return(jen.Id("net").Dot(name).Call(args...)))
	f.Line()
}
