package gen

import (
	"cmp"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/gen/config"
	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/internal/operators"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/runtime/nn"
	"github.com/autotailor/autotailor/runtime/train/data"
	"github.com/autotailor/autotailor/templates"
)

// Proposal is what a config is proposed from.
type Proposal struct {
	Model   string
	Dir     string           // the folder that the config is meant for
	Package string           // Go package name; "" takes the folder's
	Inputs  map[string][]int // shapes of inputs with open axes
	Data    string           // folder with training images, which say how images become input; "" when there are none
	Skip    int              // broken pictures or rows of it that may be left out; 0 is a tenth of the pictures that are looked at, and no rows
	Note    func(string)     // is told what the user should know; nil for nobody
}

// Init proposes a config for a model, and the name of the package; dir is the folder that it is meant for.
func Init(model, dir string, inputs map[string][]int) (text []byte, pkg string, err error) {
	return Proposal{Model: model, Dir: dir, Inputs: inputs}.Config()
}

// Config returns the text of the config and the name of the package. The config is checked by compiling it.
func (p Proposal) Config() (text []byte, pkg string, err error) {
	j := Job{Model: p.Model, Inputs: p.Inputs, file: &opened{}}
	j.again = j.elsewhere(p.Model, config.Default())
	g, info, err := j.read(p.Model, config.Default())
	if err != nil {
		return nil, "", err
	}
	plan, err := supernet.Detect(g, supernet.Config{Divisor: config.DefaultDivisor, DepthKeep: config.DefaultDepthKeep, Elsewhere: j.again}, templates.All())
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", p.Model, err)
	}
	c := config.Default()
	c.Title, _, _ = strings.Cut(info.File, ".")
	if c.Package, err = p.name(); err != nil {
		return nil, "", err
	}
	if c.Model, err = relative(p.Dir, p.Model); err != nil {
		return nil, "", err
	}
	for name, s := range p.Inputs {
		c.Inputs = append(c.Inputs, config.Input{Name: name, Shape: s})
	}
	slices.SortFunc(c.Inputs, func(a, b config.Input) int { return strings.Compare(a.Name, b.Name) })
	notes := comments(plan)
	if text := operators.FoldedNote(folded(g)); text != "" {
		notes[""] = append(append(notes[""], ""), strings.Split(text, "\n")...)
		p.note(text)
	}
	if err := p.data(g, &c, notes); err != nil {
		return nil, "", err
	}
	fill(&c, plan)
	text, keeps, err := checked(j, c, notes)
	if err != nil {
		return nil, "", err
	}
	for narrow(&c); keeps > large && c.Divisor > 1; c.Divisor /= 2 {
		if narrower, less, err := checked(j, c, notes); err == nil && less < keeps {
			text, keeps = narrower, less
		}
	}
	return text, c.Package, nil
}

// note tells the user something.
func (p Proposal) note(text string) {
	if p.Note != nil {
		p.Note(text)
	}
}

// large is the share of the multiply-accumulates above which the smallest SubNet of halves is not small: half a width that only one layer in two
// has, or that the first and the last layer have, is no quarter of their work. Such models are offered quarters, too, and finer steps where eight channels
// are a large part of a width.
const large = 0.35

// narrow adds half of the smallest candidate to each list of widths.
func narrow(c *config.Config) {
	half := func(list []float64) []float64 {
		if len(list) < 2 {
			return list
		}
		return append([]float64{slices.Min(list) / 2}, list...)
	}
	c.Width = half(c.Width)
	for i, v := range c.Vars {
		if v.Name == "ratio" || v.Name == "expand" {
			c.Vars[i].Values = half(v.Values)
		}
	}
}

// name is that of the package: what the user wants, else that of the folder, as is the custom.
func (p Proposal) name() (string, error) {
	if p.Package != "" {
		return p.Package, view.CheckPackageName(p.Package)
	}
	dir, err := filepath.Abs(p.Dir)
	if err != nil {
		return "", err
	}
	_, err = findModule(dir)
	return view.PackageName(filepath.Base(dir)), err
}

// data says how images become input: black around them up to the side of the input, then less the mean of the training images and by
// their deviation, as training usually does. Without images it leaves a comment.
func (p Proposal) data(g *ir.Graph, c *config.Config, notes config.Comments) error {
	if p.Data == "" {
		notes[""] = append(notes[""],
			"", "How images become input, which only accuracy needs, is not known: without it pixels become x/255. Say what training did, such as",
			"  data = { pad = 2, mean = [0.2860], std = [0.3530] }", "for two pixels of black around, then (x/255-mean)/std for each channel; or let `autotailor init --data DIR` propose it.")
		return nil
	}
	images, ok, err := p.rows(g, c, notes) // may say what targets are for
	if ok || err != nil {
		return err
	}
	channels, side := 0, 0
	if len(g.Inputs) > 0 {
		if shape := g.Values[g.Inputs[0]].Shape; len(shape) == 4 {
			channels, side = shape[1].Size, shape[2].Size // -1 when open
		}
	}
	var mean, std []float64
	if images == nil {
		images, mean, std, err = p.pictures(max(channels, 0), max(side, 0), c)
	} else {
		mean, std, err = images.Statistics()
	}
	if err != nil {
		return err
	}
	if why := unscored(g, images); why != "" && c.Task == "" {
		c.Task = "original"
		p.note(why)
		notes["task"] = append(notes["task"], why)
	}
	if channels > 0 && channels != images.Channels {
		return fmt.Errorf("%s takes images of %d channels, those of --data have %d", p.Model, channels, images.Channels)
	}
	if slightlyLarger(side, images.Height) {
		c.Data.Pad = (side - images.Height) / 2
	}
	for i := range mean {
		c.Data.Mean, c.Data.Std = append(c.Data.Mean, round(mean[i])), append(c.Data.Std, cmp.Or(round(std[i]), 1)) // one shade has no deviation
	}
	doubt := "If the command `sensitivity` finds the original less accurate than you know it to be, your training did something else."
	if c.Task == "original" {
		doubt = "Agreement with the original does not show when these numbers are wrong: compare them with your training. Many detectors take x/255, which is no mean and no std."
	}
	notes["data"] = append(notes["data"], "A proposal from the training images: less their mean and by their deviation, with black around them where they are a little smaller than the input.", doubt)
	if images.Channels == 3 && images.Images != nil {
		notes["data"] = append(notes["data"], "Networks that come from ImageNet usually have mean = [0.485, 0.456, 0.406] and std = [0.229, 0.224, 0.225].")
	}
	return nil
}

// unscored says why a model cannot be judged by the classes of images, "" if it can.
func unscored(g *ir.Graph, images *data.Set) string {
	const agreement = "quality is how far a SubNet agrees with the original (task = \"original\"), which needs no labels"
	outputs := described(g, g.Outputs)
	switch {
	case !slices.ContainsFunc(images.Labels, func(label int32) bool { return label >= 0 }):
		return "The images have no classes: " + agreement + "."
	case len(outputs) > 0 && (len(outputs[0].Shape) != 2 || outputs[0].Type != nn.Float32):
		return fmt.Sprintf("The first output, %q, has the shape %v and scores no classes: %s.", outputs[0].Name, outputs[0].Shape, agreement)
	}
	return ""
}

// sample is how many pictures suffice for a mean.
const sample = 2000

// pictures opens the training images, and returns the mean and the deviation of each channel. Where a picture is broken and the user allows none, those
// of the sample are left out, up to a tenth.
func (p Proposal) pictures(channels, side int, c *config.Config) (images *data.Set, mean, std []float64, err error) {
	look := func(r data.Reading) {
		if images, err = p.images(channels, side, c, r); err != nil {
			return
		}
		some := images
		if images.Images != nil { // IDX files are in memory anyway
			some = images.Slice(0, sample)
		}
		mean, std, err = some.Statistics()
	}
	look(data.Reading{Skip: p.Skip})
	if p.Skip == 0 && data.IsBroken(err) {
		all, err2 := data.Open(p.Data, "train", data.Size{Channels: max(channels, 1), Side: max(side, 1)})
		if err2 != nil {
			return nil, nil, nil, err2
		}
		look(data.Reading{Most: sample, Skip: max(1, min(all.N, sample)/10)})
	}
	if err == nil && len(images.Skipped) > 0 {
		p.note(LeftOut(images.Skipped))
	}
	return images, mean, std, err
}

// LeftOut says which pictures were left out.
func LeftOut(list []error) string {
	const few = 10
	lines := []string{fmt.Sprintf("%d broken pictures are left out; give other commands --skip, or remove them:", len(list))}
	for _, err := range list[:min(few, len(list))] {
		lines = append(lines, "  "+err.Error())
	}
	return strings.Join(lines, "\n")
}

// images opens the training images. Pictures of one size that is the input's, or a little smaller, are taken as they are; others are scaled as
// torchvision's presets do, to 8/7 of the input's side, and their centre is taken.
func (p Proposal) images(channels, side int, c *config.Config, how data.Reading) (*data.Set, error) {
	s, err := how.Open(p.Data, "train", data.Size{Channels: channels, Side: side})
	if err != nil || s.Images == nil {
		return s, err
	}
	common, err := s.Slice(0, 100).Square()
	if err != nil {
		return nil, err
	}
	cut := side
	if c.Data.Resize = side * 8 / 7; slightlyLarger(side, common) {
		c.Data.Resize, cut = common, common
	}
	return how.Open(p.Data, "train", data.Size{Channels: channels, Side: cut, Resize: c.Data.Resize})
}

// slightlyLarger tells whether images of one side probably have black around them in an input of another.
func slightlyLarger(side, images int) bool { return side >= images && side <= images*3/2 }

// round keeps four digits after the point.
func round(x float64) float64 { return math.Round(x*1e4) / 1e4 }

// relative is the path of a file as seen from a folder, with slashes.
func relative(dir, file string) (string, error) {
	from, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	to, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(from, to)
	if err != nil {
		return filepath.ToSlash(to), nil // on another drive
	}
	return filepath.ToSlash(rel), nil
}

// checked writes a proposed config, compiles it against a fresh copy of the model, and tells the share of the multiply-accumulates that the smallest
// SubNet keeps.
func checked(j Job, c config.Config, notes config.Comments) (text []byte, keeps float64, err error) {
	text = config.Write(c, notes)
	c, err = config.Read("autotailor.toml", text)
	if err != nil {
		return nil, 0, fmt.Errorf("internal error: %w", err)
	}
	g, _, err := j.read(j.Model, c)
	if err != nil {
		return nil, 0, err
	}
	net, err := compile(g, j.supernet(j.Model, c))
	if err != nil {
		return nil, 0, fmt.Errorf("%s: the proposed choices do not fit: %w", j.Model, err)
	}
	smallest, err := net.Smallest()
	return text, smallest.MACs, err
}

// fill copies a plan's choices.
func fill(c *config.Config, p *supernet.Plan) {
	s := p.Config
	c.Resolution, c.Width, c.WidthSkipped = s.Resolution.List, s.Width.List, s.WidthSkipped.List
	c.Depth, c.DepthSkipped = s.Depth.List, s.DepthSkipped.List
	for _, v := range s.Vars {
		c.Vars = append(c.Vars, config.List{Block: v.Block, Name: v.Name, Values: v.List})
	}
	seen := map[string]bool{}
	for _, st := range p.Stages {
		for _, b := range st.Blocks() {
			if b.Type != "" && !seen[b.GoName] {
				seen[b.GoName] = true
				c.Blocks = append(c.Blocks, b.GoName)
			}
		}
	}
	for _, b := range s.Bases {
		c.Bases = append(c.Bases, config.Base{Block: b.Block, Base: b.Base})
	}
}

// comments explains the file, with what was found in the model.
func comments(p *supernet.Plan) config.Comments {
	out := config.Comments{
		"": {
			"Choices of a SuperNet, proposed by `autotailor init`. Every list is yours to change:",
			"`autotailor inspect` shows what comes of it, `autotailor gen` writes the package.",
		},
		"arch":                         append([]string{"Stages and blocks that were found:"}, found(p)...),
		"arch.divisor":                 {"Widths are rounded to multiples of this; odd widths are slow on most devices."},
		"var.global_vars.resolution":   {"Sides of the square input, in pixels."},
		"var.stage_vars.width":         {"Multipliers of the stages' output widths."},
		"var.stage_vars.width_skipped": {"Stages that keep their width: another stage decides it, or nothing can be cut."},
		"var.stage_vars.depth":         {"Blocks to drop from the end of a stage, as zero or negative numbers."},
		"var.stage_vars.depth_skipped": {"Stages without blocks that can be left out."},
		"var.global_vars":              nil,
		"var.block_vars":               {"What blocks can choose, each for itself. Lists for blocks of one name have it in front, such as InvertedResidual.expand."},
	}
	about := "var.global_vars.resolution"
	if len(p.Config.Resolution.List) == 0 {
		about = ""
	}
	for _, note := range p.Notes {
		out[about] = append(out[about], view.Comment(note))
	}
	out["var.block_vars.Generic.ratio"] = []string{"Shares of the widths that are neither a stage's own nor a block's: of layers inside a stage, for example. One choice for each stage."}
	var all []float64
	for b, ratios := range p.Ratios {
		out["var.block_vars."+b+".expand"] = ratioNote(ratios)
		all = append(all, ratios...)
	}
	slices.Sort(all)
	out["var.block_vars.expand"] = ratioNote(all)
	return out
}

// ratioNote tells the expand ratios that the model has.
func ratioNote(ratios []float64) []string {
	var texts []string
	for _, r := range ratios {
		if t := view.Text(r); !slices.Contains(texts, t) {
			texts = append(texts, t)
		}
	}
	return []string{"Inner width by base width; the model's own: " + strings.Join(texts, ", ") + "."}
}

// found lists stages with their blocks.
func found(p *supernet.Plan) []string {
	var out []string
	for _, s := range p.Stages {
		var names []string
		count := map[string]int{}
		for _, b := range s.Blocks() {
			name := cmp.Or(b.GoName, "generic block")
			if count[name]++; count[name] == 1 {
				names = append(names, name)
			}
		}
		for k, n := range names {
			names[k] = fmt.Sprintf("%d %s", count[n], n)
		}
		if len(names) == 0 {
			names = []string{"-"}
		}
		out = append(out, fmt.Sprintf("  stage %-3d width %-5d %s", s.Index, s.Width, strings.Join(names, ", ")))
	}
	return out
}
