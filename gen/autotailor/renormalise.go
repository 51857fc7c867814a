package main

import (
	"errors"
	"fmt"

	_ "golang.org/x/image/bmp"  // pictures that package data reads, beside those of the standard library
	_ "golang.org/x/image/webp" // likewise

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/internal/outfile"
)

func runRenormalise(c *call) error {
	var j gen.Job
	c.flags.StringVar(&j.Config, "config", "autotailor.toml", "config `file`, whose `data` says how data become input")
	c.flags.StringVar(&j.Model, "model", "", "ONNX `file`, instead of the config's model")
	dir := c.flags.String("data", "", "`folder` with training data: pictures (train/CLASS/*.jpg, CLASS/*.jpg, train*.tar, IDX files) or rows (train.csv, .npz, .jsonl, train_x.npy); a single file of rows, too (required)")
	n := c.flags.Int("images", 1000, "training samples that statistics are computed from")
	skip := c.flags.Int("skip", 0, "broken pictures or rows that may be left out: they are named, and all files are looked at first")
	out := c.flags.String("out", "", "ONNX `file` to write (required)")
	force := c.flags.Bool("force", false, "overwrite an existing file")
	asJSON := c.flags.Bool("json", false, "print JSON: the file and how many normalisations it has gained")
	if err := c.parse(); err != nil {
		return err
	}
	if *dir == "" || *out == "" || *n < 1 || *skip < 0 {
		return usageError{errors.New("want --data, --out, at least one sample, and a --skip of 0 or more")}
	}
	source, err := j.Source()
	if err != nil {
		return err
	}
	if err := free(*out, *force, source, j.Config); err != nil {
		return err
	}
	model, count, skipped, err := j.Renormalise(*dir, *n, *skip)
	if err != nil {
		return err
	}
	if len(skipped) > 0 {
		fmt.Fprintf(c.err, "note: %s\n", gen.LeftOut(skipped))
	}
	if err := outfile.Write(*out, model); err != nil {
		return err
	}
	if *asJSON {
		return c.json(map[string]any{"file": *out, "normalisations": count})
	}
	fmt.Fprintf(c.err, "wrote %s with %d normalisations more; make it the config's model\n", *out, count)
	return nil
}
