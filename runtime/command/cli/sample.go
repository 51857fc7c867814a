package cli

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/internal/outfile"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// sampleEnding is appended to the name of a file, a table of sensitivities or tuned weights, to name its sample.
const sampleEnding = ".sample.tar"

// noSampleFlag says whether a command keeps the images that statistics come from.
func (c *call) noSampleFlag() *bool {
	return c.flags.Bool("no-sample", false, "do not keep the images that BatchNorm statistics are recomputed from beside that of --out (with "+sampleEnding+" after its name), because they are private: SubNets export whose statistics are listed ("+statsEnding+"), or with --recalibrate")
}

// keepSample writes the sample beside a file, if the network has statistics.
func (c *call) keepSample(file string, samples data.Samples) error {
	g, err := c.original()
	if err != nil || samples == nil || samples.Len() == 0 || len(supernet.Normalisations(g)) == 0 {
		return err
	}
	if rows, ok := samples.(data.RowImages); ok { // their targets are not needed
		samples = rows.Source
	}
	source, ok := samples.(data.Source)
	if !ok {
		c.warn("the samples that statistics come from are not kept, since they are not images; give export --recalibrate DIR")
		return nil
	}
	images := source.Set
	path := file + sampleEnding
	if _, digest, err := data.OpenSample(path); err == nil && digest == images.Digest() {
		return nil // an earlier run of the same command has written it
	}
	if err := sampleFree(file); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := data.WriteSample(&b, images); err != nil {
		c.warn(fmt.Sprintf("the images that statistics come from are not kept: %v; give export --recalibrate DIR", err))
		return nil
	}
	if err := outfile.Write(path, b.Bytes()); err != nil {
		return err
	}
	fmt.Fprintf(c.err, "wrote %s: %d images (%d KiB), from which export recomputes BatchNorm statistics\n", path, images.N, b.Len()>>10)
	return nil
}

// sampleFree refuses to overwrite a file that is not a sample. Commands call it before they count for hours.
func sampleFree(file string) error {
	if _, _, err := data.OpenSample(file + sampleEnding); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("a sample of the images for statistics cannot take the place of a file that is none: %w; move it away, or give --no-sample", err)
	}
	return nil
}

// ownStatistics decides where the statistics of the SubNets come from that would have those of the original, unless the user has said so: from the
// list beside the sensitivities or the weights, then from the sample there. Where an accuracy is promised and there is neither, it refuses.
func (c *call) ownStatistics(f *exportFlags, w *onnxfile.Model, list ...space.Genes) (err error) {
	if *f.recalibrate != "" {
		if *f.borrow {
			return usageError{fmt.Errorf("--recalibrate and --no-recalibration exclude each other")}
		}
		return nil
	}
	if *f.borrow {
		return nil
	}
	if f.lists, err = c.listed(f, w); err != nil {
		return err
	}
	borrowed, lacking, err := c.lacking(f, list)
	if borrowed == 0 {
		f.lists = nil // the original keeps the statistics of its file
	}
	if err != nil || len(lacking) == 0 {
		return err
	}
	for _, file := range []string{*f.accuracy, *f.model} {
		path := file + sampleEnding
		if _, err := os.Stat(path); file == "" || err != nil {
			continue
		}
		if err := c.sampleOf(path, *f.accuracy); err != nil {
			return err
		}
		fmt.Fprintf(c.err, "BatchNorm statistics are recomputed from the images of %s\n", path)
		*f.recalibrate, *f.n = path, 0
		return nil
	}
	if *f.accuracy == "" && len(f.lists) == 0 {
		return nil // nothing was promised; the command warns
	}
	return c.lackingStatistics(f, lacking)
}

// lacking counts the SubNets that would have the statistics of the original, and names those of them that are not listed.
func (c *call) lacking(f *exportFlags, list []space.Genes) (borrowed int, subnets []string, err error) {
	for _, g := range list {
		names, err := c.net.Borrowed(g)
		if err != nil {
			return 0, nil, err
		}
		if len(names) == 0 {
			continue
		}
		borrowed++
		text := space.Format(c.net.Choices, g)
		if !slices.ContainsFunc(f.lists, func(l *bundle.Listed) bool { return l.Has(text) }) {
			subnets = append(subnets, text)
		}
	}
	return borrowed, subnets, nil
}

// sampleOf refuses a sample whose images are not those from which a table's statistics came.
func (c *call) sampleOf(path, table string) error {
	if table == "" {
		return nil
	}
	t, err := c.accuracies(table)
	if err != nil {
		return err
	}
	_, digest, err := data.OpenSample(path)
	if err != nil {
		return err
	}
	if _, want, ok := strings.Cut(t.Header.Data, "+"); ok && want != digest {
		return fmt.Errorf("%s has other images (%s) than those that the statistics of %s came from (%s): give --recalibrate DIR, or count again", path, digest, table, want)
	}
	return nil
}

// forStatistics opens the first n training samples of a folder, or of a sample; 0 takes all.
func (c *call) forStatistics(path string, n int) (data.Samples, error) {
	if !isFile(path) || filepath.Ext(path) != filepath.Ext(sampleEnding) { // a folder, or a file of rows
		return c.samples(path, "train", n)
	}
	s, err := c.once(path, "", func() (data.Samples, error) {
		s, _, err := data.OpenSample(path)
		return data.Source{Transform: c.opt.Transform, Set: s}, err
	})
	if err != nil || n == 0 {
		return s, err
	}
	return s.Slice(0, n), nil
}

// isFile tells whether a path is a file, and so a sample, not a folder of images.
func isFile(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
