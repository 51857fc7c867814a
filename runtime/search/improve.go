package search

import (
	"bytes"
	"context"
)

// maxLookups bounds the work of improve, in terms evaluated: a second or two.
const maxLookups = 1 << 28

// improve extends a front by the SubNets that differ from a point of it in one gene, until none helps.
func improve(ctx context.Context, p Problem, front []Point) []Point {
	done := make(map[string]bool)
	cards := p.Cost.Cards()
	maxTries := maxLookups / (len(p.Cost.Terms()) + len(p.Penalty.Terms()) + 1)
	for tries := 0; ; {
		var found []Point
		for _, point := range front {
			if done[string(point.Genes)] || ctx.Err() != nil || tries > maxTries {
				continue
			}
			done[string(point.Genes)] = true
			for i, card := range cards {
				for v := range card {
					g := bytes.Clone(point.Genes)
					g[i] = v
					tries++
					if q := p.point(g); !dominated(front, q) {
						found = append(found, q)
					}
				}
			}
		}
		if len(found) == 0 {
			return front
		}
		front = cull(append(front, found...))
	}
}

// dominated reports whether front has a point as good as q.
func dominated(front []Point, q Point) bool {
	for _, p := range front {
		if p.Cost > q.Cost {
			return false
		}
		if p.Penalty <= q.Penalty {
			return true
		}
	}
	return false
}
