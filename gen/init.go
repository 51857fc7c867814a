package gen

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/autotailor/autotailor/gen/config"
	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/templates"
)

// Init proposes a config for a model, and the name of the package; dir is the folder that it is meant for.
// The config is checked by compiling it.
func Init(model, dir string, inputs map[string][]int) (text []byte, pkg string, err error) {
	j := Job{Model: model, Inputs: inputs}
	g, info, err := j.read(model, config.Default())
	if err != nil {
		return nil, "", err
	}
	plan, err := supernet.Detect(g, supernet.Config{Divisor: config.DefaultDivisor, DepthKeep: config.DefaultDepthKeep}, templates.All())
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", model, err)
	}
	c := config.Default()
	c.Title, _, _ = strings.Cut(info.File, ".")
	c.Package = view.PackageName(info.File)
	if c.Model, err = relative(dir, model); err != nil {
		return nil, "", err
	}
	for name, s := range inputs {
		c.Inputs = append(c.Inputs, config.Input{Name: name, Shape: s})
	}
	slices.SortFunc(c.Inputs, func(a, b config.Input) int { return strings.Compare(a.Name, b.Name) })
	fill(&c, plan)
	text = config.Write(c, comments(plan))
	return text, c.Package, check(j, text)
}

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

// check compiles a proposed config against a fresh copy of the model.
func check(j Job, text []byte) error {
	c, err := config.Read("autotailor.toml", text)
	if err != nil {
		return fmt.Errorf("internal error: %w", err)
	}
	g, _, err := j.read(j.Model, c)
	if err != nil {
		return err
	}
	if _, err := supernet.Compile(g, c.Supernet(), templates.All()); err != nil {
		return fmt.Errorf("%s: the proposed choices do not fit: %w", j.Model, err)
	}
	return nil
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
			if b.Type != "" && !seen[b.Type] {
				seen[b.Type] = true
				c.Blocks = append(c.Blocks, b.Type)
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
		"arch":                                append([]string{"Stages and blocks that were found:"}, found(p)...),
		"arch.divisor":                        {"Widths are rounded to multiples of this; odd widths are slow on most devices."},
		"var.global_vars.resolution":          {"Sides of the square input, in pixels."},
		"var.stage_vars.width_mult":           {"Multipliers of the stages' output widths."},
		"var.stage_vars.width_mult_skipped":   {"Stages that keep their width: another stage decides it, or nothing can be cut."},
		"var.stage_vars.reduce_depth":         {"Blocks to drop from the end of a stage, as zero or negative numbers."},
		"var.stage_vars.reduce_depth_skipped": {"Stages without blocks that can be left out."},
		"var.global_vars":                     nil,
		"var.block_vars":                      {"What blocks of one type can choose, each for itself."},
	}
	out["var.block_vars.GenericBlock.width_ratio"] = []string{"Shares of the widths inside of what no template knows, one choice for each stage."}
	for b, ratios := range p.Ratios {
		var texts []string
		for _, r := range ratios {
			if t := view.Text(r); !slices.Contains(texts, t) {
				texts = append(texts, t)
			}
		}
		out["var.block_vars."+b+".expand_ratio"] = []string{"Inner width by base width; the model's own: " + strings.Join(texts, ", ") + "."}
	}
	return out
}

// found lists stages with their blocks.
func found(p *supernet.Plan) []string {
	var out []string
	for _, s := range p.Stages {
		var names []string
		count := map[string]int{}
		for _, b := range s.Blocks() {
			name := b.Type
			if name == "" {
				name = "generic block"
			}
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
