package gen

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/autotailor/autotailor/gen/config"
	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/internal/fusion"
	"github.com/autotailor/autotailor/internal/infile"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/onnx"
	"github.com/autotailor/autotailor/ir/pass"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/ir/unique"
	runtime "github.com/autotailor/autotailor/runtime/supernet"
	"github.com/autotailor/autotailor/templates"
)

// Compile reads the config and the model, and makes the SuperNet and its distinct operators.
func (j Job) Compile() (*Compiled, error) {
	start := time.Now()
	if j.file == nil {
		j.file = &opened{}
	}
	c, err := j.configured()
	if err != nil {
		return nil, err
	}
	sets, err := ruleSets(c.Config, c.Dir)
	if err != nil {
		return nil, err
	}
	path, err := j.model(c)
	if err != nil {
		return nil, err
	}
	g, info, err := j.read(path, c.Config)
	if err != nil {
		return nil, err
	}
	c.model = info.Model
	c.Source = runtime.Source{File: info.File, SHA256: info.SHA256, Opset: info.Opset}
	if err := errors.Join(pictures(g, c.Config), knownTask(c.Config)); err != nil {
		return nil, err
	}
	read := time.Now()
	if c.Net, err = compile(g, j.supernet(path, c.Config)); err != nil {
		return nil, err
	}
	compiled := time.Now()
	if c.Ops, err = unique.Enumerate(c.Net, sets); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	end := time.Now()
	c.Timings = Timings{read.Sub(start), compiled.Sub(read), end.Sub(compiled), end.Sub(start)}
	return c, nil
}

// compile makes the SuperNet of a graph. What could not be written for all SubNets is frozen, with the reason.
func compile(g *ir.Graph, c supernet.Config) (*supernet.Net, error) {
	for {
		net, err := supernet.Compile(g, c, templates.All())
		if err != nil {
			return nil, err
		}
		before := len(c.Rigid)
		for _, r := range view.Refused(net) {
			if !slices.ContainsFunc(c.Rigid, func(known supernet.Rigid) bool { return known.Node == r.Node }) {
				c.Rigid = append(c.Rigid, r)
			}
		}
		if len(c.Rigid) == before {
			return net, nil
		}
	}
}

// configured is a SuperNet of which only the config is there.
func (j Job) configured() (*Compiled, error) {
	text, err := infile.Read(j.Config, infile.Text)
	if err != nil {
		return nil, err
	}
	c := &Compiled{Dir: filepath.Dir(j.Config)}
	c.Config, err = config.Read(j.Config, text)
	c.Config.Frozen = append(c.Config.Frozen, j.frozen...)
	return c, err
}

// Canonicalise reads the job's model and runs the passes, for Dump's sake.
func (j Job) Canonicalise() error {
	c := &Compiled{Dir: filepath.Dir(j.Config), Config: config.Default()}
	if text, err := infile.Read(j.Config, infile.Text); err == nil {
		if c.Config, err = config.Read(j.Config, text); err != nil {
			return err
		}
	} else if j.Model == "" {
		return err
	}
	path, err := j.model(c)
	if err != nil {
		return err
	}
	_, _, err = j.read(path, c.Config)
	return err
}

// opened is a model file that is read once: init looks at the model at several resolutions, and makes its SuperNet twice. A nil one reads anew.
type opened struct {
	path string
	info *onnx.Info
}

// graph is that of the model at path, before any pass.
func (o *opened) graph(path string) (*ir.Graph, *onnx.Info, error) {
	if o != nil && o.info != nil && o.path == path {
		g, err := o.info.Graph()
		return g, o.info, err
	}
	g, info, err := onnx.Read(path)
	if o != nil && err == nil {
		o.path, o.info = path, info
	}
	return g, info, err
}

// read reads a model and brings it to canonical form.
func (j Job) read(path string, c config.Config) (*ir.Graph, *onnx.Info, error) {
	g, info, err := j.file.graph(path)
	if err != nil {
		return nil, nil, err
	}
	if err := j.fixInputs(g, path, c); err != nil {
		return nil, nil, err
	}
	if err := pass.Canonicalise(g, pass.Options{After: j.After, Dump: j.Dump}); err != nil {
		if open := supernet.OpenInputs(g); open != nil { // a pass may need them
			err = open
		}
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	return g, info, nil
}

// fixInputs sets the shapes of inputs that the config or the command line fixes.
func (j Job) fixInputs(g *ir.Graph, path string, c config.Config) error {
	shapes := map[string][]int{}
	for _, in := range c.Inputs {
		shapes[in.Name] = in.Shape
	}
	for name, s := range j.Inputs {
		shapes[name] = s
	}
	at := func(name string) string {
		if _, flag := j.Inputs[name]; flag {
			return path
		}
		return c.Pos("input." + name)
	}
	var names []string
	for _, id := range g.Inputs {
		v := g.Values[id]
		names = append(names, v.Name)
		s, ok := shapes[v.Name]
		if !ok {
			continue
		}
		delete(shapes, v.Name)
		if v.Shape != nil && len(s) != len(v.Shape) {
			return fmt.Errorf("%s: input %q has %d axes, the shape %v that is asked for has %d", at(v.Name), v.Name, len(v.Shape), s, len(s))
		}
		for k, d := range v.Shape {
			if d.Size > 0 && d.Size != s[k] {
				return fmt.Errorf("%s: input %q has the extent %d in axis %d, the shape %v that is asked for has %d: only open axes can be set; leave it out, or export the model anew", at(v.Name), v.Name, d.Size, k, s, s[k])
			}
		}
		v.Shape = make(ir.Shape, len(s))
		for k, n := range s {
			v.Shape[k] = ir.Dim{Size: n}
		}
	}
	for name := range shapes {
		return fmt.Errorf("%s: there is no input %q; inputs are %s", at(name), name, strings.Join(names, ", "))
	}
	return nil
}

// model is the path of the model file.
func (j Job) model(c *Compiled) (string, error) {
	switch {
	case j.Model != "":
		return j.Model, nil
	case c.Config.Model != "":
		return c.at(c.Config.Model), nil
	}
	return "", fmt.Errorf("%s: no model: add a line model = \"file.onnx\", or give --model", c.Config.File)
}

// at is the place of a path of the config: relative to the config's folder, unless it is absolute.
func (c *Compiled) at(path string) string { return under(c.Dir, path) }

// under is the place of a path that is relative to a folder, unless it is absolute.
func under(dir, path string) string {
	path = filepath.FromSlash(path)
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// dir is the folder of the package.
func (j Job) dir(c *Compiled) (string, error) {
	dir := c.at(c.Config.Out)
	if j.Out != "" {
		dir = j.Out
	}
	return filepath.Abs(dir)
}

// ruleSets are the unfused operators and what the config asks for.
func ruleSets(c config.Config, dir string) ([]fusion.Rules, error) {
	var out []fusion.Rules
	var errs []error
	for _, name := range append([]string{runtime.Unfused}, c.Fusion...) {
		r, err := ruleSet(name, dir)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", c.Pos("fusion"), err))
		}
		out = append(out, r)
	}
	return out, errors.Join(errs...)
}

// ruleSet is a built-in set, or a file with one rule in each line.
func ruleSet(name, dir string) (fusion.Rules, error) {
	ext := filepath.Ext(name)
	if ext == "" {
		return fusion.Named(name)
	}
	text, err := infile.Read(under(dir, name), infile.Text)
	if err != nil {
		return fusion.Rules{}, err
	}
	lines := slices.DeleteFunc(strings.Split(string(text), "\n"), func(l string) bool {
		l = strings.TrimSpace(l)
		return l == "" || strings.HasPrefix(l, "#")
	})
	return fusion.Parse(strings.TrimSuffix(filepath.Base(name), ext), lines...)
}

// packageName is the job's or the config's, or made of the model's file name.
func (j Job) packageName(c *Compiled) (string, error) {
	name := cmp.Or(j.Name, c.Config.Package)
	if name == "" {
		name = view.PackageName(c.Source.File)
	}
	if err := view.CheckPackageName(name); err != nil {
		return "", fmt.Errorf("%s: %w", c.Config.Pos("package"), err)
	}
	return name, nil
}

// WhyNot tells for each region with weights, or for the one at a node or value, which node keeps it from being a block of a name.
func (c *Compiled) WhyNot(name, at string) ([]supernet.WhyNot, error) {
	forms, err := config.Forms(name)
	if err != nil {
		return nil, err
	}
	return c.Net.WhyNot(templates.All(), name, forms, at)
}
