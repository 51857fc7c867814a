package main

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/stat"

	"github.com/autotailor/autotailor/runtime/space"
)

// draws is how often accuracies and counts are drawn.
const draws = 50

// ceiling estimates how well a predictor that knows the true accuracies of SubNets would rank them by counts, of which chance is a part. How much
// of the counts' variance among SubNets of one resolution is true follows from how far counts of the first SubNets on two halves of the images agree:
// their correlation r makes it 2r/(1+r) (Spearman and Brown). True accuracies and counts with so much chance are then drawn, normally
// distributed in each resolution as the counts are.
func (b *bench) ceiling(list []space.Genes, counts, left, right []int) (mean ranking) {
	level, n := b.levels(list)
	of := make([][]int, n) // SubNets of each resolution
	for k, l := range level {
		of[l] = append(of[l], k)
	}
	means, variances := make([]float64, len(of)), make([]float64, len(of))
	for i, l := range of {
		means[i], variances[i] = stat.PopMeanVariance(at(counts, l), nil)
	}
	share, rng := reliability(of, left, right), rand.New(rand.NewPCG(3, 0))
	for range draws {
		known, counted := make([]float64, len(list)), make([]int, len(list))
		for k, l := range level {
			m, v := means[l], variances[l]
			known[k] = m + rng.NormFloat64()*math.Sqrt(share*v)
			counted[k] = int(math.Round(known[k] + rng.NormFloat64()*math.Sqrt((1-share)*v)))
		}
		r := rank(known, counted)
		mean.tau, mean.top5 = mean.tau+r.tau/draws, mean.top5+r.top5/draws
	}
	return mean
}

// reliability is the true share of the variance within groups.
func reliability(of [][]int, left, right []int) float64 {
	together, each := 0.0, 0.0
	for _, l := range of {
		var halved []int
		for _, k := range l {
			if k < len(left) {
				halved = append(halved, k)
			}
		}
		if len(halved) < 2 {
			continue
		}
		x, y, n := at(left, halved), at(right, halved), float64(len(halved)-1)
		together += n * stat.Covariance(x, y, nil)
		each += n * (stat.Variance(x, nil) + stat.Variance(y, nil)) / 2
	}
	r := max(0, together/max(each, 1))
	return 2 * r / (1 + r)
}

func at(counts, list []int) []float64 {
	out := make([]float64, len(list))
	for i, k := range list {
		out[i] = float64(counts[k])
	}
	return out
}

// levels returns the resolution of each SubNet, as its number among candidates, and how many there are.
func (b *bench) levels(list []space.Genes) (of []uint8, n int) {
	of, n = make([]uint8, len(list)), 1
	for i, c := range b.net.Choices {
		if c.Kind != "resolution" {
			continue
		}
		n = len(c.Values)
		for k, g := range list {
			of[k] = g[i]
		}
	}
	return of, n
}
