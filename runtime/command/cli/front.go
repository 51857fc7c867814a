package cli

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
)

// bundled is the result of `export --front`.
type bundled struct {
	Dir string `json:"dir"`
	bundle.Manifest
	Warning string `json:"warning,omitempty"`
}

// exportFront writes SubNets that are spread over the front as a bundle.
func (c *call) exportFront(f *exportFlags) error {
	if err := c.bundleFlags(f); err != nil {
		return err
	}
	if err := bundleFree(*f.dir); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(*f.dir, bundle.ManifestName)); err == nil && !*f.force {
		return fmt.Errorf("%s has a bundle; --force overwrites it", *f.dir)
	}
	j, err := c.problem(*f.lut, *f.accuracy)
	if err != nil {
		return err
	}
	t := j.accuracies
	weights, err := c.weights(*f.model)
	if err != nil {
		return err
	}
	if err := countedWith(t.Header, *f.accuracy, weights); err != nil {
		return err
	}
	list, onFront, err := c.chosen(f, j, weights)
	if err != nil {
		return err
	}
	var genes []space.Genes
	for _, s := range list {
		g, err := c.genes(s.SubNet)
		if err != nil {
			return err
		}
		genes = append(genes, g)
	}
	if err := c.ownStatistics(f, weights, genes...); err != nil {
		return err
	}
	recalibrated, err := c.recalibrated(f, weights, list)
	if err != nil {
		return err
	}
	m, err := bundle.Write(*f.dir, *f.model, c.net, manifestOf(j.latencies, list, t.Header), recalibrated)
	if err != nil {
		return err
	}
	warning := borrowing(m.SubNets, "give --recalibrate DIR with the folder of your training images")
	c.warn(warning)
	if g, err := c.original(); err == nil && len(g.Inputs) != 1 {
		c.warn(fmt.Sprintf("`serve` cannot serve this bundle: the model has %d inputs, requests have one; programs of your own can read it", len(g.Inputs)))
	}
	if *c.json {
		return c.print(bundled{*f.dir, m, warning})
	}
	fmt.Fprintf(c.out, "wrote %d SubNets of %d on the front into %s (%d bytes of weights)\nlatency ms  %10s  memory KiB  SubNet\n", len(list), onFront, *f.dir, m.Weights.Bytes, t.Metric().Column())
	for _, s := range list {
		fmt.Fprintf(c.out, "%10.3f  %*s  %10d  %s\n", s.LatencyMS, max(10, len(t.Metric().Column())), t.Metric().Number(t.Header.Value(s.Accuracy)), s.Memory/1024, s.SubNet)
	}
	return nil
}

// bundleFlags tells which flags a bundle lacks, and which ones do not go with it.
func (c *call) bundleFlags(f *exportFlags) error {
	var missing []error
	for _, k := range []struct {
		name, remedy string
		value        *string
	}{
		{"dir", "", f.dir}, {"lut", ": `profile --out device.lut` makes one, which bundles choose latencies by", f.lut},
		{"accuracy", ": `sensitivity --model MODEL --data DIR --out net.acc` makes one", f.accuracy}, {"model", "", f.model},
	} {
		if *k.value == "" {
			missing = append(missing, fmt.Errorf("--front needs --%s%s", k.name, k.remedy))
		}
	}
	for _, name := range []string{"out", "subnet", "format", "fp16", "plain-attention", "fold-batch-norm", "batch", "opset"} {
		if c.flags.Changed(name) {
			missing = append(missing, fmt.Errorf("--%s does not go with --front: SubNets of a bundle share the weights of the SuperNet", name))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return usageError{errors.Join(missing...)}
}

// maxRounds is how often the SubNets of a bundle are chosen anew at most, because counts have changed the front.
const maxRounds = 32

// chosen returns the SubNets of a bundle, which are spread over the front of onFront SubNets. With --data they are counted, and chosen anew by the
// counts until the choice stays, so that the same command again makes the same bundle; at most maxRounds times.
func (c *call) chosen(f *exportFlags, j *judged, w *onnxfile.Model) (list []bundle.SubNet, onFront int, err error) {
	var l *levels
	if *f.data != "" {
		if l, err = c.openLevels(f, j.accuracies, w); err != nil {
			return nil, 0, err
		}
		defer func() { err = errors.Join(err, l.close()) }()
		j.joint = l.journal
	}
	for range maxRounds {
		useful, err := c.front(j)
		if err != nil {
			return nil, 0, err
		}
		onFront = len(useful)
		if list, err = c.described(useful, j.accuracies.Accuracy, *f.front); err != nil || l == nil {
			return list, onFront, err
		}
		if more, err := l.count(list, j.accuracies.Header); err != nil || more == 0 {
			return list, onFront, err
		}
	}
	c.warn(fmt.Sprintf("after %d rounds counts still change which SubNets are on the front: the bundle has those of the last round, which all are counted; %s keeps the counts, and the same command goes on from there", maxRounds, *f.accuracy+jointEnding))
	return list, onFront, nil
}

// recalibrated returns weights with the statistics of each SubNet, nil if the SubNets use the model's statistics.
func (c *call) recalibrated(f *exportFlags, w nn.Weights, list []bundle.SubNet) ([]nn.Weights, error) {
	if *f.recalibrate == "" && len(f.lists) == 0 {
		return nil, nil
	}
	p, start := c.progress("SubNets recalibrated"), time.Now()
	var out []nn.Weights
	for k, s := range list {
		g, err := c.genes(s.SubNet)
		if err != nil {
			return nil, err
		}
		_, own, _, err := c.prepare(f, g, w)
		if err != nil {
			return nil, err
		}
		out = append(out, own)
		p.at(k+1, len(list), time.Since(start))
	}
	return out, nil
}

func manifestOf(t *lut.Table, list []bundle.SubNet, h accuracy.Header) bundle.Manifest {
	m := bundle.Manifest{Device: t.Header.Device, Engine: t.Header.Engine, SubNets: list, Input: h.Resize, Classes: h.ClassNames()}
	if h.Task != "" {
		m.Metric = &bundle.Metric{Task: h.Task, Name: h.Metric.Name, Unit: h.Metric.Unit, LowerIsBetter: h.Metric.LowerIsBetter, Worst: h.Worst}
	}
	return m
}

// described picks k points of a front and returns them with their predictions.
func (c *call) described(points []search.Point, accuracy func(penalty int64) float64, k int) ([]bundle.SubNet, error) {
	counted, err := model.Counted(c.net)
	if err != nil {
		return nil, err
	}
	var at [][2]float64
	for _, q := range points {
		at = append(at, [2]float64{float64(q.Cost), accuracy(q.Penalty)})
	}
	var list []bundle.SubNet
	for _, i := range bundle.Spread(at, k) {
		g := points[i].Genes
		list = append(list, bundle.SubNet{
			SubNet: space.Format(c.net.Choices, g), LatencyMS: at[i][0] / 1e6, Accuracy: at[i][1],
			Memory: counted[model.Memory].At(g), MACs: counted[model.MACs].At(g), Params: counted[model.Params].At(g),
		})
	}
	return list, nil
}
