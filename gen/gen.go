// Package gen turns a config and a model into the files of a SuperNet package.
package gen

import (
	"bytes"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dave/jennifer/jen"

	"github.com/autotailor/autotailor/gen/config"
	"github.com/autotailor/autotailor/gen/pytorch"
	"github.com/autotailor/autotailor/gen/view"
	"github.com/autotailor/autotailor/internal/onnx"
	"github.com/autotailor/autotailor/ir"
	"github.com/autotailor/autotailor/ir/supernet"
	"github.com/autotailor/autotailor/ir/unique"
	"github.com/autotailor/autotailor/runtime/model"
	runtime "github.com/autotailor/autotailor/runtime/supernet"
)

// Job is one run of the generator.
type Job struct {
	Config string            // path of the config file
	Model  string            // overrides the config's model
	Out    string            // overrides the config's folder
	Name   string            // overrides the config's package name
	Torch  string            // folder of the PyTorch package, overrides the config's
	Inputs map[string][]int  // overrides input shapes, by name
	After  string            // name of a pass; Dump is called with the graph after it
	Dump   func(g *ir.Graph) // may be nil
	Prove  string            // how much of the package is proved: ProveQuick, ProveFull; nothing otherwise

	file   *opened               // nil where none is read yet
	again  elsewhere             // the model at other resolutions, nil where it is to be read anew
	frozen []config.Frozen       // beside those of the config
	tamper func(p *view.Package) // makes a mistake, for tests of the proof
}

// Compiled is a SuperNet before it becomes files.
type Compiled struct {
	Config  config.Config
	Dir     string // folder of the config, which its paths are relative to
	Source  runtime.Source
	Net     *supernet.Net
	Ops     *unique.Table
	Timings Timings

	model *onnx.Model // the file
}

// Timings are the durations of the compiler's parts.
type Timings struct {
	Read, Compile, Enumerate, Total time.Duration
}

// Output is a package as files.
type Output struct {
	Dir     string // where they belong
	Package string
	Files   []File
	Notes   []string     // settings without effect
	Torch   string       // folder of the PyTorch package, relative to Dir with slashes; "" for none
	Proof   *model.Proof // nil where none was asked for
	Config  *File        // the config, whose path is as given, with what the proof froze; nil when that is nothing
}

// File is one generated file; Name is relative to Output.Dir, with slashes.
type File struct {
	Name string
	Data []byte
}

// Run makes the files of a job. Nothing is written.
func (j Job) Run() (*Output, error) {
	j.file = &opened{}
	c, err := j.Compile()
	if err != nil {
		return nil, err
	}
	dir, err := j.dir(c)
	if err != nil {
		return nil, err
	}
	name, err := j.packageName(c)
	if err != nil {
		return nil, err
	}
	p, err := c.View(name)
	if err != nil {
		return nil, err
	}
	out := &Output{Dir: dir, Package: name}
	if c, p, err = j.proved(c, p, out); err != nil {
		return nil, err
	}
	place, err := findModule(dir)
	if err != nil {
		return nil, err
	}
	p.ModelPath = j.modelFrom(c, dir)
	out.Notes = append(out.Notes, c.Net.Warnings...)
	if out.Files, err = emit(p, filepath.Base(j.Config), place); err != nil {
		return nil, err
	}
	return out, j.torch(c, p, out)
}

// emit writes the files of a package, several at a time: the time goes into the layout of two or three long ones.
func emit(p *view.Package, config string, place place) ([]File, error) {
	list := emitters(p.Name)
	files, errs := make([]File, len(list)), make([]error, len(list))
	var all sync.WaitGroup
	for k, e := range list {
		all.Go(func() {
			data, err := e.render(p, config, place)
			if err != nil {
				errs[k] = fmt.Errorf("%s: %w", e.file, err)
			}
			files[k] = File{e.file, data}
		})
	}
	all.Wait()
	return files, errors.Join(errs...)
}

// modelFrom is the path of the model as seen from a folder, "" where there is none.
func (j Job) modelFrom(c *Compiled, dir string) string {
	file, err := j.model(c)
	if err != nil {
		return ""
	}
	if file, err = filepath.Abs(file); err != nil {
		return ""
	}
	rel, err := filepath.Rel(dir, file)
	if err != nil { // another drive
		return ""
	}
	return filepath.ToSlash(rel)
}

// proved proves the package as the job says, and returns what of it is to be printed.
func (j Job) proved(c *Compiled, p *view.Package, out *Output) (*Compiled, *view.Package, error) {
	if j.Prove != ProveQuick && j.Prove != ProveFull {
		return c, p, nil
	}
	s, err := j.settle(c, p)
	if err != nil {
		return nil, nil, err
	}
	text, err := s.withFrozen()
	if err != nil {
		return nil, nil, err
	}
	if text != nil {
		out.Config = &File{c.Config.File, text}
	}
	out.Proof, out.Notes = s.proof, s.notes()
	return s.compiled, s.view, nil
}

// torch adds the PyTorch package, if one is wanted.
func (j Job) torch(c *Compiled, p *view.Package, out *Output) error {
	dir := c.at(c.Config.PyTorch)
	if j.Torch != "" {
		dir = j.Torch
	} else if c.Config.PyTorch == "" {
		return nil
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	if dir, err = filepath.Rel(out.Dir, dir); err != nil {
		return err
	}
	out.Torch = filepath.ToSlash(dir)
	files, err := pytorch.Files(p)
	for _, f := range files {
		out.Files = append(out.Files, File{path.Join(out.Torch, f.Name), f.Data})
	}
	return err
}

// View makes the view of a compiled SuperNet that the emitted files show.
func (c *Compiled) View(name string) (*view.Package, error) {
	p, err := view.New(c.Net, name)
	if err != nil {
		return nil, err
	}
	if err := p.AddTable(c.Net, c.Ops); err != nil {
		return nil, err
	}
	coverage, err := c.Net.Coverage()
	if err != nil {
		return nil, err
	}
	p.Title, p.Source, p.Coverage = c.Config.Title, c.Source, runtime.Coverage(coverage)
	for _, u := range c.Net.Uncounted() {
		p.Uncounted = append(p.Uncounted, runtime.Uncounted(u))
	}
	p.Raw, p.Distinct, p.Mods = c.Net.Raw.String(), c.Net.Distinct().String(), c.Net.Modifications
	p.Config = filepath.Base(c.Config.File)
	p.Data, p.Task = view.Data(c.Config.Data), view.Task{Name: c.Config.Task, Metric: c.Config.Metric}
	p.Missing, err = missing(p)
	return p, err
}

// emitter makes one file. A file outside of the package imports it by its path.
type emitter struct {
	file    string
	emit    func(f *jen.File, p *view.Package) error
	outside func(f *jen.File, p *view.Package, path string) error
}

// emitters lists the files of a package, one Go file of this folder each.
func emitters(name string) []emitter {
	return []emitter{
		{file: "doc_gen.go", emit: docFile},
		{file: "space_gen.go", emit: spaceFile},
		{file: "modules_gen.go", emit: modulesFile},
		{file: "ops_gen.go", emit: opsFile},
		{file: "params_gen.go", emit: paramsFile},
		{file: "lut_gen.go", emit: lutFile},
		{file: "search_gen.go", emit: searchFile},
		{file: "export_gen.go", emit: exportFile},
		{file: "selftest_gen_test.go", emit: selftestFile},
		{file: "example_gen_test.go", outside: exampleFile},
		{file: "cmd/" + name + "/main_gen.go", outside: mainFile},
	}
}

// pkg is the Go package of the file.
func (e emitter) pkg(name string) string {
	switch {
	case e.outside == nil:
		return name
	case strings.HasSuffix(e.file, "_test.go"):
		return name + "_test"
	}
	return "main"
}

// Header is the first line of every generated file, up to the name of the config.
const Header = "// Code generated by autotailor"

func (e emitter) render(p *view.Package, config string, place place) ([]byte, error) {
	src, err := e.source(p, config, place)
	if err != nil {
		return nil, err
	}
	text, err := formatted(src, manyLines)
	if err != nil {
		return nil, fmt.Errorf("internal error: %w", err)
	}
	return grouped(text), nil
}

// source is the file before it is laid out.
func (e emitter) source(p *view.Package, config string, place place) ([]byte, error) {
	own, emit := place.importPath(), e.emit
	f := jen.NewFilePathName(own, e.pkg(p.Name))
	if e.outside != nil {
		f = jen.NewFile(e.pkg(p.Name))
		if path.Base(own) == p.Name {
			f.ImportName(own, p.Name)
		}
		emit = func(f *jen.File, p *view.Package) error { return e.outside(f, p, own) }
	}
	f.HeaderComment(fmt.Sprintf("%s from %s; DO NOT EDIT.", Header, view.Comment(config)))
	f.ImportNames(imports)
	if err := emit(f, p); err != nil {
		return nil, err
	}
	f.NoFormat = true
	var b bytes.Buffer
	if err := f.Render(&b); err != nil {
		return nil, fmt.Errorf("internal error: %w", err)
	}
	return b.Bytes(), nil
}

// grouped moves the standard library's packages to the front of the imports, as Go programmers write them: jennifer sorts all by path.
func grouped(src []byte) []byte {
	before, rest, ok := bytes.Cut(src, []byte("\nimport (\n"))
	list, after, closed := bytes.Cut(rest, []byte("\n)\n"))
	if !ok || !closed {
		return src
	}
	var standard, others []byte
	for line := range bytes.Lines(append(list, '\n')) {
		if bytes.Contains(line, []byte(".")) { // a host name
			others = append(others, line...)
		} else {
			standard = append(standard, line...)
		}
	}
	if standard != nil && others != nil {
		standard = append(standard, '\n')
	}
	return slices.Concat(before, []byte("\nimport (\n"), standard, others, []byte(")\n"), after)
}
