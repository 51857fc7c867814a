package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
	_ "golang.org/x/image/bmp"  // pictures that package data reads, beside those of the standard library
	_ "golang.org/x/image/webp" // likewise

	"github.com/autotailor/autotailor/internal/infile"
	"github.com/autotailor/autotailor/runtime/accuracy"
	"github.com/autotailor/autotailor/runtime/lut"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
	"github.com/autotailor/autotailor/runtime/train/data"
)

// The flags that several commands share.

func (c *call) subNetFlag() *string {
	return c.flags.String("subnet", "original", "the SubNet, as `choices`")
}

func (c *call) modelFlag() *string {
	return c.flags.String("model", c.opt.Model, "ONNX `file` with the SuperNet's weights")
}

func (c *call) dataFlag() *string {
	c.readingFlags()
	return c.flags.String("data", "", "`folder` with labelled data: pictures (train/CLASS/*.jpg and test/CLASS/*.jpg, CLASS/*.jpg, tar shards, the IDX files of MNIST) or rows (train.csv and test.csv, or .npz, .jsonl, .txt, train_x.npy and train_y.npy); a single file of rows, too")
}

// readingFlags say how files of data are read.
func (c *call) readingFlags() {
	c.flags.IntVar(&c.reading.Skip, "skip", 0, "broken pictures or rows that may be left out: they are named, and all files are looked at first")
	c.flags.StringVar(&c.reading.Cache, "cache", "", "`folder` that keeps decoded pictures, so that later runs need not decode them again; \"\" for none")
}

func (c *call) tableFlags() (latencies, accuracies *string) {
	return c.flags.String("lut", "", "`file` with latencies, from profile"), c.flags.String("accuracy", "", "`file` with sensitivities, from sensitivity")
}

type engineFlags struct {
	names   *string
	threads *int
}

// engineFlags adds --engine and --threads; latencies are measured on one thread unless the user says otherwise.
func (c *call) engineFlags(threads int) engineFlags {
	var names []string
	for _, e := range c.opt.Engines {
		names = append(names, e.Name+" ("+e.Doc+")")
	}
	first := ""
	if len(c.opt.Engines) > 0 {
		first = c.opt.Engines[0].Name
	}
	return engineFlags{
		c.flags.String("engine", first, "`name` of the engine: "+strings.Join(append(names, deviceDocs()...), ", ")),
		c.flags.Int("threads", threads, "threads that a network may use, 0 for all processors"),
	}
}

// weights opens the model and checks that it is the SuperNet's.
func (c *call) weights(path string) (*onnxfile.Model, error) {
	if path == "" {
		return nil, usageError{errors.New("missing --model")}
	}
	m, err := onnxfile.OpenContext(c.ctx, path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w; --model names the file that the package was generated from (%s) or a fine-tuned copy of it", err, c.net.Source.File)
	}
	if err != nil {
		return nil, err
	}
	if err := m.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if err := c.net.Fits(m); err != nil {
		if text := m.Metadata["autotailor.subnet"]; text != "" {
			return nil, fmt.Errorf("%s is an export of one SubNet (%s, of package %s), not the weights of all: --model names the file that the package was generated from (%s) or a fine-tuned copy of it",
				path, text, m.Metadata["autotailor.package"], c.net.Source.File)
		}
		return nil, fmt.Errorf("%s is neither the model that the package was generated from (%s) nor a fine-tuned copy of it: %w", path, c.net.Source.File, err)
	}
	c.model = m
	return m, c.numbers(path, m)
}

// numbers refuses weights that are no numbers, with which everything that a command computes would be none either.
func (c *call) numbers(path string, w nn.Weights) error {
	g, err := c.original()
	if err != nil {
		return err
	}
	list := nn.Broken(g, w)
	if len(list) == 0 {
		return nil
	}
	const named = 3
	text := strings.Join(list[:min(named, len(list))], ", ")
	if more := len(list) - named; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Errorf("%s: weights are infinite or not numbers (NaN): %s; the training that made them has failed: take an earlier state of it", path, text)
}

func (c *call) genes(text string) (space.Genes, error) {
	g, err := c.net.Parse(text)
	if err != nil {
		return nil, usageError{fmt.Errorf("--subnet: %w", err)}
	}
	if name, was := space.Renamed(c.net.Choices, text); name != "" {
		fmt.Fprintf(c.err, "note: version 1 called %s %s; a text that it wrote means another SubNet here\n", name, was)
	}
	return g, nil
}

// readFile opens a file for one of the table readers.
func readFile[T any](path string, read func(f *os.File) (T, error)) (T, error) {
	f, err := infile.Open(path)
	if err != nil {
		var zero T
		return zero, err
	}
	defer f.Close()
	t, err := read(f)
	if err != nil {
		return t, fmt.Errorf("%s: %w", path, err)
	}
	return t, nil
}

func (c *call) latencies(path string) (*lut.Table, error) {
	return readFile(path, func(f *os.File) (*lut.Table, error) { return lut.Read(f, c.net) })
}

// countedWith refuses sensitivities that were counted with other weights than w, because their accuracies do not hold for w.
func countedWith(h accuracy.Header, table string, w *onnxfile.Model) error {
	if h.Weights != "" && h.Weights != w.SHA256 {
		return fmt.Errorf("%s: its sensitivities were counted with other weights (%s, SHA-256 %.12s...) than those of %s (%.12s...): give those weights, or count again", table, h.Model, h.Weights, w.Path, w.SHA256)
	}
	return nil
}

func (c *call) accuracies(path string) (*accuracy.Table, error) {
	t, err := readFile(path, func(f *os.File) (*accuracy.Table, error) { return accuracy.Read(f, c.net) })
	if err != nil {
		return nil, err
	}
	return t, c.inputIs(path, t.Header.Resize, "count again")
}

// inputIs refuses files for which images became input in another way than in this package. Older files, and files that are made by hand, do not say how.
func (c *call) inputIs(path, said, remedy string) error {
	own := c.opt.Transform.String()
	if strings.HasPrefix(said, "rows; ") {
		own = c.opt.Columns.String()
	}
	if strings.Contains(said, "; ") && said != own {
		return fmt.Errorf("%s: there data became input in another way (%s) than `data` in autotailor.toml says now (%s): %s, or set `data` back", path, said, own, remedy)
	}
	return nil
}

// openSamples opens a split of the user's data. Pictures of any size become those of the original's input.
func (c *call) openSamples(dir, split string) (data.Samples, error) {
	return c.once(dir, split, func() (data.Samples, error) { return c.readSamples(dir, split) })
}

// once opens samples, or returns them if they are open already.
func (c *call) once(path, split string, open func() (data.Samples, error)) (data.Samples, error) {
	key := [2]string{path, split}
	if s := c.sets[key]; s != nil {
		return s, nil
	}
	s, err := open()
	if err != nil {
		return nil, err
	}
	if c.sets == nil {
		c.sets = map[[2]string]data.Samples{}
	}
	c.sets[key] = s
	return s, nil
}

func (c *call) readSamples(dir, split string) (data.Samples, error) {
	if s, err := c.random(dir, split); s != nil || err != nil {
		return s, err
	}
	t, channels := c.transform()
	g, err := c.original()
	if err != nil {
		return nil, err
	}
	s, err := data.OpenSamples(dir, split, data.InputsOf(g), data.Settings{
		Transform: c.opt.Transform, Size: data.Size{Channels: channels, Side: t.Crop, Resize: t.Resize}, Columns: c.opt.Columns, Reading: c.reading,
	})
	if err == nil {
		c.leftOut(s, dir, split)
	}
	if images, ok := s.(data.Source); ok && images.Set.Pictures() && t.Resize == 0 && len(c.sets) == 0 {
		c.warn(fmt.Sprintf("autotailor.toml does not say how pictures are scaled: their shorter side becomes %d pixels. Where training scaled to another side and took the centre, say so, as in data = { resize = %d }", t.Crop, t.Crop*8/7))
	}
	return s, err
}

// leftOut names the pictures or rows that are broken.
func (c *call) leftOut(s data.Samples, dir, split string) {
	const few = 10
	source, ok := s.(interface{ Skipped() []error })
	if !ok || len(source.Skipped()) == 0 {
		return
	}
	list := source.Skipped()
	c.warn(fmt.Sprintf("%s: %d broken ones are left out of the split %q (--skip): %v", dir, len(list), split, errors.Join(list[:min(few, len(list))]...)))
}

// original records the original network.
func (c *call) original() (*nn.Graph, error) {
	return c.net.Record(make(space.Genes, len(c.net.Choices)))
}

// transform says how images become input. t includes the side that is cut out of pictures. Side and channels are 0 if the network takes no images.
func (c *call) transform() (t data.Transform, channels int) {
	t = c.opt.Transform
	g, err := c.original()
	if err != nil || len(g.Inputs) == 0 {
		return t, 0
	}
	in := g.Values[g.Inputs[0]].Shape
	if len(in) != 4 || in[2] != in[3] {
		return t, 0
	}
	if t.Crop == 0 {
		t.Crop = max(0, in[2]-2*t.Pad)
	}
	return t, in[1]
}

// samples opens a split, the first n of it; 0 takes all.
func (c *call) samples(dir, split string, n int) (data.Samples, error) {
	s, err := c.openSamples(dir, split)
	if err != nil || n == 0 {
		return s, err
	}
	return s.Slice(0, n), nil
}

// progress shows the progress of a command: a bar on terminals, and otherwise a line every few seconds.
type progress struct {
	c    *call
	what string
	bar  *progressbar.ProgressBar
	last time.Time
}

func (c *call) progress(what string) *progress { return &progress{c: c, what: what, last: time.Now()} }

// between is the time between two lines.
const between = 5 * time.Second

func (p *progress) at(done, total int, elapsed time.Duration) {
	p.left(done, total, elapsed*time.Duration(total-done)/time.Duration(max(done, 1)))
}

// left shows a state with an estimate of the time that is left.
func (p *progress) left(done, total int, left time.Duration) {
	if f, ok := p.c.err.(*os.File); ok && isTerminal(f) {
		if p.bar == nil {
			p.bar = progressbar.NewOptions(total, progressbar.OptionSetWriter(f),
				progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish())
		}
		p.bar.Describe(p.what)
		_ = p.bar.Set(done) // a command does not stop because its bar cannot be drawn
		return
	}
	if now := time.Now(); now.Sub(p.last) >= between {
		p.last = now
		fmt.Fprintf(p.c.err, "%s: %d of %d, %v left\n", p.what, done, total, left.Round(time.Second))
	}
}

func isTerminal(f *os.File) bool {
	i, err := f.Stat()
	return err == nil && i.Mode()&os.ModeCharDevice != 0
}

// milliseconds is a duration for JSON.
func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
