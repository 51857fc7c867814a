package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/internal/outfile"
	"github.com/autotailor/autotailor/runtime/deploy/bundle"
	"github.com/autotailor/autotailor/runtime/deploy/ncnn"
	"github.com/autotailor/autotailor/runtime/deploy/safetensors"
	"github.com/autotailor/autotailor/runtime/model"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/onnxfile"
	"github.com/autotailor/autotailor/runtime/space"
)

// exported is the result of `export`.
type exported struct {
	File      string    `json:"file"`
	Files     []string  `json:"files"`
	SubNet    string    `json:"subnet"`
	Bytes     int       `json:"bytes"`
	MACs      int64     `json:"macs"`
	Params    int64     `json:"params"`
	Uncounted uncounted `json:"uncounted"`
	LatencyMS *float64  `json:"predicted_ms,omitempty"`
	Accuracy  *float64  `json:"predicted_accuracy,omitempty"`
	// Statistics are those of batch normalisations: "none", "original", "recalibrated" or "borrowed".
	Statistics string `json:"statistics"`
	Warning    string `json:"warning,omitempty"`
}

// exportFlags are those of `export`.
type exportFlags struct {
	model, text, out, format, recalibrate, lut, accuracy, dir, data *string
	fold, half, plain, force, borrow                                *bool
	n, batch, opset, front                                          *int
	engine                                                          engineFlags
	lists                                                           []*bundle.Listed // statistics of SubNets that commands have kept
	anew                                                            bool             // the SubNet has statistics of its own
}

// formats are the formats that `export` writes, with the extensions of their files.
var formats = map[string]struct {
	extensions []string // appended to the given name; none if the name is the file's
	encode     func(c *call, f *exportFlags, g *nn.Graph, w nn.Weights, meta map[string]string) ([][]byte, error)
}{
	"onnx":        {[]string{""}, encodeONNX},
	"ncnn":        {[]string{".param", ".bin"}, encodeNCNN},
	"safetensors": {[]string{""}, encodeSafetensors},
}

func runExport(c *call) error {
	f := &exportFlags{model: c.modelFlag(), text: c.subNetFlag(), engine: c.engineFlags(0)}
	f.out = c.flags.String("out", "", "`file` to write; for ncnn the name of both files, without .param and .bin")
	f.format = c.flags.String("format", "onnx", "onnx, ncnn for a .param and a .bin file (batch 1, normalisations folded), or safetensors for the weights alone, with the names that they have in the model")
	f.half = c.flags.Bool("fp16", false, "store weights as float16 (computation is the runtime's choice)")
	f.plain = c.flags.Bool("plain-attention", false, "for releases of ncnn before 2025: attention as matrix products")
	f.fold = c.flags.Bool("fold-batch-norm", true, "multiply normalisations into the convolutions and linear layers before them; =false keeps them apart")
	f.data = c.dataFlag()
	f.recalibrate = c.flags.String("recalibrate", "", "recompute BatchNorm statistics from the training images of this `folder`, or from a sample that sensitivity or tune keeps (default: what is listed beside --accuracy or --model, with "+statsEnding+", or else the sample there)")
	f.borrow = c.flags.Bool("no-recalibration", false, "leave the original's BatchNorm statistics in the SubNet, which classifies far worse than predicted then")
	f.n = c.flags.Int("calibrate", 1000, "training images for --recalibrate, 0 for all")
	f.batch = c.flags.Int("batch", 0, "fixed batch size, 0 leaves it open; ncnn has 1")
	f.opset = c.flags.Int("opset", 0, "ONNX operator set, at least this; 0 means the model's, or as high as the SubNet's operators need")
	f.force = c.flags.Bool("force", false, "overwrite existing files")
	f.lut, f.accuracy = c.tableFlags()
	f.front = c.flags.Int("front", 0, "write this many SubNets of the Pareto front as a bundle into --dir: the weights once, and a manifest")
	f.dir = c.flags.String("dir", "", "`folder` for --front")
	if err := c.parse(); err != nil {
		return err
	}
	if c.flags.Changed("front") || *f.dir != "" {
		if *f.front < 1 {
			return usageError{fmt.Errorf("--front %d: want the number of SubNets for --dir", *f.front)}
		}
		return c.exportFront(f)
	}
	if *f.data != "" {
		return usageError{errors.New("--data goes with --front, whose SubNets are counted on it; --recalibrate DIR takes statistics from a folder")}
	}
	if err := c.require("model", "out"); err != nil {
		return err
	}
	if err := c.goTogether(f); err != nil {
		return usageError{err}
	}
	format, r := formats[*f.format], exported{}
	for _, e := range format.extensions {
		r.Files = append(r.Files, strings.TrimSuffix(*f.out, format.extensions[0])+e)
	}
	if err := c.keepsModel(*f.model, r.Files...); err != nil {
		return err
	}
	for _, name := range r.Files {
		if _, err := os.Stat(name); err == nil && !*f.force {
			return fmt.Errorf("%s exists; --force overwrites it", name)
		}
	}
	return c.export(f, &r)
}

// maxBatch bounds a fixed batch: more is a mistake.
const maxBatch = 1 << 16

// keepsModel refuses to write over the model, whose weights an export of one SubNet does not have: nothing would bring them back.
func (c *call) keepsModel(model string, files ...string) error {
	for _, source := range []string{model, c.opt.Model} {
		was, err := os.Stat(source)
		if source == "" || err != nil {
			continue
		}
		for _, name := range files {
			if is, err := os.Stat(name); name != "" && err == nil && os.SameFile(was, is) {
				return fmt.Errorf("%s is the model with the weights of all SubNets, %s: give another name for what is written", name, source)
			}
		}
	}
	return nil
}

// goTogether refuses flags that do not apply to the format.
func (c *call) goTogether(f *exportFlags) error {
	_, ok := formats[*f.format]
	switch {
	case !ok:
		return fmt.Errorf("--format %s: formats are %s", *f.format, strings.Join(slices.Sorted(maps.Keys(formats)), ", "))
	case *f.plain && *f.format != "ncnn":
		return errors.New("--plain-attention goes with --format ncnn")
	case *f.batch < 0 || *f.batch > maxBatch:
		return fmt.Errorf("--batch %d: want at most %d, or 0 for an open batch", *f.batch, maxBatch)
	case *f.opset < 0 || *f.opset > max(onnxfile.MaxOpset, c.net.Source.Opset):
		return fmt.Errorf("--opset %d: the newest that is known is %d; 0 means the model's, %d", *f.opset, onnxfile.MaxOpset, c.net.Source.Opset)
	case *f.format != "onnx" && c.flags.Changed("opset"):
		return errors.New("--opset goes with --format onnx")
	case *f.format == "ncnn" && *f.batch > 1:
		return fmt.Errorf("--batch %d: an NCNN model has the batch 1", *f.batch)
	case *f.format != "safetensors":
		return nil
	}
	for _, name := range []string{"batch", "fold-batch-norm"} {
		if c.flags.Changed(name) {
			return fmt.Errorf("--%s does not go with --format safetensors, which has the weights of the SuperNet as they are", name)
		}
	}
	return nil
}

// export writes the files that r names.
func (c *call) export(f *exportFlags, r *exported) error {
	g, err := c.genes(*f.text)
	if err != nil {
		return err
	}
	weights, err := c.weights(*f.model)
	if err != nil {
		return err
	}
	if err := c.ownStatistics(f, weights, g); err != nil {
		return err
	}
	graph, w, anew, err := c.prepare(f, g, weights)
	if err != nil {
		return err
	}
	f.anew = anew
	meta, err := c.predicted(f, g, weights, r)
	if err != nil {
		return err
	}
	if r.Statistics, r.Warning, err = c.statistics(g, graph, f.anew); err != nil {
		return err
	}
	if r.Statistics == noStatistics && c.flags.Changed("recalibrate") {
		c.warn("--recalibrate changes nothing: the network has no BatchNorm whose statistics could be recomputed")
		c.foldedNote()
	}
	meta["autotailor.statistics"] = r.Statistics
	if *f.format == "onnx" && onnxfile.Large(graph) {
		if err := c.exportLarge(f, r, w, meta); err != nil {
			return err
		}
		return c.tell(r)
	}
	if *f.format == "onnx" {
		need := onnxfile.NeedsOpset(graph, *f.opset)
		higher := need > max(*f.opset, c.net.Source.Opset)
		if higher && *f.opset > 0 {
			return fmt.Errorf("--opset %d: operators of the SubNet need opset %d; give that, or leave --opset out", *f.opset, need)
		}
		if higher {
			fmt.Fprintf(c.err, "note: the file has opset %d, the model has %d: operators of the SubNet need it\n", need, c.net.Source.Opset)
		}
	}
	contents, err := formats[*f.format].encode(c, f, graph, w, meta)
	if err != nil {
		return err
	}
	var files []outfile.Content
	for i, data := range contents {
		files = append(files, outfile.Content{Path: r.Files[i], Data: data})
		r.Bytes += len(data)
	}
	if err := outfile.WriteAll(files...); err != nil {
		return err
	}
	return c.tell(r)
}

// tell prints what was written.
func (c *call) tell(r *exported) error {
	r.File = r.Files[0]
	c.warn(r.Warning)
	if *c.json {
		return c.print(r)
	}
	_, err := fmt.Fprintf(c.out, "wrote %s: %s, %d bytes, %d MACs, %d parameters\n%s", strings.Join(r.Files, " and "), r.SubNet, r.Bytes, r.MACs, r.Params, r.Uncounted.note())
	return err
}

// predicted describes a SubNet, for the result and for the metadata of its file.
func (c *call) predicted(f *exportFlags, g space.Genes, w *onnxfile.Model, r *exported) (map[string]string, error) {
	d, err := c.describe(g)
	if err != nil {
		return nil, err
	}
	r.SubNet, r.MACs, r.Params, r.Uncounted = d.Text, d.MACs, d.Params, uncountedOf(c.net)
	meta, err := model.Metadata(c.net, g)
	if err != nil {
		return nil, err
	}
	if *f.lut != "" {
		t, err := c.latencies(*f.lut)
		if err != nil {
			return nil, err
		}
		sum, err := t.Sum(c.net)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", *f.lut, err)
		}
		ms := float64(sum.At(g)) / 1e6
		r.LatencyMS = &ms
		meta["autotailor.predicted_ms"] = strconv.FormatFloat(ms, 'g', 6, 64)
		meta["autotailor.device"], meta["autotailor.engine"] = t.Header.Device, t.Header.Engine
	}
	if *f.accuracy != "" {
		t, err := c.accuracies(*f.accuracy)
		if err != nil {
			return nil, err
		}
		if err := countedWith(t.Header, *f.accuracy, w); err != nil {
			return nil, err
		}
		penalty, err := t.Penalty(c.net)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", *f.accuracy, err)
		}
		a := t.Value(penalty.At(g))
		r.Accuracy = &a
		meta["autotailor.predicted_accuracy"] = strconv.FormatFloat(a, 'g', 6, 64)
	}
	return meta, nil
}

func encodeONNX(c *call, f *exportFlags, _ *nn.Graph, w nn.Weights, meta map[string]string) ([][]byte, error) {
	var file bytes.Buffer
	err := c.writeONNX(&file, f, w, meta, nil)
	return [][]byte{file.Bytes()}, err
}

func (c *call) writeONNX(dst io.Writer, f *exportFlags, w nn.Weights, meta map[string]string, beside *onnxfile.Beside) error {
	g, err := c.genes(*f.text)
	if err != nil {
		return err
	}
	return model.ExportONNX(dst, c.net, g, w, model.ExportOptions{
		NoRecalibration: !f.anew, KeepBatchNorm: !*f.fold, Half: *f.half, Batch: *f.batch, Opset: *f.opset, Metadata: meta, Beside: beside,
	})
}

// tight makes the garbage collector run when the heap has grown by a tenth, in percent.
const tight = 10

// exportLarge writes a model that is too large for one file. Its weights go to a second file, and are never all in memory at once.
func (c *call) exportLarge(f *exportFlags, r *exported, w nn.Weights, meta map[string]string) error {
	data := r.Files[0] + ".data"
	if _, err := os.Stat(data); err == nil && !*f.force {
		return fmt.Errorf("%s exists; --force overwrites it", data)
	}
	r.Files = append(r.Files, data)
	defer debug.SetGCPercent(debug.SetGCPercent(tight)) // what is in memory is one tensor of many
	var file bytes.Buffer
	beside := &onnxfile.Beside{Name: filepath.Base(data)}
	return outfile.WriteAll(outfile.Content{Path: data, Write: func(dst io.Writer) error {
		beside.Data = dst
		return c.writeONNX(&file, f, w, meta, beside)
	}}, outfile.Content{Path: r.Files[0], Write: func(dst io.Writer) error {
		n, err := file.WriteTo(dst)
		r.Bytes = int(beside.Bytes + n)
		return err
	}})
}

func encodeNCNN(_ *call, f *exportFlags, g *nn.Graph, w nn.Weights, meta map[string]string) ([][]byte, error) {
	var notes []string
	for _, k := range slices.Sorted(maps.Keys(meta)) {
		notes = append(notes, k+": "+meta[k])
	}
	m, err := ncnn.Export(g, w, ncnn.Options{Notes: notes, PlainAttention: *f.plain})
	if err != nil {
		return nil, err
	}
	param, bin, err := m.Encode(*f.half)
	return [][]byte{param, bin}, err
}

func encodeSafetensors(_ *call, f *exportFlags, g *nn.Graph, w nn.Weights, meta map[string]string) ([][]byte, error) {
	file, err := safetensors.Encode(g, w, meta, *f.half)
	return [][]byte{file}, err
}
