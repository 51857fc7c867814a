package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/sensitivity"
	"github.com/autotailor/autotailor/runtime/space"
)

// counter counts SubNets of one model on one set of images, each once.
type counter struct {
	sensitivity.Evaluator
	b     *bench
	model *onnxfile.Model
}

// path names a file for what is counted, which is of this model and these images.
func (c *counter) path(kind string) string {
	return filepath.Join(c.b.dir, fmt.Sprintf("%.8s-%s-%d.%s", c.model.SHA256, c.Options.Split, c.Images.N, kind))
}

// counts returns the numbers of correct images of SubNets.
func (c *counter) counts(ctx context.Context, list []space.Genes) (counts []int, err error) {
	j, err := accuracy.OpenJoint(c.path("counts"), c.Net, c.Header())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	last := time.Now()
	for k, g := range list {
		n, ok := j.Correct(g)
		if !ok {
			if n, err = c.Correct(ctx, g); err == nil {
				err = j.Add(g, n)
			}
			if err != nil {
				return nil, err
			}
		}
		counts = append(counts, n)
		if time.Since(last) > 10*time.Second {
			last = time.Now()
			fmt.Fprintf(os.Stderr, "%s: %d of %d SubNets counted on %d %s images\n", c.b.name, k+1, len(list), c.Images.N, c.Options.Split)
		}
	}
	return counts, nil
}

// random draws n different SubNets, uniformly over the settings of all choices.
func (b *bench) random(n int, seed uint64) []space.Genes {
	rng, seen := rand.New(rand.NewPCG(seed, 0)), map[string]bool{}
	var list []space.Genes
	for len(list) < n {
		g := space.Random(b.net.Choices, rng)
		if text := b.format(g); !seen[text] {
			seen[text] = true
			list = append(list, g)
		}
	}
	return list
}
