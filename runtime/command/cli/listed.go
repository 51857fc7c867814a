package cli

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/engine"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/search"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/train/data"
	"github.com/autotailor/autotailor/runtime/train/sensitivity"
)

// statsEnding is what the name of a list of statistics adds to that of the file that it belongs to: a table of sensitivities, or tuned weights.
const statsEnding = ".stats"

// circumstances are those of statistics that are computed now.
func (c *call) circumstances(w *onnxfile.Model, samples data.Samples) bundle.Circumstances {
	of := bundle.Circumstances{Package: c.net.Package, Digest: c.net.Digest, Weights: w.SHA256, Model: filepath.Base(w.Path)}
	if samples != nil {
		of.Data, of.Images, of.Input = samples.Digest(), samples.Len(), samples.String()
	}
	return of
}

// keeper lists the statistics of SubNets in a file while a command computes them.
type keeper struct {
	*call
	path  string
	list  *bundle.Listed
	saved time.Time
	added int
}

// betweenSaves is the time after which a list that has grown is written: what an interrupted command has counted, it does not count again.
const betweenSaves = 20 * time.Second

// newKeeper keeps a list beside a file.
func (c *call) newKeeper(file string, list *bundle.Listed) *keeper {
	return &keeper{call: c, path: file + statsEnding, list: list, saved: time.Now()}
}

// keeper opens the list beside a file. One that belongs to something else is refused.
func (c *call) keeper(file string, of bundle.Circumstances) (*keeper, error) {
	list, err := bundle.ReadListed(file + statsEnding)
	if errors.Is(err, os.ErrNotExist) {
		list, err = bundle.NewListed(of), nil
	} else if err == nil {
		if err = list.Match(of); err != nil {
			err = fmt.Errorf("%s: %w", file+statsEnding, err)
		}
	}
	return c.newKeeper(file, list), err
}

// keepFor makes an evaluator list the statistics of what it counts beside a table of sensitivities. The caller saves them.
func (c *call) keepFor(e *sensitivity.Evaluator, w *onnxfile.Model, table string) (*keeper, error) {
	k, err := c.keeper(table, c.circumstances(w, e.Options.Calibration))
	if err != nil {
		return nil, err
	}
	e.Options.Recalibrated = k.add
	return k, nil
}

// keepCounted is keepFor of a table that is being counted. Statistics beside one without a counted row are of a run that failed: where they belong
// to something else they are computed anew.
func (c *call) keepCounted(e *sensitivity.Evaluator, w *onnxfile.Model, table string) (*keeper, error) {
	k, err := c.keepFor(e, w, table)
	var other *bundle.OtherError
	switch {
	case !errors.As(err, &other):
		return k, err
	case !accuracy.Uncounted(table):
		return nil, countAnew(err, table)
	}
	k = c.newKeeper(table, bundle.NewListed(c.circumstances(w, e.Options.Calibration)))
	e.Options.Recalibrated = k.add
	return k, nil
}

// countAnew adds to what is wrong with a table, or with what stands beside it, how it is counted anew.
func countAnew(err error, table string) error {
	return fmt.Errorf("%w; to count anew, move %s and %s away, or give another --out", err, table, table+statsEnding)
}

// add lists a SubNet. Now and then it writes the list; an error there comes again with the last one.
func (k *keeper) add(g space.Genes, statistics map[string]nn.Tensor) {
	k.list.Add(space.Format(k.net.Choices, g), statistics)
	if k.added++; time.Since(k.saved) > betweenSaves {
		_ = k.list.WriteFile(k.path)
		k.saved = time.Now()
	}
}

// complete computes the statistics of SubNets that a killed run had counted and not listed, so that the list is that of a run which was left alone.
func (k *keeper) complete(e *sensitivity.Evaluator, counted []space.Genes) error {
	if e.Options.Calibration == nil || k.list.Full() {
		return nil
	}
	for _, g := range counted {
		if k.list.Has(space.Format(k.net.Choices, g)) {
			continue
		}
		if _, _, err := e.Prepare(k.ctx, g); err != nil {
			return err
		}
	}
	return nil
}

// saveTable is save for a table of sensitivities. When that has all rows, the list has all of its SubNets, in their order.
func (k *keeper) saveTable(e *sensitivity.Evaluator, whole bool) (err error) {
	if whole {
		counted := append([]space.Genes{make(space.Genes, len(k.net.Choices))}, space.Probes(k.net.Choices)...)
		err = k.complete(e, counted)
		k.order(counted)
	}
	return errors.Join(err, k.save())
}

// order lists SubNets in the order in which a run that is left alone counts them.
func (k *keeper) order(counted []space.Genes) {
	var texts []string
	for _, g := range counted {
		texts = append(texts, space.Format(k.net.Choices, g))
	}
	k.list.Order(texts)
}

// save writes the list, where something was added, and says how large it is.
func (k *keeper) save() error {
	if k.added == 0 {
		return nil
	}
	if err := k.list.WriteFile(k.path); err != nil {
		return err
	}
	info, err := os.Stat(k.path)
	if err != nil {
		return err
	}
	fmt.Fprintf(k.err, "wrote %s: the BatchNorm statistics of %d SubNets (%d KiB), with which export writes them\n", k.path, k.list.Len()-k.list.Dropped(), info.Size()>>10)
	if n := k.list.Dropped(); n > 0 {
		k.warn(fmt.Sprintf("%s has room for %d MiB of statistics: the %d oldest SubNets are not in it", k.path, bundle.MaxListed>>20, n))
	}
	k.added = 0
	return nil
}

// listedFree refuses to write a list of statistics over a file that is none. Commands ask before they count for hours.
func listedFree(file string) error {
	if _, err := bundle.ReadListed(file + statsEnding); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("statistics of SubNets cannot take the place of a file that is not a list of them: %w; move it away", err)
	}
	return nil
}

// listed reads the lists of statistics beside the sensitivities and the weights of an export. A list that belongs to something else is refused.
func (c *call) listed(f *exportFlags, w *onnxfile.Model) (lists []*bundle.Listed, err error) {
	of := c.circumstances(w, nil)
	for _, file := range []string{*f.accuracy, *f.model} {
		l, err := bundle.ReadListed(file + statsEnding)
		if file == "" || errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil && file == *f.accuracy {
			var t *accuracy.Table
			if t, err = c.accuracies(file); err == nil {
				_, of.Data, _ = strings.Cut(t.Header.Data, "+")
				of.Input = t.Header.Resize
			}
		}
		if err == nil {
			err = l.Match(of)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file+statsEnding, err)
		}
		of.Data, of.Input = "", ""
		lists = append(lists, l)
	}
	return lists, nil
}

// fromList returns weights with the statistics that a list has for the SubNet of g; ok tells whether one has them.
func (c *call) fromList(f *exportFlags, g space.Genes, w nn.Weights) (own nn.Weights, ok bool, err error) {
	for _, l := range f.lists {
		if own, ok, err := l.Weights(c.net, space.Format(c.net.Choices, g), w); ok || err != nil {
			return own, ok, err
		}
	}
	return w, false, nil
}

// recount is what counts SubNets once more as a table's were, and lists their statistics beside it.
type recount struct {
	*sensitivity.Evaluator
	listed  *keeper
	engines []engine.Engine
	call    *call
}

// recount opens it. The caller closes it.
func (c *call) recount(h accuracy.Header, table, dir string, w *onnxfile.Model, ef engineFlags) (*recount, error) {
	engines, err := c.open(ef)
	if err != nil {
		return nil, err
	}
	r := &recount{engines: engines, call: c}
	if r.Evaluator, err = c.evaluator(h, table, dir, w, engines[0]); err == nil {
		r.listed, err = c.keepFor(r.Evaluator, w, table)
	}
	if err != nil {
		return nil, errors.Join(err, c.closeEngines(engines))
	}
	return r, nil
}

// close writes the list of statistics.
func (r *recount) close() error { return errors.Join(r.listed.save(), r.call.closeEngines(r.engines)) }

// listPoints lists the statistics of the SubNets of a front, computed from the images that its sensitivities go with.
func (c *call) listPoints(f *checkFlags, t *accuracy.Table, table string, points []search.Point) error {
	if err := c.require("model"); err != nil {
		return err
	}
	w, err := c.weights(*f.model)
	if err != nil {
		return err
	}
	r, err := c.recount(t.Header, table, *f.dir, w, f.engine)
	if err != nil {
		return err
	}
	p, start := c.progress("statistics"), time.Now()
	for i, q := range points {
		if !r.listed.list.Has(space.Format(c.net.Choices, q.Genes)) {
			if _, _, err := r.Prepare(c.ctx, q.Genes); err != nil {
				return errors.Join(err, r.close())
			}
		}
		p.at(i+1, len(points), time.Since(start))
	}
	return r.close()
}

// levels counts the SubNets of a bundle that nobody has counted yet, so that their accuracies are promises, no predictions.
type levels struct {
	*recount
	journal *accuracy.JointJournal
}

// openLevels opens it. The caller closes it.
func (c *call) openLevels(f *exportFlags, t *accuracy.Table, w *onnxfile.Model) (*levels, error) {
	j, err := accuracy.OpenJoint(*f.accuracy+jointEnding, c.net, t.Header)
	if err != nil {
		return nil, err
	}
	r, err := c.recount(t.Header, *f.accuracy, *f.data, w, f.engine)
	if err != nil {
		return nil, errors.Join(err, j.Close())
	}
	return &levels{r, j}, nil
}

// count counts what was not, puts counts in the place of predictions, and lists the statistics of all. It returns how many it has counted.
func (l *levels) count(list []bundle.SubNet, h accuracy.Header) (more int, err error) {
	c := l.listed.call
	p, start := c.progress("SubNets counted"), time.Now()
	for i, s := range list {
		g, err := c.genes(s.SubNet)
		if err != nil {
			return more, err
		}
		n, ok := l.journal.Correct(g)
		if !ok { // the original, too: who reads the bundle need not trust the table
			if n, err = l.Count(c.ctx, g); err == nil {
				err = l.journal.Add(g, n)
			}
			if err != nil {
				return more, err
			}
			more++
		} else if !l.listed.list.Has(s.SubNet) {
			if _, _, err := l.Prepare(c.ctx, g); err != nil {
				return more, err
			}
		}
		list[i].Accuracy = float64(n) / float64(h.Whole())
		p.at(i+1, len(list), time.Since(start))
	}
	return more, nil
}

func (l *levels) close() error { return errors.Join(l.recount.close(), l.journal.Close()) }

// lackingStatistics refuses to export SubNets whose accuracy was promised and would not be kept.
func (c *call) lackingStatistics(f *exportFlags, subnets []string) error {
	beside := cmp.Or(*f.accuracy, *f.model)
	return fmt.Errorf("%s: there are no BatchNorm statistics of its own, neither in the list %s nor from a sample, %s: with those of the original it classifies far worse than predicted. "+
		"Give --recalibrate DIR with the folder of your training images; or list its statistics first, which `search --data DIR` and `verify --accuracy --data DIR` do; "+
		"or give --no-recalibration to write it with those of the original", firstOf(subnets), beside+statsEnding, beside+sampleEnding)
}

// firstOf names the first of a list, and how many follow.
func firstOf(list []string) string {
	if len(list) == 1 {
		return "SubNet " + list[0]
	}
	return fmt.Sprintf("SubNet %s and %d more", list[0], len(list)-1)
}

// keptFor tells whether the SubNets of a front can be exported with what stands beside sensitivities: their statistics, or images for them.
func (c *call) keptFor(table string, front []search.Point) bool {
	if isFile(table + sampleEnding) {
		return true
	}
	l, err := bundle.ReadListed(table + statsEnding)
	return err == nil && !slices.ContainsFunc(front, func(q search.Point) bool { return !l.Has(space.Format(c.net.Choices, q.Genes)) })
}
