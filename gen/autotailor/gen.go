package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/autotailor/autotailor/gen"
	"github.com/autotailor/autotailor/internal/outfile"
	"github.com/autotailor/autotailor/ir"
	subnets "github.com/autotailor/autotailor/runtime/model"
)

// jobFlags are the flags that gen and inspect share.
type jobFlags struct {
	job    gen.Job
	inputs []string
}

func (c *call) jobFlags() *jobFlags {
	j := &jobFlags{}
	c.flags.StringVar(&j.job.Config, "config", "autotailor.toml", "config `file`")
	c.flags.StringVar(&j.job.Model, "model", "", "ONNX `file`, instead of the config's model")
	c.flags.StringArrayVar(&j.inputs, "input", nil, "shape of an input with open axes, as `name=1x3x224x224`")
	return j
}

func (j *jobFlags) parse(c *call) error {
	if err := c.parse(); err != nil {
		return err
	}
	var err error
	j.job.Inputs, err = inputShapes(j.inputs)
	return cmp.Or(err, j.checkProve())
}

// proveFlag lets users say how much is proved.
func (c *call) proveFlag(j *jobFlags, usual string) {
	c.flags.StringVar(&j.job.Prove, "prove", usual, "run SubNets and compare them with the model: `off, quick or full`")
}

// checkProve refuses what the flag cannot be.
func (j *jobFlags) checkProve() error {
	if p := j.job.Prove; p != "" && p != gen.ProveOff && p != gen.ProveQuick && p != gen.ProveFull {
		return usageError{fmt.Errorf("--prove %s: it can be %s, %s or %s", p, gen.ProveOff, gen.ProveQuick, gen.ProveFull)}
	}
	return nil
}

// inputShapes parses name=1x3x224x224.
func inputShapes(list []string) (map[string][]int, error) {
	out := map[string][]int{}
	for _, text := range list {
		i := strings.LastIndexByte(text, '=')
		if i < 1 {
			return nil, usageError{fmt.Errorf("--input %s: write it as name=1x3x224x224", text)}
		}
		for _, p := range strings.Split(text[i+1:], "x") {
			n, err := strconv.Atoi(p)
			if err != nil || n < 1 {
				return nil, usageError{fmt.Errorf("--input %s: %q is not an extent; write it as name=1x3x224x224", text, p)}
			}
			out[text[:i]] = append(out[text[:i]], n)
		}
	}
	return out, nil
}

func runGen(c *call) error {
	j := c.jobFlags()
	c.flags.StringVar(&j.job.Out, "out", "", "`folder` of the package, instead of the config's")
	c.flags.StringVar(&j.job.Name, "package", "", "Go package `name`, instead of the config's")
	c.flags.StringVar(&j.job.Torch, "pytorch", "", "`folder` of a PyTorch package for tuning on GPUs, instead of the config's")
	check := c.flags.Bool("check", false, "write nothing; exit code 1 when the package is stale")
	diff := c.flags.Bool("diff", false, "write nothing; print what would change")
	asJSON := c.flags.Bool("json", false, "print JSON: the package and what changes")
	c.proveFlag(j, gen.ProveQuick)
	dump := c.flags.String("dump", "", "print the graph `after:PASS` and stop")
	if err := j.parse(c); err != nil {
		return err
	}
	if *dump != "" {
		return c.dump(j.job, *dump)
	}
	if *check { // the proof says nothing about files
		j.job.Prove = gen.ProveOff
	}
	out, err := j.job.Run()
	if err != nil {
		return err
	}
	c.warn(out.Notes)
	if out.Proof != nil {
		fmt.Fprintf(c.err, "proof: %s\n", out.Proof)
	}
	changes, err := out.Changes()
	if err != nil {
		return err
	}
	if *asJSON {
		return c.changes(out, changes, !*check && !*diff, *check)
	}
	switch {
	case *diff:
		text, err := out.Diff(changes)
		fmt.Fprint(c.out, text)
		if err != nil || !*check {
			return err
		}
	case !*check:
		return out.Write(changes)
	}
	if len(changes) == 0 {
		return nil
	}
	if !*diff {
		fmt.Fprintf(c.err, "%s is stale, run `autotailor gen`:\n  %s\n", out.Dir, strings.Join(gen.Names(changes), "\n  "))
	}
	return errStale
}

// generated is the result of `gen --json`.
type generated struct {
	Dir      string         `json:"dir"`
	Files    int            `json:"files"`
	Changes  []fileChange   `json:"changes"`
	Warnings []string       `json:"warnings"`
	Proof    *subnets.Proof `json:"proof,omitempty"` // where one was asked for
}

type fileChange struct {
	Name  string `json:"name"`
	State string `json:"state"`
}

// changes prints what changes, and writes it if asked to.
func (c *call) changes(out *gen.Output, changes []gen.Change, write, check bool) error {
	r := generated{Dir: out.Dir, Files: len(out.Files), Changes: []fileChange{}, Warnings: append([]string{}, out.Notes...), Proof: out.Proof}
	for _, f := range changes {
		r.Changes = append(r.Changes, fileChange{f.Name, f.State})
	}
	if write {
		if err := out.Write(changes); err != nil {
			return err
		}
	}
	if err := c.json(r); err != nil || !check || len(changes) == 0 {
		return err
	}
	return errStale
}

func (c *call) dump(j gen.Job, text string) error {
	name, ok := strings.CutPrefix(text, "after:")
	if !ok {
		return usageError{fmt.Errorf("--dump=%s: write it as --dump=after:PASS", text)}
	}
	j.After = name
	j.Dump = func(g *ir.Graph) { fmt.Fprint(c.out, ir.Format(g)) }
	return j.Canonicalise()
}

func (c *call) warn(list []string) {
	for _, w := range list {
		fmt.Fprintf(c.err, "warning: %s\n", w)
	}
}

func runInspect(c *call) error {
	j := c.jobFlags()
	asJSON := c.flags.Bool("json", false, "print JSON")
	c.proveFlag(j, gen.ProveOff)
	why := c.flags.String("why", "", "tell what moves or fixes each axis of the value, parameter or node `name`")
	whyNot := c.flags.String("why-not", "", "tell for each region which node keeps it from being a block called `template`, such as Bottleneck")
	at := c.flags.String("at", "", "with --why-not: the region of this `node` or value only")
	if err := j.parse(c); err != nil {
		return err
	}
	switch {
	case *why != "" && *whyNot != "":
		return usageError{errors.New("--why is about axes, --why-not about blocks: ask one after the other")}
	case *at != "" && *whyNot == "":
		return usageError{errors.New("--at says where --why-not looks, which is missing")}
	}
	compiled, err := j.job.Compile()
	if err != nil {
		return err
	}
	if *why != "" {
		return c.why(compiled, *why, *asJSON)
	}
	if *whyNot != "" {
		return c.whyNot(compiled, *whyNot, *at, *asJSON)
	}
	r, err := compiled.Inspect()
	if err != nil {
		return err
	}
	if r.Proof, err = compiled.Proof(j.job.Prove); err != nil {
		return err
	}
	c.warn(r.Warnings)
	if *asJSON {
		return c.json(r)
	}
	return r.Text(c.out)
}

func (c *call) json(v any) error {
	e := json.NewEncoder(c.out)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

// why explains the axes of a value or node.
func (c *call) why(compiled *gen.Compiled, name string, asJSON bool) error {
	list, err := compiled.Net.Why(name)
	if err != nil {
		return err
	}
	if asJSON {
		return c.json(list)
	}
	for _, e := range list {
		fmt.Fprint(c.out, e)
	}
	return nil
}

// whyNot explains what keeps regions from being blocks of a name.
func (c *call) whyNot(compiled *gen.Compiled, name, at string, asJSON bool) error {
	list, err := compiled.WhyNot(name, at)
	if err != nil {
		return err
	}
	if asJSON {
		return c.json(list)
	}
	for _, w := range list {
		fmt.Fprintln(c.out, w)
	}
	return nil
}

// generateFile is what `go generate` runs.
const generateFile = `package %s

//go:generate go tool autotailor gen
`

func runInit(c *call) error {
	model := c.flags.String("model", "", "ONNX `file` (required)")
	out := c.flags.String("out", "autotailor.toml", "config `file` to write, - for standard output")
	force := c.flags.Bool("force", false, "overwrite an existing config")
	inputs := c.flags.StringArray("input", nil, "shape of an input with open axes, as `name=1x3x224x224`")
	pkg := c.flags.String("package", "", "Go package `name`, instead of the folder's")
	asJSON := c.flags.Bool("json", false, "print JSON: the files and the package's name")
	images := c.flags.String("data", "", "`folder` with training data, which say how they become input: pictures (train/CLASS/*.jpg, CLASS/*.jpg, train*.tar, IDX files) or rows (train.csv, .npz, .jsonl, .txt, train_x.npy); a single file of rows, too")
	skip := c.flags.Int("skip", 0, "broken pictures or rows of --data that may be left out; without it, up to a tenth of the pictures that are looked at")
	if err := c.parse(); err != nil {
		return err
	}
	if *model == "" {
		return usageError{errors.New("--model is missing")}
	}
	if *skip < 0 {
		return usageError{errors.New("--skip must not be negative")}
	}
	shapes, err := inputShapes(*inputs)
	if err != nil {
		return err
	}
	dir := "."
	if *out != "-" {
		dir = filepath.Dir(*out)
	}
	p := gen.Proposal{Model: *model, Dir: dir, Package: *pkg, Inputs: shapes, Data: *images, Skip: *skip}
	p.Note = func(text string) { fmt.Fprintf(c.err, "note: %s\n", text) }
	if *out != "-" {
		if err := errors.Join(free(*out, *force, *model), alone(dir)); err != nil {
			return err
		}
	}
	text, name, err := p.Config()
	if err != nil {
		return err
	}
	if *out == "-" {
		_, err := c.out.Write(text)
		return err
	}
	files := []outfile.Content{{Path: *out, Data: text}}
	generate := filepath.Join(dir, "generate.go")
	if _, err := os.Lstat(generate); err != nil {
		files = append(files, outfile.Content{Path: generate, Data: fmt.Appendf(nil, generateFile, name)})
	}
	if err := outfile.WriteAll(files...); err != nil {
		return err
	}
	if *asJSON {
		return c.json(map[string]string{"config": *out, "generate": generate, "package": name})
	}
	fmt.Fprintf(c.err, "wrote %s for package %s; look it over, then run `go generate ./...`\n", *out, name)
	return nil
}

// alone checks that the folder has no program: its package would be another one than the SuperNet's.
func alone(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.PackageClauseOnly)
		if err == nil && f.Name.Name == "main" {
			return fmt.Errorf("%s is of package main, a SuperNet needs a folder of its own: try --out %s", name, filepath.Join(dir, "mynet", "autotailor.toml"))
		}
	}
	return outfile.Folder(dir)
}

// free refuses to write over a file that is there, unless force is set, and over what the command reads in any case.
func free(out string, force bool, sources ...string) error {
	is, err := os.Stat(out)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, source := range sources {
		if was, err := os.Stat(source); err == nil && os.SameFile(was, is) {
			return fmt.Errorf("%s is what the command reads: give another name for what it writes", out)
		}
	}
	if !force {
		return fmt.Errorf("%s exists; --force overwrites it: %w", out, os.ErrExist)
	}
	return nil
}
