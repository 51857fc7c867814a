package search_test

import (
	"context"
	"testing"

	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
)

// BenchmarkFront computes whole fronts on one core.
func BenchmarkFront(b *testing.B) {
	for _, in := range instances {
		for _, images := range []int{10000, 50000} {
			in.images = images
			p := in.problem(b, 1)
			b.Run(in.name+map[int]string{10000: "/N=10k", 50000: "/N=50k"}[images], func(b *testing.B) {
				b.ReportAllocs()
				var r search.Result
				var err error
				for range b.N {
					if r, err = search.Front(context.Background(), p, search.Options{Workers: 1}); err != nil {
						b.Fatal(err)
					}
				}
				raw, _ := space.Raw(p.Choices).Float64()
				b.ReportMetric(raw, "raw")
				b.ReportMetric(float64(len(r.Points)), "points")
				b.ReportMetric(float64(r.States), "states")
				b.ReportMetric(float64(r.Labels), "labels")
				if !r.Exact {
					b.Errorf("gap %d", r.Gap)
				}
			})
		}
	}
}
