package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/autotailor/autotailor/internal/outfile"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/train/sensitivity"
)

// counter counts SubNets of one model on one set of images, each once.
type counter struct {
	sensitivity.Evaluator
	b     *bench
	model source
	part  part
}

// source is a model and its file.
type source struct {
	*onnxfile.Model
	path string
}

func open(path string) (source, error) {
	m, err := onnxfile.Open(path)
	return source{m, path}, err
}

// path names a file for what is counted, which is of this model and these images.
func (c *counter) path(kind string) string {
	return filepath.Join(c.b.dir, fmt.Sprintf("%.8s-%s-%d-%d.%s", c.model.SHA256, c.part.split, c.part.from, c.part.to, kind))
}

// header is that of the files, which says who counted.
func (c *counter) header() accuracy.Header {
	h := c.Header()
	if c.b.o.torch {
		h.Engine = "pytorch"
	}
	return h
}

// counts returns the numbers of correct images of SubNets.
func (c *counter) counts(ctx context.Context, list []space.Genes) (counts []int, err error) {
	j, err := accuracy.OpenJoint(c.path("counts"), c.Net, c.header())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	last := time.Now()
	var missing []string
	for k, g := range list {
		n, ok := j.Correct(g)
		if !ok && c.b.o.torch {
			missing = append(missing, c.b.format(g))
		} else if !ok {
			if n, err = c.Count(ctx, g); err == nil {
				err = j.Add(g, n)
			}
			if err != nil {
				return nil, err
			}
		}
		counts = append(counts, n)
		if time.Since(last) > 10*time.Second {
			last = time.Now()
			fmt.Fprintf(os.Stderr, "%s: %d of %d SubNets counted on %d %s images\n", c.b.name, k+1, len(list), c.Samples.Len(), c.Options.Split)
		}
	}
	if missing != nil {
		return nil, c.missing(missing)
	}
	return counts, nil
}

// missing adds SubNets to the list of what PyTorch is to count, which has those that earlier steps asked for, and returns an error that says how.
func (c *counter) missing(list []string) error {
	todo, err := os.ReadFile(c.path("todo"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	known := map[string]bool{}
	for line := range strings.Lines(string(todo)) {
		known[strings.TrimSpace(line)] = true
	}
	for _, subnet := range list {
		if !known[subnet] {
			todo = append(todo, subnet+"\n"...)
		}
	}
	return errors.Join(outfile.Write(c.path("todo"), todo), fmt.Errorf("%s has no counts of %d SubNets: run %s --subnets %s, in the folder of the PyTorch package",
		c.path("counts"), len(list), c.command("evaluate.py", "counts"), c.path("todo")))
}

// command is how PyTorch counts on this model and these images.
func (c *counter) command(program, kind string) string {
	return fmt.Sprintf("python3 %s --model %s --data %s --out %s --split %s --first %d --images %d --calibrate %d",
		program, c.model.path, c.b.o.data, c.path(kind), c.part.split, c.part.from, c.Samples.Len(), c.b.o.calibrate)
}

// sensitivities returns the table of probes.
func (c *counter) sensitivities(ctx context.Context) (*accuracy.Table, error) {
	if !c.b.o.torch {
		return c.Run(ctx, c.path("acc"))
	}
	j, t, err := accuracy.OpenJournal(c.path("acc"), c.Net, c.header())
	if err != nil {
		return nil, err
	}
	if n := len(t.Missing(c.Net)); n > 0 {
		err = fmt.Errorf("%s lacks %d probes: run %s, in the folder of the PyTorch package", c.path("acc"), n, c.command("sensitivity.py", "acc"))
	}
	return t, errors.Join(err, j.Close())
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
