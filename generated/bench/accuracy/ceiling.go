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
// their correlation r makes it 2r/(1+r) (Spearman and Brown). Counts of one resolution are also off together, as one may suit the images better than
// another one. True accuracies and counts with so much chance are then drawn, normally distributed in each resolution as the counts are.
func (b *bench) ceiling(list []space.Genes, counts, left, right []int) (mean ranking) {
	level, n := b.levels(list)
	of, halved := make([][]int, n), make([][]int, n) // SubNets of each resolution, and those of them that were counted on halves
	for k, l := range level {
		of[l] = append(of[l], k)
		if k < len(left) {
			halved[l] = append(halved[l], k)
		}
	}
	means, variances := make([]float64, n), make([]float64, n)
	for i, l := range of {
		means[i], variances[i] = stat.PopMeanVariance(at(counts, l), nil)
	}
	share, together, rng := reliability(halved, left, right), math.Sqrt(shifts(halved, left, right)), rand.New(rand.NewPCG(3, 0))
	for range draws {
		known, counted, shift := make([]float64, len(list)), make([]int, len(list)), make([]float64, n)
		for l := range shift {
			shift[l] = together * rng.NormFloat64()
		}
		for k, l := range level {
			m, v := means[l], variances[l]
			known[k] = m + rng.NormFloat64()*math.Sqrt(share*v)
			counted[k] = int(math.Round(known[k] + shift[l] + rng.NormFloat64()*math.Sqrt((1-share)*v)))
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
		if len(l) < 2 {
			continue
		}
		x, y, n := at(left, l), at(right, l), float64(len(l)-1)
		together += n * stat.Covariance(x, y, nil)
		each += n * (stat.Variance(x, nil) + stat.Variance(y, nil)) / 2
	}
	r := max(0, together/max(each, 1))
	return 2 * r / (1 + r)
}

// shifts is the variance by chance of what groups are counted more on all images, which is that of the difference between two halves, without what
// the chance of single SubNets leaves in a group's mean.
func shifts(of [][]int, left, right []int) float64 {
	var means []float64
	single := 0.0
	for _, l := range of {
		if len(l) < 2 {
			continue
		}
		d := at(left, l)
		for i, v := range at(right, l) {
			d[i] -= v
		}
		m, v := stat.MeanVariance(d, nil)
		means, single = append(means, m), single+v/float64(len(l))
	}
	if len(means) < 2 {
		return 0
	}
	return max(0, stat.Variance(means, nil)-single/float64(len(means)))
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
